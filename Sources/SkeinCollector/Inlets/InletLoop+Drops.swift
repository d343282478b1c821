import SkeinBSON
import SkeinJournal
import SkeinPlatform

extension InletLoop {
    /// Journals an event of the collector's own for what was dropped: in the segment that is kept for such, if the journal is
    /// full. In the ledger they are received and journaled like any other.
    /// - Parameter all: whether those are told, too, of which the last was told a moment ago.
    func tellOfDrops(_ now: Int64, all: Bool = false) {
        guard !mustRollBack else { return }
        for notice in parts.notices.take(now, all: all) {
            let event = DropNotices.event(notice)
            let arrival = SystemClock.wallNanoseconds()
            do throws(JournalError) {
                try event.withUnsafeBufferPointer { bytes throws(JournalError) in
                    _ = try journal.append(UnsafeRawBufferPointer(bytes), arrival: arrival, useReserve: true)
                }
                ledger.add(.received, 1)
                ledger.add(.journaled, 1)
                markUnsynced()
            } catch {
                if error.code == .unsynced { mustRollBack = true }
                parts.notices.putBack(notice)
                parts.warner.note("drops are not told yet: \(error.message)")
            }
        }
    }
}
