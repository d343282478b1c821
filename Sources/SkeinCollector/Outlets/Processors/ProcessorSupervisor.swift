import SkeinPlatform
import SkeinZeroMQ

/// Runs the process of a processor on a thread of its own: starts it, feeds it, reads what it writes, finds out that it hangs, ends it.
/// See ``SupervisorLoop``. The outlet's thread hands over one job after the other.
final class ProcessorSupervisor: Sendable {
    struct Setup: Sendable {
        var name: String
        /// Program and arguments.
        var command: [String]
        /// The whole of its variables.
        var environment: [String: String]
        var isAcknowledged: Bool
        var limits: OutletConfiguration.ProcessLimits
        var answers: AnswerQueue
        var counts: ProcessorCounts
        var warner: Warner

        /// Whether its standard output is documents; else lines for the log.
        var speaks: Bool { isAcknowledged || limits.takesAnswers }
    }

    /// Documents to be given to the process.
    struct Job: Sendable {
        /// One behind the other.
        var bytes: [UInt8]
        /// Where each ends.
        var ends: [Int]
    }

    struct Shared {
        /// What is to be done, and what became of it.
        var job: Job?
        var outcome: ProcessorOutcome?
        /// By when it has to have ended, monotonic nanoseconds.
        var endBy: Int64?
        var hasEnded = false
    }

    let setup: Setup
    let shared = Monitor(Shared())
    let wakeUp: WakeUp

    init(_ setup: Setup) throws(ZMQError) {
        self.setup = setup
        wakeUp = try WakeUp()
    }

    func start() throws(SystemError) {
        let thread = try SystemThread(name: "skein-child-\(setup.name)") { [self] in
            SupervisorLoop(self).run()
            shared.update { $0.hasEnded = true }
        }
        thread.detach()
    }

    /// Gives documents to the process, and waits for what becomes of them.
    /// - Parameter stopBy: when the wait has to end, monotonic nanoseconds.
    func give(_ job: Job, stopBy: () -> Int64?) -> ProcessorOutcome {
        shared.withLock { shared in
            shared.job = job
            shared.outcome = nil
        }
        wakeUp.signal()
        while true {
            let now = SystemClock.monotonicNanoseconds()
            // The deadline is not known to the supervisor: it is looked at now and then.
            let outcome = shared.wait(until: min(now + 50_000_000, stopBy() ?? .max)) { $0.outcome }
            if let outcome { return outcome }
            if let stopBy = stopBy(), SystemClock.monotonicNanoseconds() >= stopBy {
                // What it took until now counts.
                return shared.update { shared in
                    shared.job = nil
                    return shared.outcome ?? ProcessorOutcome(passed: 0, end: .stopped)
                }
            }
        }
    }

    /// Ends the process, and the thread.
    func end(by deadline: Int64) {
        shared.update { $0.endBy = deadline }
        wakeUp.signal()
        _ = shared.wait(until: deadline + 1_000_000_000) { $0.hasEnded ? true : nil }
    }
}
