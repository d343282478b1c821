import SkeinPlatform
import SkeinZeroMQ

/// The thread of the inlets and the control port, and the way for other threads to have something done on it.
final class InletThread: Sendable {
    private struct State {
        var tasks: [@Sendable (InletLoop) -> Void] = []
        var isStopped = false
        /// Monotonic nanoseconds by which it must have drained.
        var drainBy: Int64 = 0
        var hasDrained = false
        /// There will be no more answers.
        var isFinished = false
        var hasEnded = false
        var ports: Result<Collector.Ports, CollectorError>?
    }

    private let state = Monitor(State())
    private let wakeUp: WakeUp

    init(wakeUp: WakeUp) {
        self.wakeUp = wakeUp
    }

    /// Starts the thread and waits until its ports are bound.
    /// - Parameter makeSockets: called on the thread.
    func start(
        _ parts: InletLoop.Parts,
        makeSockets: @escaping @Sendable () throws(CollectorError) -> InletSockets
    ) throws(CollectorError) -> Collector.Ports {
        let parts = UnsafeTransfer(parts)
        do {
            let thread = try SystemThread(name: "skein-inlets") { [self] in
                CurrentThread.activity = .ownWork
                run(parts.value, makeSockets)
                state.update { $0.hasEnded = true }
            }
            thread.detach()
        } catch {
            throw CollectorError(.resources, "cannot start a thread: \(error)")
        }
        let deadline = SystemClock.monotonicNanoseconds() + 30_000_000_000
        guard let result = state.wait(until: deadline, { $0.ports }) else {
            throw CollectorError(.timeout, "the inlets' thread did not start")
        }
        return try result.get()
    }

    private func run(
        _ parts: InletLoop.Parts, _ makeSockets: @Sendable () throws(CollectorError) -> InletSockets
    ) {
        guard var late = runInlets(parts, makeSockets) else { return }
        state.update { $0.hasDrained = true }
        late.run(until: { state.withLock { $0.isFinished } })
    }

    /// - Returns: what goes on while the outlets end, with every port closed; nil if they could not be bound.
    private func runInlets(
        _ parts: InletLoop.Parts, _ makeSockets: @Sendable () throws(CollectorError) -> InletSockets
    ) -> LateAnswers? {
        let sockets: InletSockets
        do {
            sockets = try makeSockets()
        } catch {
            state.update { $0.ports = .failure(error) }
            return nil
        }
        let loop = InletLoop(parts, sockets: sockets)
        state.update { $0.ports = .success(sockets.ports) }
        var isStopped = false
        while !isStopped {
            loop.step()
            let tasks = state.withLock { state -> [@Sendable (InletLoop) -> Void] in
                isStopped = state.isStopped
                defer { state.tasks = [] }
                return state.tasks
            }
            for task in tasks { task(loop) }
        }
        loop.drain(by: state.withLock { $0.drainBy })
        loop.close()
        return LateAnswers(loop)
    }

    /// Has something done on the thread.
    /// - Returns: what it answered; nil if it did not within the time, or does not run.
    func perform<Answer: Sendable>(
        within time: Duration = .seconds(10), _ body: @escaping @Sendable (InletLoop) -> Answer
    ) -> Answer? {
        perform(within: time) { loop, reply in reply(body(loop)) }
    }

    /// The same for what answers later.
    func perform<Answer: Sendable>(
        within time: Duration,
        _ body: @escaping @Sendable (InletLoop, @escaping @Sendable (Answer) -> Void) -> Void
    ) -> Answer? {
        let answer = Monitor<Answer?>(nil)
        let isRunning = state.withLock { state -> Bool in
            guard case .success = state.ports, !state.isStopped else { return false }
            state.tasks.append { loop in body(loop) { result in answer.update { $0 = result } } }
            return true
        }
        guard isRunning else { return nil }
        wakeUp.signal()
        return answer.wait(until: SystemClock.monotonicNanoseconds() + time.wholeNanoseconds) { $0 }
    }

    /// Stops taking events in; everything that had arrived is journaled, durable and acknowledged, or the deadline has
    /// passed.
    func drain(by deadline: Int64) {
        state.update { state in
            state.isStopped = true
            state.drainBy = deadline
        }
        wakeUp.signal()
        _ = state.wait(until: deadline + 2_000_000_000) { $0.hasDrained || $0.hasEnded ? true : nil }
    }

    /// Ends, once the outlets have: processors may have answered until then.
    func finish(by deadline: Int64) {
        state.update { $0.isFinished = true }
        _ = state.wait(until: deadline) { $0.hasEnded ? true : nil }
    }
}
