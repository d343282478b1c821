import SkeinJournal
import SkeinPlatform
import SkeinWire

/// Takes answers of processors in as what comes from outside is: checked, journaled, counted. On the inlets' thread.
struct AnswerIntake {
    let queue: AnswerQueue
    let journal: BatchJournal
    let ledger: HopLedger
    let rejected: RejectedStore
    let statistics: EventStatistics
    let notices: DropNotices
    let warner: Warner
    private var envelope = EventEnvelope()

    init(_ parts: InletLoop.Parts, ledger: HopLedger, statistics: EventStatistics) {
        queue = parts.answers
        journal = parts.journal
        self.ledger = ledger
        rejected = parts.rejected
        self.statistics = statistics
        notices = parts.notices
        warner = parts.warner
    }

    /// Takes what waits.
    /// - Returns: whether something was journaled, and whether the journal has to be rolled back.
    mutating func run() -> (isJournaled: Bool, mustRollBack: Bool) {
        let answers = queue.take()
        guard !answers.isEmpty else { return (false, false) }
        let arrival = SystemClock.wallNanoseconds()
        var counts: [String: AnswerQueue.Counts] = [:]
        var journaled = 0
        var mustRollBack = false
        for answer in answers {
            if let reason = reject(answer) {
                ledger.reject(reason)
                counts[answer.outlet, default: .init()].rejected += 1
                continue
            }
            do throws(JournalError) {
                try append(ProcessorMark.mark(answer.bytes, answer.outlet), arrival)
                journaled += 1
                counts[answer.outlet, default: .init()].taken += 1
            } catch {
                if error.code == .unsynced { mustRollBack = true }
                drop(answer, error)
                counts[answer.outlet, default: .init()].dropped += 1
            }
        }
        ledger.add(.received, answers.count)
        ledger.add(.journaled, journaled)
        queue.dealtWith(answers.count, counts)
        return (journaled > 0, mustRollBack)
    }

    /// Puts aside what is no event.
    private mutating func reject(_ answer: AnswerQueue.Answer) -> RejectReason? {
        answer.bytes.withUnsafeBytes { bytes in
            let reason =
                EventCheck.check(bytes, into: &envelope)
                ?? (bytes.count + 128 > min(journal.maximumPayload, EventCheck.maximumBytes)
                    ? .tooLarge : nil)
            if let reason {
                rejected.add(.init(reason: reason, source: "outlet \(answer.outlet)"), bytes)
            }
            return reason
        }
    }

    private mutating func append(_ event: [UInt8], _ arrival: Int64) throws(JournalError) {
        try event.withUnsafeBufferPointer { buffer throws(JournalError) in
            let bytes = UnsafeRawBufferPointer(buffer)
            // Anew: the mark may stand where something else was.
            guard EventCheck.check(bytes, into: &envelope) == nil else { return }
            try journal.append(
                bytes, flags: envelope.level == nil ? 0 : RecordFlags.log, arrival: arrival)
            statistics.note(envelope, bytes, arrival: arrival)
            statistics.noteLast(envelope, arrival: arrival)
        }
    }

    private func drop(_ answer: AnswerQueue.Answer, _ error: JournalError) {
        let (place, reason): (HopLedger.Place, String) =
            switch error.code {
            case .full: (.journalFull, "journal_full")
            case .noSpace: (.diskFull, "disk_full")
            default: (.syncFailed, "sync_failed")
            }
        ledger.add(place, 1)
        notices.add(reason, at: answer.outlet, 1)
        warner.warn("full", "\(answer.outlet): answers are dropped: \(error.message)")
    }
}
