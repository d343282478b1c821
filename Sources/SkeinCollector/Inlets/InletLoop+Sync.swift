import SkeinJournal
import SkeinPlatform
import SkeinWire

extension InletLoop {
    /// Something was journaled that no sync covers yet.
    func markUnsynced() {
        if unsyncedSince == nil { unsyncedSince = SystemClock.monotonicNanoseconds() }
    }

    /// Acknowledges what a sync made durable, and begins the next one if it is due.
    func keepSynced(_ now: Int64) {
        if let mark = syncUnderWay, let outcome = parts.syncer.outcome() {
            syncUnderWay = nil
            if let error = outcome.error {
                parts.warner.warn("sync", "\(error.message)")
                mustRollBack = true
            } else {
                send(session.endSync(mark, now: now))
                parts.answers.synced(answersUnderWay)
                for index in pendingAnswers.indices { pendingAnswers[index].synced(outcome.position) }
            }
        }
        if mustRollBack && syncUnderWay == nil && now >= retryRollBackAt { rollBack(now) }
        guard syncUnderWay == nil, !mustRollBack, isSyncDue(now) else { return }
        beginSync(now)
    }

    private func isSyncDue(_ now: Int64) -> Bool {
        if isSyncUrgent || session.isSyncDue(now: now) { return true }
        guard let unsyncedSince else { return false }
        return now >= unsyncedSince + parts.configuration.journal.syncInterval.wholeNanoseconds
    }

    private func beginSync(_ now: Int64) {
        let mark: JournalMark
        do {
            // Taken before the sync: what comes while it runs belongs to the next one.
            mark = try journal.beginMark()
        } catch {
            parts.warner.warn("sync", "\(error.message)")
            mustRollBack = true
            return
        }
        syncUnderWay = session.beginSync()
        answersUnderWay = parts.answers.syncMark
        // Before any outlet can read beyond.
        ledger.note(journaled: ledger.value(.journaled), position: mark.position)
        unsyncedSince = nil
        isSyncUrgent = false
        for index in pendingAnswers.indices { pendingAnswers[index].marked(mark.position) }
        parts.syncer.submit(mark)
    }

    /// Takes back what could not be made durable: producers send it again; what came without a number is lost.
    private func rollBack(_ now: Int64) {
        let ownLost = journal.stream(0).map { $0.highest &- min($0.highest, $0.durable) } ?? 0
        let lost = journal.allStreams.reduce(UInt64(0)) { $0 &+ ($1.highest &- min($1.highest, $1.durable)) }
        // They were counted as journaled, and are not. What comes again is received again.
        let count = min(lost, ledger.value(.journaled))
        ledger.subtract(.journaled, count)
        ledger.add(.syncFailed, count)
        parts.notices.add("sync_failed", at: "collect", ownLost)
        send(session.failSync(now: now))
        parts.answers.lose()
        do {
            _ = try journal.rollBack()
            ledger.note(journaled: ledger.value(.journaled), position: journal.durablePosition)
            mustRollBack = false
            unsyncedSince = nil
        } catch {
            retryRollBackAt = now + 1_000_000_000
            parts.warner.warn("sync", "the journal takes nothing: \(error.message)")
        }
    }
}
