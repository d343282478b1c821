import SkeinJournal
import SkeinPlatform
import SkeinShipping
import SkeinWire
import SkeinZeroMQ

/// A collector's deliver port on a real ROUTER socket, with a journal in memory that outlives its restarts.
final class FakeCollector: Sendable {
    enum Behaviour: Sendable {
        case good
        /// Takes the connection and everything that comes, and says nothing.
        case silent
        /// Answers every message with bytes that mean nothing.
        case nonsense
        /// Answers every message with messages of the protocol that do not belong there.
        case confused
        /// Has no room.
        case full
    }

    /// What it holds, synced or not.
    struct Contents: Sendable {
        var numbers: [StreamIdentity: [UInt64]] = [:]
        var documents: [StreamIdentity: [[UInt8]]] = [:]
        var synced: [StreamIdentity: Int] = [:]
        var bytes = 0
        var records = 0
        var greetings: [DeliverMessage.Hello] = []
        var farewells: [StreamIdentity] = []
        var counts = CollectorCounts()
        var messages = 0
        var problems: [String] = []
    }

    let port: Int
    private let contents: Monitor<Contents>
    private let ends: WakeUp
    private let thread: SystemThread

    /// - Parameters:
    ///   - port: 0 for any.
    ///   - contents: those of the collector before this one; what it had not synced is gone.
    init(
        port: Int = 0, contents: Monitor<Contents> = Monitor(Contents()), _ behaviour: Behaviour = .good,
        keepsDocuments: Bool = true, curve: CurveKeyPair? = nil
    ) throws {
        self.contents = contents
        let ends = try WakeUp()
        self.ends = ends
        let ready = Monitor<(Int?, String?)>((nil, nil))
        thread = try SystemThread(name: "collector") {
            do {
                let context = try ZMQContext()
                try Self.run(port, contents, behaviour, keepsDocuments, curve, ends, context) { port in
                    ready.update { $0.0 = port }
                }
                context.terminate()
            } catch {
                ready.update { $0.1 = "\(error)" }
                contents.update { $0.problems.append("\(error)") }
            }
        }
        let bound = ready.wait(until: .max) { $0.0 ?? ($0.1 != nil ? -1 : nil) } ?? -1
        self.port = bound
        if bound < 0 { throw SystemError(code: EADDRINUSE) }
    }

    /// Goes away at once, as a killed process does. Call it once.
    func stop() {
        ends.signal()
        thread.join()
    }

    var now: Contents { contents.withLock { $0 } }
    var memory: Monitor<Contents> { contents }

    /// Waits until the contents are as wanted, at most so long.
    func wait(seconds: Int64 = 20, until isWanted: @escaping (Contents) -> Bool) -> Bool {
        let deadline = SystemClock.monotonicNanoseconds() + seconds * 1_000_000_000
        return contents.wait(until: deadline) { isWanted($0) ? true : nil } ?? false
    }

    private static func run(
        _ port: Int, _ contents: Monitor<Contents>, _ behaviour: Behaviour, _ keepsDocuments: Bool,
        _ curve: CurveKeyPair?, _ ends: WakeUp, _ context: ZMQContext, _ ready: (Int) -> Void
    ) throws {
        let socket = try ZMQSocket(.router, in: context)
        try socket.set(
            .routerMandatory(true), .maximumMessageBytes(DeliverMessage.maximumBytes),
            .receiveBufferBytes(4 << 20))
        if let curve { try socket.set(ZMQOption.curveServer(secretKey: curve.secretKey)) }
        try socket.bind("tcp://127.0.0.1:\(port)")
        let held = contents.update { contents -> [HeldStream] in
            contents.numbers.map { stream, numbers in
                let count = contents.synced[stream] ?? 0
                let kept = Array(numbers.prefix(count))
                contents.numbers[stream] = kept
                contents.documents[stream] = contents.documents[stream].map { Array($0.prefix(count)) }
                return HeldStream(identity: stream, highest: kept.last ?? 0, isDurable: true)
            }
        }
        var configuration = CollectorSession<[UInt8]>.Configuration(collector: "fake")
        configuration.syncInterval = .milliseconds(10)
        configuration.retry = .milliseconds(100)
        var session = CollectorSession<[UInt8]>(
            configuration, streams: held, now: SystemClock.monotonicNanoseconds())
        ready(socket.boundPort ?? -1)
        var random = FastRandom(seed: 5)
        var poller = ZMQPoller()
        _ = poller.add(socket, for: .readable)
        let end = poller.add(ends)
        while true {
            try poller.wait(for: .milliseconds(5))
            if poller.isReady(end) { return }
            for _ in 0..<100 {
                let now = SystemClock.monotonicNanoseconds()
                guard let frames = try receive(socket) else { break }
                contents.update { $0.messages += 1 }
                switch behaviour {
                case .good, .full:
                    handle(
                        frames, &session, socket, contents, isFull: behaviour == .full, keepsDocuments, now)
                case .silent: break
                case .nonsense:
                    let bytes = (0..<Int(random.next() % 200)).map { _ in
                        UInt8(truncatingIfNeeded: random.next())
                    }
                    send([frames[0], bytes], socket)
                    if random.next() % 3 == 0 { send([frames[0], bytes, bytes], socket) }
                case .confused:
                    confuse(frames, socket, &random)
                }
            }
            let now = SystemClock.monotonicNanoseconds()
            if session.isSyncDue(now: now) {
                let mark = session.beginSync()
                contents.update { contents in
                    for (stream, numbers) in contents.numbers { contents.synced[stream] = numbers.count }
                }
                for answer in session.endSync(mark, now: now) { send(answer, socket) }
            }
            for answer in session.tick(now: now).answers { send(answer, socket) }
            let counts = session.counts
            contents.update { $0.counts = counts }
        }
    }

    private static func receive(_ socket: borrowing ZMQSocket) throws -> [[UInt8]]? {
        try socket.receiveMultipart(maximumFrames: 4)?.frames
    }

    private static func send(_ answer: CollectorAnswer<[UInt8]>, _ socket: borrowing ZMQSocket) {
        send([answer.peer, answer.message.encoded()], socket)
    }

    private static func send(_ frames: [[UInt8]], _ socket: borrowing ZMQSocket) {
        _ = try? socket.sendMultipart(frames)
    }

    private static func handle(
        _ frames: [[UInt8]], _ session: inout CollectorSession<[UInt8]>, _ socket: borrowing ZMQSocket,
        _ contents: Monitor<Contents>, isFull: Bool, _ keepsDocuments: Bool, _ now: Int64
    ) {
        guard (2...3).contains(frames.count), let message = try? DeliverMessage(decoding: frames[1]) else {
            contents.update { $0.problems.append("a message of \(frames.count) frames") }
            return
        }
        if case .hello(let hello) = message { contents.update { $0.greetings.append(hello) } }
        if case .bye(let bye) = message { contents.update { $0.farewells.append(bye.stream) } }
        let payload = frames.count == 3 ? frames[2] : nil
        switch session.receive(message, payloadBytes: payload?.count, from: frames[0], now: now) {
        case .answers(let answers):
            for answer in answers { send(answer, socket) }
        case .take(let offer):
            if isFull {
                for answer in session.full(offer, now: now) { send(answer, socket) }
                return
            }
            let taken = contents.update { contents in take(offer, payload ?? [], &contents, keepsDocuments) }
            session.stored(
                offer, through: offer.batch.last, received: taken.received, duplicates: taken.duplicates,
                now: now)
        }
    }

    private static func take(
        _ offer: BatchOffer<[UInt8]>, _ payload: [UInt8], _ contents: inout Contents, _ keepsDocuments: Bool
    ) -> (received: Int, duplicates: Int) {
        let stream = offer.batch.stream
        var received = 0
        var duplicates = 0
        payload.withUnsafeBytes { bytes in
            var cursor = RecordCursor(bytes)
            var last = contents.numbers[stream]?.last ?? 0
            while let record = cursor.next() {
                received += 1
                if record.number <= offer.above {
                    duplicates += 1
                    continue
                }
                if record.number <= last || record.number > offer.batch.last {
                    contents.problems.append("number \(record.number) after \(last) in \(offer.batch)")
                }
                last = record.number
                contents.numbers[stream, default: []].append(record.number)
                if keepsDocuments { contents.documents[stream, default: []].append(Array(record.payload)) }
                contents.bytes += record.totalBytes
                contents.records += 1
            }
            if !cursor.isAtEnd { contents.problems.append("\(offer.batch) has bytes that are no record") }
            if received != offer.batch.count {
                contents.problems.append("\(offer.batch) has \(received) records")
            }
        }
        return (received, duplicates)
    }

    /// Says things that a collector may say, at the wrong time and about the wrong numbers.
    private static func confuse(
        _ frames: [[UInt8]], _ socket: borrowing ZMQSocket, _ random: inout FastRandom
    ) {
        var stream = StreamIdentity(journalHigh: 1, journalLow: 2, opening: 3, shard: 4)
        if case .hello(let hello)? = try? DeliverMessage(decoding: frames[1]) { stream = hello.stream }
        let number = random.next() % 2 == 0 ? random.next() % 20 : random.next() >> 1
        let message: DeliverMessage =
            switch random.next() % 9 {
            case 0: .welcome(.init(stream: stream, ack: number, window: 0, collector: "confused"))
            case 1: .acknowledge(.init(stream: stream, ack: number, window: Int.max))
            case 2: .refuse(.init(stream: stream, reason: .gap, at: number))
            case 3: .refuse(.init(stream: stream, reason: .unknownStream, at: number % 2 == 0 ? nil : number))
            case 4: .refuse(.init(stream: stream, reason: .invalid, at: number))
            case 5: .goodbye(.init(stream: stream))
            case 6: .hello(.init(stream: stream, first: number + 1, durable: true))
            case 7: .refuse(.init(stream: nil, reason: RefuseReason(rawValue: "mood"), message: "no"))
            default: .pong(.init(collector: "confused"))
            }
        send([frames[0], message.encoded()], socket)
    }
}
