/// What a process, or several, created and lost, by the counters of a journal and the numbers that it gave.
public struct ProcessLedger: Sendable, Hashable {
    /// Events created.
    public var created: UInt64 = 0
    /// Events that were acknowledged while it lived.
    public var acknowledged: UInt64 = 0
    /// Events lost, by reason.
    public var dropped: [String: UInt64] = [:]
    /// What else it counted (`trimmed`, `unsampled`, …), but for zeros.
    public var others: [String: UInt64] = [:]

    /// Nothing counted.
    public init() {}

    /// - Parameters:
    ///   - records: how many numbers were given.
    ///   - counters: by ``PipelineCounter/index``; those missing are zero.
    public init(records: UInt64, counters: [UInt64]) {
        created = records
        for counter in PipelineCounter.allCases {
            guard counters.indices.contains(counter.index), case let count = counters[counter.index],
                count > 0
            else { continue }
            if counter.isLossBeforeJournal || counter == .held { created &+= count }
            if counter == .acknowledged {
                acknowledged = count
            } else if counter.isLoss {
                dropped[counter.name] = count
            } else {
                others[counter.name] = count
            }
        }
    }

    /// Adds another's.
    public mutating func add(_ other: ProcessLedger) {
        created &+= other.created
        acknowledged &+= other.acknowledged
        dropped.merge(other.dropped, uniquingKeysWith: &+)
        others.merge(other.others, uniquingKeysWith: &+)
    }
}
