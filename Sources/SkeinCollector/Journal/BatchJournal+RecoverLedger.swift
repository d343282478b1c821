import SkeinJournal

extension BatchJournal {
    /// Sets the ledger in the head of the journal right, after a process that may have been killed. Before any outlet reads.
    func recoverLedger() {
        HopLedger { self.counter($0) }.recover(end: durablePosition) { countRecords(from: $0) }
    }

    /// How many records the journal has from a place on; nil if it cannot be read.
    private func countRecords(from position: JournalPosition) -> UInt64? {
        guard position < durablePosition else { return 0 }
        let name = "_ledger"  // no outlet can have this name
        defer { try? dropCursor(name) }
        do {
            let reader = try reader(named: name, from: .oldest)
            // If the place was recycled, so was nothing that came after it: see `HopLedger.note`.
            _ = try reader.resume(at: position)
            var count: UInt64 = 0
            while let run = try reader.next(maximumBytes: 1 << 20) {
                count += UInt64(run.count)
                run.release()
            }
            return count
        } catch {
            return nil
        }
    }
}
