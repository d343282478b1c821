import SkeinArchive
import SkeinBSON
import SkeinCollector
import SkeinPlatform
import SkeinWire
import SkeinZeroMQ
import Testing

/// A collector in this process with everything on free ports and in a folder of its own.
final class RunningCollector: Sendable {
    let folder: TemporaryFolder
    let collector: Collector
    let warnings: Lines

    init(
        _ folder: TemporaryFolder? = nil, requests: Collector.Requests = .init(),
        change: (inout CollectorConfiguration) -> Void = { _ in }
    ) throws {
        self.folder = try folder ?? TemporaryFolder()
        warnings = Lines()
        var configuration = Self.configuration(self.folder)
        change(&configuration)
        collector = try Collector(
            configuration,
            log: CollectorLog { [warnings] level, text in if level == .warning { warnings.add(text) } },
            requests: requests)
        try collector.start()
    }

    deinit {
        collector.stop()
    }

    static func configuration(_ folder: TemporaryFolder) -> CollectorConfiguration {
        var configuration = CollectorConfiguration(dataPath: folder.path + "/data")
        configuration.control = .loopback()
        configuration.collect = [.loopback()]
        configuration.deliver = .loopback()
        configuration.journal.segmentBytes = 2 << 20
        configuration.journal.budgetBytes = 64 << 20
        configuration.journal.syncInterval = .milliseconds(5)
        return configuration
    }

    var ports: Collector.Ports { collector.ports }

    func flush() throws {
        try collector.flush(timeout: .seconds(20))
    }

    /// The documents of all event files, by file name, `_other` included.
    func stored() throws -> [String: [[UInt8]]] {
        try Self.stored(folder.path + "/data/files")
    }

    static func stored(_ root: String) throws -> [String: [[UInt8]]] {
        var stored: [String: [[UInt8]]] = [:]
        for day in TemporaryFolder.names(root) {
            for name in TemporaryFolder.names(root + "/" + day) {
                stored[name] = try documents(root + "/" + day + "/" + name)
            }
        }
        return stored
    }

    static func documents(_ path: String) throws -> [[UInt8]] {
        var rest = try #require(TemporaryFolder.read(path), "\(path)")[...]
        var documents: [[UInt8]] = []
        while !rest.isEmpty {
            let document = try #require(
                rest.withUnsafeBytes { BSONView(prefixOf: $0).map { Array($0.bytes) } },
                "\(path) ends in \(rest.count) bytes that are no document")
            documents.append(document)
            rest = rest.dropFirst(document.count)
        }
        return documents
    }

    /// What was rejected: reason and bytes.
    func rejected() throws -> [(reason: String, bytes: [UInt8], detail: String)] {
        let path = folder.path + "/data/rejected"
        return try TemporaryFolder.names(path).filter { $0.hasSuffix(".bson") }.flatMap { name in
            try Self.documents(path + "/" + name).map { bytes in
                let document = try BSONDocument(validating: bytes)
                return (
                    try #require(document[path: "body.reason"]?.stringValue),
                    try #require(document[path: "body.bytes"]?.binaryValue).bytes,
                    document[path: "body.detail"]?.stringValue ?? ""
                )
            }
        }
    }

    /// Checks that nothing is lost sight of: what came in, and what every outlet read.
    func expectBalance(sourceLocation: SourceLocation = #_sourceLocation) {
        Self.expectBalance(collector.status, sourceLocation: sourceLocation)
    }

    static func expectBalance(_ status: BSONDocument, sourceLocation: SourceLocation = #_sourceLocation) {
        func sum(_ value: BSONValue?) -> Int64 {
            (value?.documentValue ?? [:]).reduce(0) { $0 + ($1.value.intValue ?? 0) }
        }
        func count(_ document: BSONDocument, _ key: String) -> Int64 { document[key]?.intValue ?? -1 }
        let hop = status["ledger"]?.documentValue ?? [:]
        #expect(
            count(hop, "received")
                == count(hop, "journaled") + count(hop, "duplicate") + sum(hop["rejected"])
                + sum(hop["dropped"]),
            "\(hop)", sourceLocation: sourceLocation)
        for (name, value) in status["outlets"]?.documentValue ?? [:] {
            let outlet = value.documentValue ?? [:]
            #expect(
                count(outlet, "read")
                    == count(outlet, "delivered") + count(outlet, "not_routed") + count(outlet, "rejected")
                    + sum(outlet["dropped"]) + count(outlet, "in_flight"), "\(name): \(outlet)",
                sourceLocation: sourceLocation)
        }
    }

    func ledger(_ key: String) -> Int64? { collector.status[path: "ledger." + key]?.intValue }
}

/// Lines that threads add and a test waits for.
final class Lines: Sendable {
    private let lines = Monitor<[String]>([])

    var all: [String] { lines.withLock { $0 } }
    func add(_ line: String) { lines.update { $0.append(line) } }

    /// The first line that contains a text, or nil after the time.
    func wait(for part: String, seconds: Int64 = 20) -> String? {
        let deadline = SystemClock.monotonicNanoseconds() + seconds * 1_000_000_000
        return lines.wait(until: deadline) { lines in lines.first { $0.contains(part) } }
    }
}

/// Waits for something that nobody signals, at most 20 seconds.
func eventually(
    _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool
) throws {
    let deadline = SystemClock.monotonicNanoseconds() + 20_000_000_000
    while try !condition() {
        try #require(SystemClock.monotonicNanoseconds() < deadline, what, sourceLocation: sourceLocation)
        usleep(2_000)
    }
}

// MARK: Clients

/// What a Ziggy client does.
final class PushClient {
    private let context: ZMQContext
    private let socket: ZMQSocket

    init(_ port: Int) throws {
        context = try ZMQContext()
        socket = try ZMQSocket(.push, in: context)
        try socket.set(.linger(.seconds(10)), .sendTimeout(.seconds(20)), .sendHighWaterMark(100_000))
        try socket.connect("tcp://127.0.0.1:\(port)")
    }

    func send(_ frames: [UInt8]...) throws {
        try #require(try socket.sendMultipart(frames, wait: true))
    }
}

/// Asks the control port as a REQ.
func ask(_ port: Int, _ request: [UInt8], seconds: Int = 30) throws -> BSONDocument? {
    let context = try ZMQContext()
    let socket = try ZMQSocket(.req, in: context)
    try socket.set(.receiveTimeout(.seconds(seconds)), .sendTimeout(.seconds(seconds)))
    try socket.connect("tcp://127.0.0.1:\(port)")
    try #require(try socket.send(request, wait: true))
    guard let answer = try socket.receive(wait: true) else { return nil }
    return try BSONDocument(validating: answer.bytes())
}

func ask(_ port: Int, _ command: String) throws -> BSONDocument {
    let request: BSONDocument = ["cmd": .string(command)]
    return try #require(try ask(port, request.bytes), "\(command)")
}

/// A producer of the deliver protocol that says exactly what it is told to.
final class RawProducer {
    private let context: ZMQContext
    private let socket: ZMQSocket
    let stream: StreamIdentity

    init(
        _ port: Int,
        stream: StreamIdentity = .init(
            journalHigh: 1, journalLow: 2, opening: .random(in: 1 ... .max), shard: 0)
    )
        throws
    {
        context = try ZMQContext()
        socket = try ZMQSocket(.dealer, in: context)
        self.stream = stream
        try socket.set(.receiveTimeout(.seconds(20)), .sendTimeout(.seconds(20)), .linger(.seconds(5)))
        try socket.connect("tcp://127.0.0.1:\(port)")
    }

    func send(_ message: DeliverMessage) throws {
        try #require(try socket.send(message.encoded(), wait: true))
    }

    func sendRaw(_ frames: [[UInt8]]) throws {
        try #require(try socket.sendMultipart(frames, wait: true))
    }

    /// The next answer, nil if there is none in time.
    func answer(seconds: Int = 20) throws -> DeliverMessage? {
        try socket.set(.receiveTimeout(.seconds(seconds)))
        guard let message = try socket.receive(wait: true) else { return nil }
        return try DeliverMessage(decoding: message.bytes())
    }

    func hello(first: UInt64 = 1, durable: Bool = false, path: [String] = []) throws -> DeliverMessage? {
        try send(
            .hello(
                .init(
                    stream: stream, first: first, durable: durable, service: "test", host: "here", pid: 1,
                    path: path)))
        return try answer()
    }

    /// Sends numbered documents as one batch.
    func batch(_ records: [(number: UInt64, document: [UInt8])], first: UInt64? = nil) throws {
        let header = DeliverMessage.batch(
            .init(
                stream: stream, first: first ?? records[0].number, last: records[records.count - 1].number,
                count: records.count))
        try sendRaw([header.encoded(), Self.payload(records)])
    }

    /// Waits for the acknowledgement of a number, passing over lesser ones.
    func waitForAck(_ number: UInt64) throws {
        while true {
            let message = try #require(try answer(), "no acknowledgement of \(number)")
            if case .acknowledge(let ack) = message, ack.ack >= number { return }
        }
    }

    static func payload(_ records: [(number: UInt64, document: [UInt8])], kind: UInt8 = 1) -> [UInt8] {
        var bytes: [UInt8] = []
        for (number, document) in records {
            var header = [UInt8](repeating: 0, count: 32)
            withUnsafeBytes(of: UInt32(document.count).littleEndian) {
                header.replaceSubrange(0..<4, with: $0)
            }
            header[8] = kind
            withUnsafeBytes(of: number.littleEndian) { header.replaceSubrange(16..<24, with: $0) }
            bytes += header + document
            bytes += [UInt8](repeating: 0, count: (8 - bytes.count % 8) % 8)
        }
        return bytes
    }
}

/// An event of now.
func freshEvent(_ type: String, _ number: Int, text: String = "") -> BSONDocument {
    event(type, number, at: Double(SystemClock.wallNanoseconds()) * 1e-9, text: text)
}

/// The exclusive lock of a day's folder, as whoever zips it holds it.
final class HeldLock {
    private var lock: DayFolderLock?

    init(_ lock: consuming DayFolderLock) {
        self.lock = consume lock
    }

    func release() {
        lock = nil
    }
}

func holdExclusively(_ folder: String) throws -> HeldLock {
    HeldLock(try DayFolderLock(folder: folder, .exclusive, wait: .seconds(10)))
}

func dayOfToday() -> ArchiveDay {
    ArchiveDay(unixNanoseconds: SystemClock.wallNanoseconds())
}
