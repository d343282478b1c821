/// What a producer knows of one stream.
struct ProducerStream: Sendable {
    enum Phase: Hashable, Sendable {
        /// To be greeted on the next connection.
        case closed
        /// HELLO was said.
        case greeting(anew: Bool)
        /// The collector had no room for another stream: to be greeted again.
        case postponed(until: Int64)
        case open
        /// The collector is full.
        case waiting(until: Int64)
        /// BYE was said.
        case ending
    }

    var phase = Phase.closed
    let durable: Bool
    let sparse: Bool
    /// Everything up to here is acknowledged.
    var acknowledged: UInt64
    /// Everything up to here was sent on this connection, or is acknowledged.
    var sent: UInt64
    /// The highest number that the collector can truly hold. All, if an earlier process may have sent them.
    private(set) var limit: UInt64
    var window = 0
    /// Batches in flight: the last number and the bytes of each, from `head` on.
    private var inFlight: [(last: UInt64, bytes: Int)] = []
    private var head = 0
    private(set) var inFlightBytes = 0
    /// Since when an answer about this stream is awaited.
    var awaitingSince: Int64 = 0
    /// Setbacks since the last acknowledgement.
    var strikes = 0
    /// After a `full`: one batch at a time until one is acknowledged.
    private var isProbing = false

    init(acknowledged: UInt64, written: UInt64, durable: Bool, sparse: Bool) {
        self.acknowledged = acknowledged
        sent = acknowledged
        limit = max(acknowledged, written)
        self.durable = durable
        self.sparse = sparse
    }

    var isGreeting: Bool { if case .greeting = phase { true } else { false } }

    var awaitsAnswer: Bool {
        switch phase {
        case .greeting, .ending: true
        case .open: head < inFlight.count
        case .closed, .postponed, .waiting: false
        }
    }

    func isToBeGreeted(now: Int64) -> Bool {
        if case .postponed(let until) = phase { now >= until } else { false }
    }

    func allowance(now: Int64) -> Int? {
        switch phase {
        case .open: break
        case .waiting(let until): if now < until { return nil }
        case .closed, .greeting, .postponed, .ending: return nil
        }
        if head == inFlight.count { return .max }
        if isProbing { return nil }
        let rest = window - inFlightBytes
        return rest > 0 ? rest : nil
    }

    mutating func sent(through last: UInt64, bytes: Int, now: Int64) {
        if case .waiting = phase { phase = .open }
        if head == inFlight.count { awaitingSince = now }
        sent = max(sent, last)
        limit = max(limit, last)
        inFlight.append((last, bytes))
        inFlightBytes += bytes
    }

    /// - Returns: whether it was news.
    mutating func acknowledge(_ number: UInt64) -> Bool {
        guard number > acknowledged else { return false }
        acknowledged = number
        sent = max(sent, number)
        limit = max(limit, number)
        strikes = 0
        isProbing = false
        while head < inFlight.count, inFlight[head].last <= number {
            inFlightBytes -= inFlight[head].bytes
            head += 1
        }
        if head == inFlight.count {
            inFlight.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 1024 {
            inFlight.removeFirst(head)
            head = 0
        }
        return true
    }

    /// Forgets what is in flight.
    mutating func restart(_ phase: Phase) {
        self.phase = phase
        if case .waiting = phase { isProbing = true }
        sent = acknowledged
        inFlight.removeAll(keepingCapacity: true)
        head = 0
        inFlightBytes = 0
    }

    mutating func await(_ phase: Phase, _ now: Int64) {
        self.phase = phase
        awaitingSince = now
    }
}
