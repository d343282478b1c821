import SkeinJournal
import SkeinPlatform

extension InletLoop {
    /// Journals what processors answered.
    func takeAnswers() {
        guard !mustRollBack else { return }
        let outcome = answerIntake.run()
        if outcome.isJournaled { markUnsynced() }
        if outcome.mustRollBack { mustRollBack = true }
    }
}

/// Journals answers that processors give while the outlets end, after the inlets have ended. On the inlets' thread.
struct LateAnswers {
    private var intake: AnswerIntake
    private let syncer: JournalSyncer

    init(_ loop: InletLoop) {
        intake = loop.answerIntake
        syncer = loop.parts.syncer
    }

    /// Takes what comes until there will be no more.
    mutating func run(until isFinished: () -> Bool) {
        var isLast = false
        while !isLast {
            isLast = isFinished()
            let now = SystemClock.monotonicNanoseconds()
            guard intake.queue.wait(until: isLast ? now : now + 50_000_000) else { continue }
            let (isJournaled, _) = intake.run()
            if isJournaled { sync() }
            intake.queue.synced(intake.queue.syncMark)
        }
    }

    private func sync() {
        do {
            let mark = try intake.journal.beginMark()
            intake.ledger.note(journaled: intake.ledger.value(.journaled), position: mark.position)
            syncer.submit(mark)
            let deadline = SystemClock.monotonicNanoseconds() + 10_000_000_000
            let isIdle = syncer.waitUntilIdle(deadline)
            guard isIdle, let outcome = syncer.outcome(), outcome.error == nil else {
                // What its checkpoint waits for never comes: it is given again after the next start.
                return intake.queue.lose()
            }
        } catch {
            intake.warner.warn("sync", error.message)
            intake.queue.lose()
        }
    }
}
