import SkeinPlatform

/// Looks after the backlogs of all outlets, on one thread: so that one that cannot go on has somebody who reads for it.
final class BacklogKeeper: Sendable {
    private struct State {
        var sources: [OutletSource] = []
        var isStopped = false
        var hasEnded = true
    }

    private let state = Monitor(State())
    private let bell = Bell()

    /// The journal has more to read. Any thread.
    func wake() { bell.ring() }

    func start() throws(SystemError) {
        state.withLock { $0.hasEnded = false }
        do throws(SystemError) {
            try SystemThread(name: "skein-backlog") { [self] in
                run()
                state.update { $0.hasEnded = true }
            }.detach()
        } catch {
            state.withLock { $0.hasEnded = true }
            throw error
        }
    }

    func add(_ source: OutletSource) {
        state.withLock { $0.sources.append(source) }
        bell.ring()
    }

    /// Ends the thread.
    func stop(by deadline: Int64) {
        state.update { $0.isStopped = true }
        bell.ring()
        _ = state.wait(until: deadline) { $0.hasEnded ? true : nil }
    }

    private func run() {
        while true {
            let seen = bell.count
            let (sources, isStopped) = state.withLock { state in
                state.sources.removeAll { $0.isClosed }
                return (state.sources, state.isStopped)
            }
            if isStopped { return }
            var hasMore = false
            for source in sources where source.tend() { hasMore = true }
            if !hasMore { bell.wait(after: seen, for: .milliseconds(250)) }
        }
    }
}
