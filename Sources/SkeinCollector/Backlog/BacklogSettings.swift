import SkeinBSON
import SkeinJournal
import SkeinPlatform

/// How an outlet's backlog is set, and what it needs of the collector.
struct BacklogSettings: Sendable {
    /// The outlet's.
    let name: String
    let path: String
    let segmentBytes: Int
    let budgetBytes: Int
    let overflow: OutletConfiguration.Overflow
    /// An outlet that is further behind than so many bytes of the main journal gets a backlog.
    let lagBytes: Int
    let warner: Warner
    /// Tells of events that were dropped, since the backlog was full.
    let onDropped: @Sendable (UInt64) -> Void
    /// There is more to read. Any thread.
    let onNews: @Sendable () -> Void

    /// Opens the backlog, or makes it.
    /// - Parameter place: in a new one, the place from which on the main journal is copied.
    /// - Returns: nil if what lies there is of another main journal.
    func open(_ journal: BatchJournal, above place: JournalPosition) throws(JournalError) -> Backlog? {
        try Backlog(
            path: path, origin: journal.id, segmentBytes: segmentBytes, budgetBytes: budgetBytes,
            above: place.ordinal == 0 ? 0 : place.ordinal - 1)
    }
}
