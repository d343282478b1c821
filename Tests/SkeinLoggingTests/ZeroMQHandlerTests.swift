import SkeinBSON
import SkeinLogging
import SkeinPickle
import SkeinPlatform
import SkeinZeroMQ
import Testing

@Suite struct ZeroMQHandlerTests {
    /// What Distlog's daemon is.
    private final class Daemon {
        private let context: ZMQContext
        private let socket: ZMQSocket
        let endpoint: String

        init() throws {
            context = try ZMQContext()
            socket = try ZMQSocket(.pull, in: context)
            try socket.set(.receiveTimeout(.seconds(20)))
            endpoint = try socket.bind("tcp://127.0.0.1:*")
        }

        func next() throws -> (topic: String, record: [UInt8]) {
            let frames = try #require(try socket.receiveMultipart(wait: true)).frames
            try #require(frames.count == 2)
            return (String(decoding: frames[0], as: UTF8.self), frames[1])
        }
    }

    private struct OutOfStock: Error {}

    @Test func `a record is two frames, its attributes named as Python names them`() throws {
        let daemon = try Daemon()
        let handler = try ZeroMQHandler(endpoint: daemon.endpoint, system: .test)
        let line = #line + 3
        withLogHandler(handler) {
            withTask("order", ["customer": 17], id: "t") { _ in
                EventLogger("shop.cart").error(
                    "two\nlines", error: OutOfStock(), ["item": "tea", "name": "a", "a.b": 1.5])
            }
        }
        handler.close()
        let begin = try daemon.next()
        let (topic, bytes) = try daemon.next()
        #expect(begin.topic == "TLJ")
        #expect(topic == "TLJ")
        let record = try PlainJSON.decode(String(decoding: bytes, as: UTF8.self))
        #expect(record["name"] == "shop.cart")
        #expect(record["msg"] == "two\nlines")
        #expect(record["message"] == "two\\nlines")
        #expect(record["args"] == .null)
        #expect(record["levelname"] == "ERROR")
        #expect(record["levelno"] == .int32(40))
        #expect(record["pathname"] == .string(#filePath))
        #expect(record["filename"] == "ZeroMQHandlerTests.swift")
        #expect(record["module"] == "SkeinLoggingTests")
        #expect(record["lineno"]?.intValue == Int64(line))
        #expect(record["exc_text"]?.stringValue?.contains("OutOfStock") == true)
        #expect(record["process"] == .int32(getpid()))
        #expect(record["hostname"]?.stringValue?.isEmpty == false)
        #expect(record["item"] == "tea")
        #expect(record["name_"] == "a")
        #expect(record["a.b"] == .double(1.5))
        #expect(record["context"] == ["key": "1@t", "customer": .int32(17)])
        let created = try #require(record["created"]?.doubleValue)
        #expect(abs(created - Double(SystemClock.wallNanoseconds()) * 1e-9) < 60)
        #expect(handler.statistics.sent == 3)
    }

    @Test func `a pickle, and a serializer of one's own`() throws {
        struct Own: RecordSerializer {
            let encoding: Character = "X"
            func serialize(_ attributes: BSONDocument) -> [UInt8]? {
                attributes["levelno"]?.intValue == 10 ? nil : Array("own".utf8)
            }
        }
        let daemon = try Daemon()
        let pickles = try ZeroMQHandler(
            endpoint: daemon.endpoint, serializer: PickleRecordSerializer(), level: .info)
        let logger = EventLogger("shop", handler: pickles)
        logger.debug("below its level")
        logger.info("hello")
        pickles.flush()
        let first = try daemon.next()
        #expect(first.topic == "PLP")
        let read = try PickleReader().read(first.record)
        guard case .document(let record) = read.value else {
            Issue.record("no dict")
            return
        }
        #expect(record["msg"] == "hello")
        #expect(record["context"] == .null)
        let own = try ZeroMQHandler(endpoint: daemon.endpoint, system: .staging, serializer: Own())
        EventLogger("shop", handler: own).debug("cannot be written")
        EventLogger("shop", handler: own).info("can")
        #expect(try daemon.next() == ("SLX", Array("own".utf8)))
        own.close()
        #expect(own.statistics.droppedUnserializable == 1)
        #expect(own.statistics.sent == 1)
        pickles.close()
        logger.info("too late")
        #expect(pickles.statistics.droppedClosed == 1)
    }

    @Test func `without a daemon nothing blocks, what exceeds the queue is counted, and the end is bounded`()
        throws
    {
        // A port that nobody listens on: it was bound, and is no more.
        let context = try ZMQContext()
        let socket = try ZMQSocket(.pull, in: context)
        let endpoint = try socket.bind("tcp://127.0.0.1:*")
        socket.close()
        context.terminate()
        let handler = try ZeroMQHandler(endpoint: endpoint, capacity: 100)
        let logger = EventLogger("shop", handler: handler)
        for number in 0..<1_000 { logger.info("\(number)") }
        #expect(handler.statistics.waiting == 100)
        #expect(handler.statistics.droppedQueueFull == 900)
        let start = SystemClock.monotonicNanoseconds()
        handler.close()
        #expect(SystemClock.monotonicNanoseconds() - start < 10_000_000_000)
        let statistics = handler.statistics
        #expect(statistics.sent + statistics.droppedClosed == 100)
        #expect(statistics.waiting == 0)
    }

    @Test func `records of many threads all arrive`() throws {
        let daemon = try Daemon()
        let handler = try ZeroMQHandler(endpoint: daemon.endpoint, serializer: PickleRecordSerializer())
        try onThreads(4) { thread in
            let logger = EventLogger("t\(thread)", handler: handler)
            for number in 0..<500 { logger.info("\(number)") }
        }
        var seen: [String: Int] = [:]
        for _ in 0..<2_000 {
            guard case .document(let record) = try PickleReader().read(daemon.next().record).value else {
                continue
            }
            let name = record["name"]?.stringValue ?? ""
            // In order, for each thread.
            #expect(record["msg"] == .string("\(seen[name, default: 0])"))
            seen[name, default: 0] += 1
        }
        handler.close()
        #expect(seen.values.sorted() == [500, 500, 500, 500])
        #expect(
            handler.statistics
                == {
                    var all = ZeroMQHandler.Statistics()
                    all.sent = 2_000
                    return all
                }())
    }

    @Test func `settings that cannot be meant are refused by name`() {
        struct Accent: RecordSerializer {
            let encoding: Character = "é"
            func serialize(_ attributes: BSONDocument) -> [UInt8]? { nil }
        }
        let place = #expect(throws: LoggingError.self) { try ZeroMQHandler(endpoint: "localhost:5010") }
        #expect(place?.message.contains("localhost:5010") == true)
        let good = "tcp://127.0.0.1:5010"
        let capacity = #expect(throws: LoggingError.self) { try ZeroMQHandler(endpoint: good, capacity: 0) }
        #expect(capacity?.message.contains("capacity 0") == true)
        let bytes = #expect(throws: LoggingError.self) { try ZeroMQHandler(endpoint: good, capacityBytes: 1) }
        #expect(bytes?.message.contains("capacityBytes 1") == true)
        let accent = #expect(throws: LoggingError.self) {
            try ZeroMQHandler(endpoint: good, serializer: Accent())
        }
        #expect(accent?.message.contains("é") == true)
    }
}
