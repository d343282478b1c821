import SkeinJournal
import SkeinPlatform
import SkeinWire
import SkeinZeroMQ

extension InletLoop {
    /// Takes messages of PUSH clients: one frame is one event, two are a record of Distlog's.
    /// - Returns: whether there may be more.
    @discardableResult
    func receiveEvents(limit: Int) -> Bool {
        let arrival = SystemClock.wallNanoseconds()
        var received = 0
        var journaled = 0
        defer {
            ledger.add(.received, received)
            ledger.add(.journaled, journaled)
            if journaled > 0 { markUnsynced() }
        }
        do {
            for _ in 0..<limit {
                guard let message = try sockets.collect.receive() else { return false }
                received += 1
                if message.hasMore {
                    if try takeFrames(message, arrival) { journaled += 1 }
                } else if takeEvent(message, arrival) {
                    journaled += 1
                }
            }
            return true
        } catch {
            parts.warner.warn("collect", "collect: \(error)")
            return false
        }
    }

    /// Checks one event and journals it.
    /// - Returns: whether it is in the journal.
    private func takeEvent(_ message: borrowing ZMQMessage, _ arrival: Int64) -> Bool {
        let reason = message.withBytes { bytes -> RejectReason? in
            if let reason = EventCheck.check(bytes, into: &envelope) { return reason }
            return bytes.count > journal.maximumPayload ? .tooLarge : nil
        }
        if let reason {
            reject(message, reason, "")
            return false
        }
        return message.withBytes { journal($0, arrival) }
    }

    /// Journals an event that was checked, and whose envelope is in `envelope`.
    /// - Returns: whether it is in the journal.
    @inline(__always)
    private func journal(_ bytes: UnsafeRawBufferPointer, _ arrival: Int64) -> Bool {
        do throws(JournalError) {
            let flags = envelope.level == nil ? 0 : RecordFlags.log
            try journal.append(bytes, flags: flags, arrival: arrival)
        } catch {
            drop(1, error)
            return false
        }
        statistics.note(envelope, bytes, arrival: arrival)
        statistics.noteLast(envelope, arrival: arrival)
        return true
    }

    /// Takes the event that was made of a record.
    /// - Returns: the reason if it is none after all; whether it was journaled otherwise.
    func takeEvent(madeOf event: [UInt8], _ arrival: Int64) -> Result<Bool, RejectReason> {
        event.withUnsafeBytes { bytes in
            if let reason = EventCheck.check(bytes, into: &envelope) { return .failure(reason) }
            if bytes.count > journal.maximumPayload { return .failure(.tooLarge) }
            return .success(journal(bytes, arrival))
        }
    }

    /// Counts what the journal did not take.
    func drop(_ count: Int, _ error: JournalError) {
        switch error.code {
        case .full:
            ledger.add(.journalFull, count)
            parts.notices.add("journal_full", at: "collect", UInt64(clamping: count))
            parts.warner.warn("full", "collect: events are dropped: \(error.message)")
        case .noSpace:
            ledger.add(.diskFull, count)
            parts.notices.add("disk_full", at: "collect", UInt64(clamping: count))
            parts.warner.warn("full", "collect: events are dropped: \(error.message)")
        default:
            ledger.add(.syncFailed, count)
            parts.notices.add("sync_failed", at: "collect", UInt64(clamping: count))
            if error.code == .unsynced { mustRollBack = true }
            parts.warner.warn("journal", "collect: events are dropped: \(error.message)")
        }
    }

    func reject(_ message: borrowing ZMQMessage, _ reason: RejectReason, _ detail: String) {
        ledger.reject(reason)
        let item = RejectedStore.Item(
            reason: reason, source: "collect", peer: message.peerAddress ?? "", detail: detail)
        message.withBytes { parts.rejected.add(item, $0) }
    }
}
