import SkeinPlatform

/// The producer's side of the deliver protocol for one connection and all streams on it: a pure state machine.
///
/// It has no clock, socket or thread: the time is passed in (nanoseconds of a clock that never goes back), and what
/// is to be done comes back as ``ProducerAction``s, to be carried out in order. Not thread-safe; costs well under a
/// microsecond a call and nothing per record.
///
/// What it holds true:
/// 1. A number is reported acknowledged only when the collector said so on a connection where the stream was greeted.
/// 2. Acknowledgements only rise; one above what was ever sent ends the connection.
/// 3. What was sent and not acknowledged when a connection ends is asked for again (`resend`) before anything newer.
/// 4. Unacknowledged bytes exceed the window by no more than one batch, and one batch may always be in flight.
/// 5. Whatever is awaited (an answer about a stream, to a PING) and does not come for `silence` ends the connection.
public struct ProducerSession: Sendable {
    /// Who the producer is, and its patience.
    public struct Configuration: Sendable {
        /// The service that HELLO names; empty for none.
        public var service: String
        /// The host that HELLO names.
        public var host: String
        /// The process id that HELLO names.
        public var pid: Int32
        /// Ids of the collectors behind the sender, the nearest first.
        public var path: [String]
        /// How long an answer that is due may fail to come.
        public var silence: Duration = .seconds(5)
        /// How long a connection may take to be made.
        public var connectLimit: Duration = .seconds(5)
        /// After how long without traffic a PING is sent.
        public var pingInterval: Duration = .seconds(1)
        /// The first pause before a new connection; it doubles.
        public var backoffMinimum: Duration = .milliseconds(100)
        /// The longest pause before a new connection.
        public var backoffMaximum: Duration = .seconds(10)
        /// The longest pause after a refusal that only a person can cure.
        public var refusedBackoffMaximum: Duration = .seconds(60)
        /// Seeds the jitter of all pauses (± 20 %).
        public var seed: UInt64

        /// The defaults for all times. Give each producer its own `seed`, so that not all come back at once.
        public init(
            service: String = "", host: String = "", pid: Int32 = 0, path: [String] = [], seed: UInt64 = 1
        ) {
            self.service = service
            self.host = host
            self.pid = pid
            self.path = path
            self.seed = seed
        }
    }

    enum Connection: Hashable {
        case idle
        case backingOff(until: Int64)
        case connecting(until: Int64)
        case connected
    }

    let configuration: Configuration
    var connection = Connection.idle
    var streams: [StreamIdentity: ProducerStream] = [:]
    /// The keys of `streams` in the order they were offered, so that the same inputs give the same actions.
    var order: [StreamIdentity] = []
    var jitter: SplitMix
    /// Connections in a row that came to nothing, and refusals in a row.
    var failures = 0
    var refusals = 0
    var lastTraffic: Int64 = 0
    var pingSince: Int64?

    /// The collector's id, once it said it.
    public internal(set) var collector: String?
    /// When the collector last said anything; nil before it first did.
    public private(set) var lastHeard: Int64?
    /// Connections given up so far.
    public internal(set) var reconnects = 0

    /// A session without a connection or streams: ``start(now:)`` begins.
    public init(_ configuration: Configuration) {
        self.configuration = configuration
        jitter = SplitMix(state: configuration.seed)
    }

    // MARK: The connection

    /// Whether the handshake of the current connection is done.
    public var isConnected: Bool { connection == .connected }

    /// Begins. Does nothing if it has begun.
    public mutating func start(now: Int64) -> [ProducerAction] {
        guard connection == .idle else { return [] }
        connection = .connecting(until: now + configuration.connectLimit.wholeNanoseconds)
        return [.openSocket]
    }

    /// Ends the connection for good, until ``start(now:)``. What is unacknowledged is asked for again then.
    public mutating func stop() -> [ProducerAction] {
        guard connection != .idle else { return [] }
        var actions = close()
        connection = .idle
        actions.insert(.closeSocket, at: 0)
        return actions
    }

    /// The socket's handshake is done.
    public mutating func connected(now: Int64) -> [ProducerAction] {
        guard case .connecting = connection else { return [] }
        connection = .connected
        lastTraffic = now
        pingSince = nil
        return order.flatMap { greet($0, now) }
    }

    /// The connection broke, or could not be made.
    public mutating func disconnected(now: Int64) -> [ProducerAction] {
        switch connection {
        case .connecting, .connected: reconnect(now)
        case .idle, .backingOff: []
        }
    }

    /// The other end refused the handshake for a reason that only a person can cure, such as a wrong key.
    public mutating func refusedAtHandshake(_ reason: String, now: Int64) -> [ProducerAction] {
        switch connection {
        case .connecting, .connected: refused(.unauthorised, reason, now)
        case .idle, .backingOff: []
        }
    }

    // MARK: The streams

    /// Makes a stream known and greets the collector with it. Does nothing if it is known.
    /// - Parameters:
    ///   - first: the lowest number not yet acknowledged.
    ///   - durable: whether the stream's journal outlives the process.
    ///   - resumed: whether an earlier process may have sent records of it, so that the collector may hold more
    ///     than this one knows of.
    ///   - written: the highest number that there is now: what an earlier session of this process may have sent.
    ///   - sparse: whether its numbers rise without being consecutive, so that missing ones mean nothing.
    public mutating func offer(
        _ stream: StreamIdentity, first: UInt64, durable: Bool, resumed: Bool, written: UInt64 = 0,
        sparse: Bool = false, now: Int64
    ) -> [ProducerAction] {
        guard streams[stream] == nil else { return [] }
        streams[stream] = ProducerStream(
            acknowledged: first - min(first, 1), written: resumed ? .max : written, durable: durable,
            sparse: sparse)
        order.append(stream)
        return greet(stream, now)
    }

    /// How many bytes the next batch of a stream may have: nil if none may be sent now. `Int.max` when nothing is
    /// in flight, since one batch always may.
    public func allowance(for stream: StreamIdentity, now: Int64) -> Int? {
        guard connection == .connected, let state = streams[stream] else { return nil }
        return state.allowance(now: now)
    }

    /// Everything of the stream up to here is acknowledged; 0 if the stream is not known.
    public func acknowledged(of stream: StreamIdentity) -> UInt64 {
        streams[stream]?.acknowledged ?? 0
    }

    /// Everything of the stream up to here is in flight or acknowledged; 0 if the stream is not known.
    public func sent(of stream: StreamIdentity) -> UInt64 {
        streams[stream]?.sent ?? 0
    }

    /// Whether a stream is known: offered, and not ended or forgotten.
    public func isKnown(_ stream: StreamIdentity) -> Bool {
        streams[stream] != nil
    }

    /// Whether the stream's last batch was acknowledged.
    public func isSettled(_ stream: StreamIdentity) -> Bool {
        streams[stream].map { $0.inFlightBytes == 0 } ?? true
    }

    /// Bytes sent and not acknowledged, over all streams.
    public var inFlightBytes: Int { streams.values.reduce(0) { $0 + $1.inFlightBytes } }

    /// The header for a run of records of a stream that ``allowance(for:now:)`` allowed. Once it was handed to the
    /// socket, say so with ``sent(_:bytes:now:)``.
    public func batch(_ stream: StreamIdentity, first: UInt64, last: UInt64, count: Int)
        -> DeliverMessage.Batch
    {
        // The range reaches down to what was sent before, so that missing numbers are told as missing.
        let next = (streams[stream]?.sent ?? 0) + 1
        return DeliverMessage.Batch(stream: stream, first: min(first, next), last: last, count: count)
    }

    /// A batch was handed to the socket.
    public mutating func sent(_ batch: DeliverMessage.Batch, bytes: Int, now: Int64) {
        lastTraffic = now
        streams[batch.stream]?.sent(through: batch.last, bytes: bytes, now: now)
    }

    /// Says BYE for a stream whose every record is acknowledged, and that gets no more. Does nothing before.
    /// ``ProducerAction/ended(_:)`` follows.
    public mutating func finish(_ stream: StreamIdentity, now: Int64) -> [ProducerAction] {
        guard connection == .connected, let state = streams[stream], state.phase == .open,
            state.inFlightBytes == 0
        else { return [] }
        streams[stream]?.await(.ending, now)
        lastTraffic = now
        return [.send(.bye(DeliverMessage.Bye(stream: stream, last: state.acknowledged)))]
    }

    /// Lets go of a stream without a word.
    public mutating func forget(_ stream: StreamIdentity) {
        streams[stream] = nil
        order.removeAll { $0 == stream }
    }

    // MARK: What comes in

    /// The collector said something.
    public mutating func received(_ message: DeliverMessage, now: Int64) -> [ProducerAction] {
        guard connection == .connected else { return [] }
        heard(now)
        switch message {
        case .welcome(let welcome):
            return self.welcome(welcome, now)
        case .acknowledge(let acknowledge):
            guard streams[acknowledge.stream] != nil else { return [] }
            streams[acknowledge.stream]?.window = acknowledge.window
            return acknowledged(acknowledge.stream, acknowledge.ack, now)
        case .refuse(let refuse):
            return self.refuse(refuse, now)
        case .goodbye(let goodbye):
            guard let stream = goodbye.stream else { return drained(now) }
            guard streams[stream]?.phase == .ending else { return [] }
            forget(stream)
            return [.ended(stream)]
        case .pong(let pong):
            collector = pong.collector
            return []
        case .unknown:
            return []
        case .hello, .batch, .bye, .ping:
            return violated("the other end speaks as a producer", now)
        }
    }

    /// The collector sent what is no message at all.
    public mutating func receivedNonsense(_ what: String, now: Int64) -> [ProducerAction] {
        guard connection == .connected else { return [] }
        return violated(what, now)
    }

    // MARK: Time

    /// Does what is due. Call it at ``nextDeadline``, after everything that had come in was handed over.
    public mutating func tick(now: Int64) -> [ProducerAction] {
        switch connection {
        case .idle:
            return []
        case .backingOff(let until):
            guard now >= until else { return [] }
            connection = .connecting(until: now + configuration.connectLimit.wholeNanoseconds)
            return [.openSocket]
        case .connecting(let until):
            return now >= until ? [.warn(.noConnection)] + reconnect(now) : []
        case .connected:
            let silence = configuration.silence.wholeNanoseconds
            if let since = earliestAwaited, now >= since + silence {
                return [.warn(.silent)] + reconnect(now)
            }
            for (stream, state) in streams {
                if case .waiting(let until) = state.phase, now >= until { streams[stream]?.phase = .open }
            }
            let due = order.filter { streams[$0]?.isToBeGreeted(now: now) ?? false }
            if !due.isEmpty { return due.flatMap { greet($0, now) } }
            if now >= lastTraffic + configuration.pingInterval.wholeNanoseconds {
                lastTraffic = now
                if pingSince == nil { pingSince = now }
                return [.send(.ping)]
            }
            return []
        }
    }

    /// When ``tick(now:)`` next has something to do, or a stream that waits may send again; nil before the start.
    public var nextDeadline: Int64? {
        switch connection {
        case .idle: return nil
        case .backingOff(let until), .connecting(let until): return until
        case .connected:
            var deadline = lastTraffic + configuration.pingInterval.wholeNanoseconds
            if let since = earliestAwaited {
                deadline = min(deadline, since + configuration.silence.wholeNanoseconds)
            }
            for state in streams.values {
                switch state.phase {
                case .waiting(let until), .postponed(let until): deadline = min(deadline, until)
                case .closed, .greeting, .open, .ending: break
                }
            }
            return deadline
        }
    }

    private var earliestAwaited: Int64? {
        streams.values.reduce(pingSince) { earliest, state in
            guard state.awaitsAnswer else { return earliest }
            return min(earliest ?? .max, state.awaitingSince)
        }
    }

    private mutating func heard(_ now: Int64) {
        lastHeard = now
        lastTraffic = now
        pingSince = nil
    }
}
