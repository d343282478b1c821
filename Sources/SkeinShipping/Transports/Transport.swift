import SkeinZeroMQ

/// One way for records to travel. Confined to the shipper's thread.
protocol Transport: AnyObject {
    var kind: Endpoint.Transport { get }
    var isConnected: Bool { get }

    /// Handles what came in and what is due.
    func receive(now: Int64)

    /// Sends from the lanes what can be sent now.
    func send(_ lanes: [Lane], now: Int64) -> SendOutcome

    /// When `receive` or `send` should be called again though nothing happened; nil: no need.
    var nextDeadline: Int64? { get }

    /// Adds what to wait for.
    func watch(_ poller: inout ZMQPoller)

    /// Says farewell, once everything is acknowledged. True when nothing more is to be said.
    func finish(now: Int64) -> Bool

    /// Lets go of sockets and files. What is still queued in libzmq may linger for so long.
    func close(linger: Duration)

    /// What was found out about a plain endpoint, if it is not what this transport is for.
    var finding: Finding? { get }

    /// Adds its part.
    func report(_ statistics: inout ShipperStatistics)
}

/// How sending from one lane ended.
enum LaneOutcome {
    /// Everything that could be read was sent, and something was.
    case sent
    /// There was nothing to send.
    case drained
    /// The other end takes no more now.
    case blocked
    /// There is more to send right now.
    case more
}

/// How a round of sending from all lanes ended.
struct SendOutcome {
    var hasSent = false
    var hasMore = false

    mutating func add(_ outcome: LaneOutcome, of lane: Lane) {
        lane.isBlocked = outcome == .blocked
        if outcome == .sent || outcome == .more { hasSent = true }
        if outcome == .more { hasMore = true }
    }

    /// Nothing can be sent from any lane.
    static func blocked(_ lanes: [Lane]) -> SendOutcome {
        for lane in lanes { lane.isBlocked = true }
        return SendOutcome()
    }
}

/// What the other end of a plain endpoint turned out to be.
enum Finding {
    /// A socket of another kind.
    case otherKind
    /// Gone: what comes in its place may be something else.
    case gone
    /// No socket could be made.
    case broken
}
