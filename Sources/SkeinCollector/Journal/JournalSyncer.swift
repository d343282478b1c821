import SkeinJournal
import SkeinPlatform
import Synchronization

/// Makes the journal durable on a thread of its own, so that the inlets go on meanwhile.
final class JournalSyncer: Sendable {
    /// What came of a mark.
    struct Outcome: Sendable {
        let position: JournalPosition
        /// nil if all is well.
        let error: JournalError?
    }

    private struct State {
        var waiting: JournalMark?
        var isWorking = false
        var outcome: Outcome?
        var isStopped = false
        /// Before it is started there is nothing to wait for.
        var hasEnded = true
    }

    private let journal: BatchJournal
    private let rejected: RejectedStore
    private let state = Monitor(State())
    private let onDone: @Sendable (Bool) -> Void

    /// - Parameter onDone: called on the syncer's thread after each sync, with whether it succeeded.
    init(journal: BatchJournal, rejected: RejectedStore, onDone: @escaping @Sendable (Bool) -> Void) {
        self.journal = journal
        self.rejected = rejected
        self.onDone = onDone
    }

    func start() throws(SystemError) {
        state.withLock { $0.hasEnded = false }
        do throws(SystemError) {
            try SystemThread(name: "skein-sync") { [self] in
                run()
                state.update { $0.hasEnded = true }
            }.detach()
        } catch {
            state.withLock { $0.hasEnded = true }
            throw error
        }
    }

    /// Begins a sync. One at a time: the next when ``outcome()`` told of the last.
    func submit(_ mark: JournalMark) {
        state.update { $0.waiting = mark }
    }

    /// What came of the last sync; nil while it runs, and after it was asked for once.
    func outcome() -> Outcome? {
        state.withLock { state in
            defer { state.outcome = nil }
            return state.outcome
        }
    }

    /// Waits for the sync under way.
    /// - Returns: false if it takes longer than until the deadline, monotonic nanoseconds.
    func waitUntilIdle(_ deadline: Int64) -> Bool {
        state.wait(until: deadline) { $0.waiting == nil && !$0.isWorking ? true : nil } ?? false
    }

    /// Ends the thread after the sync under way.
    func stop(by deadline: Int64) {
        state.update { $0.isStopped = true }
        _ = state.wait(until: deadline) { $0.hasEnded ? true : nil }
    }

    private func run() {
        var nextUpkeep = SystemClock.monotonicNanoseconds()
        while true {
            let next = state.wait(until: nextUpkeep) { state -> JournalMark?? in
                if let mark = state.waiting {
                    state.waiting = nil
                    state.isWorking = true
                    return .some(mark)
                }
                return state.isStopped ? .some(nil) : nil
            }
            switch next {
            case .some(.some(let mark)): sync(mark)
            case .some(.none): return
            case .none: break
            }
            let now = SystemClock.monotonicNanoseconds()
            if now >= nextUpkeep {
                nextUpkeep = now + 60_000_000_000
                journal.releaseIdleSegments()
            }
        }
    }

    private func sync(_ mark: JournalMark) {
        // What was put aside must be as durable as what is acknowledged past it.
        rejected.sync()
        var failure: JournalError?
        do {
            try journal.sync(mark)
        } catch {
            failure = error
        }
        journal.prepareSpares()
        state.update { state in
            state.isWorking = false
            state.outcome = Outcome(position: mark.position, error: failure)
        }
        onDone(failure == nil)
    }
}
