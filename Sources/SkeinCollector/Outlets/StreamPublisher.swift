import SkeinBSON
import SkeinJournal
import SkeinPlatform
import SkeinWire
import SkeinZeroMQ
import Synchronization

/// The live stream: publishes what arrives to whoever subscribes, on a thread of its own. Nothing is kept for a
/// subscriber that is slow or away, and without subscribers nothing is read.
final class StreamPublisher: RunningOutlet {
    struct Shared {
        var routing: Routing
        var counters = OutletCounters()
        /// Bytes of the journal that were passed over to catch up.
        var skippedBytes = 0
        var subscriptions = 0
        var isStopped = false
        var hasEnded = false
        /// What came of the bind.
        var port: Result<Int, CollectorError>?
    }

    let name: String
    let shared: Monitor<Shared>
    private let wakeUp: WakeUp

    private init(name: String, routing: Routing, wakeUp: WakeUp) {
        self.name = name
        self.wakeUp = wakeUp
        shared = Monitor(Shared(routing: routing))
    }

    /// Binds the port and starts the thread.
    static func start(
        name: String, configuration: CollectorConfiguration, curve: CurveSettings?, context: ZMQContext,
        journal: BatchJournal, routing: Routing, warner: Warner
    ) throws(CollectorError) -> StreamPublisher {
        do {
            let publisher = StreamPublisher(name: name, routing: routing, wakeUp: try WakeUp())
            let thread = try SystemThread(name: "skein-stream") {
                StreamLoop.run(publisher, configuration, curve, context, journal, warner)
                publisher.shared.update { $0.hasEnded = true }
            }
            thread.detach()
            let deadline = SystemClock.monotonicNanoseconds() + 10_000_000_000
            guard let result = publisher.shared.wait(until: deadline, { $0.port }) else {
                throw CollectorError(.timeout, "the stream's thread did not start")
            }
            _ = try result.get()
            return publisher
        } catch let error as CollectorError {
            throw error
        } catch {
            throw CollectorError(.resources, "the stream cannot start: \(error)")
        }
    }

    /// The port it is bound to.
    var port: Int? {
        if case .success(let port) = shared.withLock({ $0.port }) { port } else { nil }
    }

    var ruleCounts: [RuleCount]? { shared.withLock { $0.routing }.counts }

    func wake() {
        wakeUp.signal()
    }

    func route(_ routing: Routing) {
        shared.update { $0.routing = routing }
    }

    /// It holds nothing back for anybody.
    var oldestArrival: Int64? { nil }
    func lag(behind position: JournalPosition) -> String? { nil }
    func rotate() -> UInt64 { 0 }
    func hasRotated(_ number: UInt64) -> Bool { true }

    func retire(at position: JournalPosition) {}
    func follow(upstream: [String]) {}

    func stop(by deadline: Int64) {
        shared.update { $0.isStopped = true }
        wakeUp.signal()
    }

    func waitForEnd(until deadline: Int64) -> Bool {
        shared.wait(until: deadline) { $0.hasEnded ? true : nil } ?? false
    }

    var status: BSONDocument {
        let shared = shared.withLock { $0 }
        var document: BSONDocument = ["kind": "stream"]
        for (key, value) in shared.counters.document { document.append(key, value) }
        document.append("in_flight", .int64(Int64(bitPattern: shared.counters.inFlight)))
        document.append("subscriptions", .int64(Int64(shared.subscriptions)))
        document.append("skipped_bytes", .int64(Int64(shared.skippedBytes)))
        return document
    }

    fileprivate var wakeUpForLoop: WakeUp { wakeUp }
}

/// What runs on the stream's thread.
private struct StreamLoop: ~Copyable {
    private let publisher: StreamPublisher
    private let journal: BatchJournal
    private let warner: Warner
    private var reader: JournalReader?
    private var lastRun: RecordRun?
    private var unadvancedBytes = 0
    private var subscriptions: [[UInt8]: Int] = [:]
    private var counters = OutletCounters()
    private var skippedBytes = 0
    private let scratch: RuleScratch

    /// Beyond it an event goes out without its body.
    private static let maximumEventBytes = 256 << 10
    /// Beyond it what is old is passed over.
    private static let maximumLag = 64 << 20
    private static let highWaterMark = 1000

    static func run(
        _ publisher: StreamPublisher, _ configuration: CollectorConfiguration, _ curve: CurveSettings?,
        _ context: ZMQContext, _ journal: BatchJournal, _ warner: Warner
    ) {
        let address = configuration.streamAddress
        do {
            let socket = try ZMQSocket(.xpub, in: context)
            try socket.set(.sendHighWaterMark(highWaterMark), .maximumMessageBytes(4096))
            try PortSecurity.apply(to: socket, .stream, configuration, curve)
            do {
                try socket.bind(address.endpoint)
            } catch {
                throw PortSecurity.cannotListen(address, "stream", error)
            }
            publisher.shared.update { $0.port = .success(socket.boundPort ?? Int(address.port)) }
            var loop = StreamLoop(publisher, journal, warner)
            loop.run(socket)
        } catch {
            let failure =
                error as? CollectorError ?? CollectorError(.resources, "the stream cannot start: \(error)")
            publisher.shared.update { $0.port = .failure(failure) }
        }
    }

    private init(_ publisher: StreamPublisher, _ journal: BatchJournal, _ warner: Warner) {
        self.publisher = publisher
        self.journal = journal
        self.warner = warner
        scratch = RuleScratch(maximumBytes: journal.maximumPayload)
    }

    private mutating func run(_ socket: borrowing ZMQSocket) {
        // A cursor that a kill left behind would hold the journal back.
        drop()
        var poller = ZMQPoller()
        let incoming = poller.add(socket, for: .readable)
        let woken = poller.add(publisher.wakeUpForLoop)
        while !publisher.shared.withLock({ $0.isStopped }) {
            do {
                try poller.wait(for: (reader?.unreadBytes ?? 0) > 0 ? .zero : .seconds(1))
                if poller.isReady(woken) { publisher.wakeUpForLoop.drain() }
                if poller.isReady(incoming) { try subscribe(socket) }
                try read(socket)
            } catch {
                warner.warn("stream", "stream: \(error)")
                // Whatever it was, it must not become a loop that does nothing else.
                _ = try? poller.wait(for: .milliseconds(100))
            }
            publisher.shared.update { [counters, skippedBytes, count = subscriptions.count] shared in
                shared.counters = counters
                shared.skippedBytes = skippedBytes
                shared.subscriptions = count
            }
        }
        drop()
        poller.removeAll()
    }

    private mutating func drop() {
        reader = nil
        lastRun = nil
        unadvancedBytes = 0
        do {
            try journal.dropCursor(publisher.name)
        } catch {
            warner.warn("stream", "stream: \(error.message)")
        }
    }

    /// Takes word of who wants what: a byte, 1 or 0, and a prefix.
    private mutating func subscribe(_ socket: borrowing ZMQSocket) throws(ZMQError) {
        while let message = try socket.receiveMultipart(maximumFrames: 1) {
            guard let sign = message.frames[0].first else { continue }
            let prefix = Array(message.frames[0].dropFirst())
            if sign == 1 {
                // What a stranger subscribes to must not grow without bound; libzmq filters by itself, too.
                if subscriptions.count < 100_000 { subscriptions[prefix] = 1 }
            } else {
                subscriptions[prefix] = nil
            }
        }
    }

    private mutating func read(_ socket: borrowing ZMQSocket) throws {
        if subscriptions.isEmpty {
            if reader != nil { drop() }
            return
        }
        if let reader, reader.unreadBytes > Self.maximumLag {
            skippedBytes += reader.unreadBytes
            warner.warn(
                "lag",
                "stream: its subscribers cannot keep up; \(reader.unreadBytes >> 20) MiB are passed over")
            drop()
        }
        if reader == nil { reader = try journal.reader(named: publisher.name, from: .end) }
        guard let reader, let run = try reader.next(maximumBytes: 1 << 20) else { return }
        try publish(run, socket)
        run.release()
        lastRun = run
        unadvancedBytes += run.bytes.count
        // Each move of the cursor is an fdatasync; the segments may wait a little.
        if unadvancedBytes >= 8 << 20 || reader.unreadBytes == 0 {
            try reader.advance(past: run)
            unadvancedBytes = 0
        }
    }

    private mutating func publish(_ run: RecordRun, _ socket: borrowing ZMQSocket) throws(ZMQError) {
        let routing = publisher.shared.withLock { $0.routing }
        var records = run.makeCursor()
        var start = records.offset
        while let record = records.next() {
            counters.read &+= 1
            var position = run.start
            position.offset += UInt64(start)
            start = records.offset
            let type = EventScan(record.payload).type
            guard record.kind == .event || record.kind == .held, isWanted(type),
                let event = routing.event(record, at: position, scratch)
            else {
                counters.notRouted &+= 1
                continue
            }
            guard try socket.send(type, more: true) else { continue }
            if event.count > Self.maximumEventBytes {
                _ = try socket.send(Self.withoutBody(event))
            } else {
                _ = try socket.send(event)
            }
            counters.delivered &+= 1
        }
    }

    /// Whether any subscription's prefix fits; with many, libzmq's own search is the better one.
    private func isWanted(_ type: UnsafeRawBufferPointer) -> Bool {
        guard subscriptions.count <= 16 else { return true }
        return subscriptions.keys.contains { prefix in
            prefix.count <= type.count && type.prefix(prefix.count).elementsEqual(prefix)
        }
    }

    /// The event with an empty body and `truncated: true`; other large values at its top go, too.
    private static func withoutBody(_ event: UnsafeRawBufferPointer) -> [UInt8] {
        var builder = BSONBuilder(capacity: 1024)
        guard let view = try? BSONView(event) else { return [5, 0, 0, 0, 0] }
        var elements = view.makeElements()
        while let element = try? elements.next() {
            if element.hasKey(EventKey.body) {
                builder.append("body", document: BSONDocument())
            } else if element.value.count <= 4096 {
                builder.append(element)
            }
        }
        builder.append("truncated", bool: true)
        return builder.finish().bytes
    }
}
