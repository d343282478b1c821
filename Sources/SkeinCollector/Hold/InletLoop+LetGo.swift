import SkeinJournal
import SkeinPlatform
import SkeinZeroMQ

// What holds let go is journaled once more, as records of the collector's own: then it is every outlet's, like all else.
extension InletLoop {
    /// Journals what was let go. In the ledger it is received and journaled like any other.
    func journalLetGo(_ now: Int64) {
        guard let queue = parts.outlets.letGo, queue.count > 0, !mustRollBack, now >= retryLetGoAt else {
            return
        }
        do throws(JournalError) {
            for _ in 0..<8 {
                let arrival = SystemClock.wallNanoseconds()
                let row = try journal.openStream(
                    LetGoRecord.stream(journal.id), isDurable: true, highest: queue.confirmed, now: arrival)
                let events = queue.next(above: row.highest, maximumBytes: 1 << 20)
                guard let first = events.first, let last = events.last else { return }
                let memory = BacklogMemory()
                for event in events { memory.add(letGo: event) }
                let outcome = journal.append(
                    memory.bytes, stream: row.index, numbers: first.number...last.number, arrival: nil,
                    useReserve: true
                ) { _ in true }
                ledger.add(.received, outcome.journaled)
                ledger.add(.journaled, outcome.journaled)
                if outcome.journaled > 0 { markUnsynced() }
                if let failure = outcome.failure { throw JournalError(failure, outcome.message) }
            }
            parts.wakeUp.signal()
        } catch {
            if error.code == .unsynced { mustRollBack = true }
            retryLetGoAt = now + 100_000_000
            parts.warner.warn("hold", "what is let go waits: \(error.message)")
        }
    }
}

extension BacklogMemory {
    /// Adds what a hold let go as a record for the main journal: with the arrival it had.
    fileprivate func add(letGo: LetGoEvent) {
        let event = letGo.event
        let count = event.bytes.count + LetGoRecord.trailerBytes
        let start = grow(count)
        start.storeBytes(of: UInt64(UInt32(truncatingIfNeeded: count)).littleEndian, as: UInt64.self)
        let word = UInt64(RecordKind.held.rawValue) | UInt64(event.flags) << 8
        start.storeBytes(of: word.littleEndian, toByteOffset: 8, as: UInt64.self)
        start.storeBytes(of: letGo.number.littleEndian, toByteOffset: 16, as: UInt64.self)
        start.storeBytes(of: event.arrival.littleEndian, toByteOffset: 24, as: Int64.self)
        let payload = start + RecordFrame.headerBytes
        event.bytes.withUnsafeBytes { bytes in
            if let source = bytes.baseAddress { payload.copyMemory(from: source, byteCount: bytes.count) }
        }
        let trailer = payload + event.bytes.count
        trailer.storeBytes(of: letGo.hold.littleEndian, as: UInt64.self)
        trailer.storeBytes(of: event.origin.littleEndian, toByteOffset: 8, as: UInt64.self)
    }
}
