import SkeinPlatform
import SkeinZeroMQ

/// What runs on the thread of a ``ProcessorSupervisor``: at most one process at a time, and at most one job.
final class SupervisorLoop {
    private let supervisor: ProcessorSupervisor
    private var setup: ProcessorSupervisor.Setup { supervisor.setup }
    private var counts: ProcessorCounts { setup.counts }
    private var child: SupervisedChild?
    /// Before it no process is started, monotonic nanoseconds.
    private var startAt: Int64 = 0
    private var backoff = shortestBackoff
    /// A process is started once without anything to do, so that one that cannot start is told of early.
    private var mayStartIdle = true
    /// Why the last one ended; shown as long as nothing is taken.
    private var lastFailure: String?

    private static let shortestBackoff: Int64 = 100_000_000
    private static let longestBackoff: Int64 = 30_000_000_000

    init(_ supervisor: ProcessorSupervisor) {
        self.supervisor = supervisor
    }

    func run() {
        Self.blockBrokenPipes()
        while true {
            let (job, endBy) = supervisor.shared.withLock { shared in
                (shared.outcome == nil ? shared.job : nil, shared.endBy)
            }
            if let endBy { return endChild(by: endBy) }
            if let child {
                if job != nil { child.begin(job) }
                counts.change { $0.busySince = child.busySince }
                serve(child)
            } else {
                startOrWait(job)
            }
        }
    }

    /// A write to a pipe without a reader is an error code on this thread, whatever the program around says of the signal.
    private static func blockBrokenPipes() {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    // MARK: Without a process

    private func startOrWait(_ job: ProcessorSupervisor.Job?) {
        let now = SystemClock.monotonicNanoseconds()
        guard job != nil || mayStartIdle else { return wait(until: now + 1_000_000_000) }
        guard now >= startAt else { return wait(until: startAt) }
        mayStartIdle = false
        do {
            let child = try SupervisedChild(setup)
            counts.change {
                $0.starts += 1
                $0.processID = child.processID
            }
            self.child = child
        } catch {
            fail("cannot start \(setup.command[0]): \(error)")
            report(ProcessorOutcome(passed: 0, end: .failed(given: 0, lastFailure ?? "")))
        }
    }

    private func wait(until deadline: Int64) {
        let left = max(0, deadline - SystemClock.monotonicNanoseconds())
        var item = pollfd(fd: supervisor.wakeUp.descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&item, 1, Int32(clamping: left / 1_000_000 + 1))
        supervisor.wakeUp.drain()
    }

    // MARK: With a process

    private func serve(_ child: SupervisedChild) {
        do throws(SupervisedChild.Failure) {
            if try child.step(wakeUp: supervisor.wakeUp) {
                if child.hasTaken { settle() }
                if let outcome = child.outcome() { report(outcome) }
            } else {
                finish(child, "")
            }
        } catch {
            switch error.kind {
            case .timeout: counts.change { $0.timeouts += 1 }
            case .garbage: counts.change { $0.garbage += 1 }
            case .flood: counts.change { $0.floods += 1 }
            }
            child.kill()
            finish(child, error.reason)
        }
    }

    /// A process that gets on is one that started well.
    private func settle() {
        backoff = Self.shortestBackoff
        lastFailure = nil
    }

    /// The process has ended, or was ended for a reason.
    private func finish(_ child: SupervisedChild, _ reason: String) {
        let end = child.finish()
        self.child = nil
        let description = reason.isEmpty ? "\(end)" : reason
        let last = child.lastLine.isEmpty ? "" : ": \(child.lastLine)"
        if child.hasTaken { settle() }
        counts.change {
            $0.processID = nil
            $0.busySince = nil
            if reason.isEmpty { $0.exits += 1 }
        }
        let outcome = child.outcome()
        fail((child.hasReadAnything ? description : "\(description) before it read anything") + last)
        report(outcome ?? child.failure(lastFailure ?? description))
    }

    private func fail(_ reason: String) {
        lastFailure = reason
        counts.change { $0.lastEnd = reason }
        startAt = SystemClock.monotonicNanoseconds() + backoff
        backoff = min(backoff * 2, Self.longestBackoff)
        setup.warner.warn("processor \(setup.name)", "\(setup.name): \(reason)")
    }

    /// Tells the outlet's thread, if it waits.
    private func report(_ outcome: ProcessorOutcome) {
        supervisor.shared.update { shared in
            guard shared.job != nil, shared.outcome == nil else { return }
            shared.job = nil
            shared.outcome = outcome
        }
    }

    // MARK: Ending

    /// Lets the process finish, asks it to, makes it.
    private func endChild(by deadline: Int64) {
        guard let child else { return }
        let now = SystemClock.monotonicNanoseconds()
        let last = deadline - 200_000_000
        let asked = max(now, min(now + 5_000_000_000, deadline - 700_000_000))
        // In the middle of a document there is no end that it could see.
        if child.isIdle { child.closeInput() } else { child.signal(SIGTERM) }
        var isAsked = false
        while SystemClock.monotonicNanoseconds() < last {
            do throws(SupervisedChild.Failure) {
                guard try child.step(wakeUp: supervisor.wakeUp, isEnding: true) else { break }
            } catch {
                break
            }
            if !isAsked, SystemClock.monotonicNanoseconds() >= asked {
                isAsked = true
                child.signal(SIGTERM)
            }
        }
        child.kill()
        let end = child.finish()
        self.child = nil
        counts.change {
            $0.processID = nil
            $0.busySince = nil
            $0.lastEnd = "\(end) at its end"
        }
    }
}
