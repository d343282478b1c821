import SkeinJournal
import SkeinPlatform
import SkeinWire
import SkeinZeroMQ

extension InletLoop {
    /// Takes messages of PUSH clients: one frame is one event.
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
                    try rejectFrames(message)
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
        return message.withBytes { bytes in
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

    private func reject(_ message: borrowing ZMQMessage, _ reason: RejectReason, _ detail: String) {
        ledger.reject(reason)
        let item = RejectedStore.Item(
            reason: reason, source: "collect", peer: message.peerAddress ?? "", detail: detail)
        message.withBytes { parts.rejected.add(item, $0) }
    }

    /// Puts a message of several frames aside: another protocol, or nothing at all.
    private func rejectFrames(_ first: consuming ZMQMessage) throws(ZMQError) {
        let peer = first.peerAddress ?? ""
        var lengths = [first.count]
        var bytes = first.bytes()
        var frames = 1
        while let next = try sockets.collect.receive() {
            frames += 1
            if frames <= 8 { lengths.append(next.count) }
            // Enough to see what it was; the rest of a hostile message is thrown away.
            if bytes.count < 64 << 10 { next.withBytes { bytes += $0.prefix((64 << 10) - bytes.count) } }
            if !next.hasMore { break }
        }
        let isBlueOx = frames == 2 && lengths[0] == 137
        let reason: RejectReason = isBlueOx ? .foreignProtocol : .badFrames
        ledger.reject(reason)
        let shown = lengths.map { "\($0)" }.joined(separator: ", ")
        let detail =
            isBlueOx
            ? "BlueOx's protocol; an event is one frame of BSON"
            : "\(frames) frames of \(shown)\(frames > 8 ? ", …" : "") bytes; an event is one frame of BSON"
        let item = RejectedStore.Item(reason: reason, source: "collect", peer: peer, detail: detail)
        bytes.withUnsafeBytes { parts.rejected.add(item, $0) }
    }
}
