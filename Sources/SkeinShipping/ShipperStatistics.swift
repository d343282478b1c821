/// What a shipper has done so far.
public struct ShipperStatistics: Hashable, Sendable {
    /// How records travel now; `find` until that is found out.
    public var transport = Endpoint.Transport.find
    /// Whether the other end answers.
    public var isConnected = false
    /// The id of the collector that answers; nil before, and where the transport has none.
    public var collector: String?
    /// Records that are where they were to go: acknowledged, taken by libzmq (`push`), or written (`file`).
    public var acknowledged: UInt64 = 0
    /// Of those, records that an earlier process left behind.
    public var acknowledgedOfEarlier: UInt64 = 0
    /// Records that were given up, by reason: `invalid` (the other end will never take them), `too_large`.
    public var dropped: [String: UInt64] = [:]
    /// Bytes sent and not acknowledged.
    public var inFlightBytes = 0
    /// Bytes of records that are not acknowledged, sent or not.
    public var backlogBytes = 0
    /// Batches sent, again included: of several records (`deliver`), of one (`push`), or writes (`file`).
    public var batchesSent: UInt64 = 0
    /// Bytes of what was sent, again included.
    public var bytesSent: UInt64 = 0
    /// Refusals, by reason.
    public var refusals: [String: UInt64] = [:]
    /// Connections given up so far.
    public var reconnects = 0
    /// When the other end last acknowledged something, by the system's monotonic clock in nanoseconds.
    public var lastAcknowledgement: Int64?

    /// All counts zero, not connected.
    public init() {}
}

extension ShipperStatistics {
    /// Adds what one transport counted.
    mutating func add(_ other: ShipperStatistics) {
        acknowledged += other.acknowledged
        acknowledgedOfEarlier += other.acknowledgedOfEarlier
        dropped.merge(other.dropped, uniquingKeysWith: +)
        batchesSent += other.batchesSent
        bytesSent += other.bytesSent
        refusals.merge(other.refusals, uniquingKeysWith: +)
        reconnects += other.reconnects
        if let time = other.lastAcknowledgement { lastAcknowledgement = max(lastAcknowledgement ?? 0, time) }
    }
}
