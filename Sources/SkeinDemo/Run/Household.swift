import SkeinPlatform

/// The programs that `run` has started: each announces itself with a line, each is ended by its own id.
final class Household {
    private var members: [(name: String, process: ChildProcess)] = []

    /// Starts a program and waits for the line that says it is ready.
    /// - Returns: what `isReady` makes of the line.
    func start<Ready>(
        _ name: String, path: String, _ arguments: [String], within limit: Duration = .seconds(30),
        isReady: (String) -> Ready?
    ) throws -> Ready {
        let process: ChildProcess
        do {
            process = try ChildProcess(path: path, arguments: arguments, output: .pipe)
        } catch {
            throw DemoError.failed("cannot start \(path): \(error)")
        }
        members.append((name, process))
        let reader = LineReader(process.output)
        let deadline = SystemClock.monotonicNanoseconds() + limit.components.seconds * 1_000_000_000
        while true {
            switch reader.next(until: deadline) {
            case .line(let line):
                guard let ready = isReady(line) else {
                    Output.line("\(name): \(line)")
                    continue
                }
                try follow(name, process)
                return ready
            case .end:
                let end = process.wait(until: SystemClock.monotonicNanoseconds() + 2_000_000_000)
                throw DemoError.failed(
                    "\(name) \(end?.description ?? "closed its output") before it was ready")
            case .late:
                throw DemoError.failed("\(name) was not ready within \(limit)")
            }
        }
    }

    /// What it says later goes on, so that it is never stuck in a full pipe.
    private func follow(_ name: String, _ process: ChildProcess) throws {
        try SystemThread(name: "follow") {
            let reader = LineReader(process.output)
            while case .line(let line) = reader.next(until: .max) { Output.line("\(name): \(line)") }
        }.detach()
    }

    /// Ends all of them, the last started first. Each gets its time to put things in order.
    /// - Returns: those that did not end well.
    func endAll(grace: Duration = .seconds(15)) -> [String] {
        var bad: [String] = []
        for (name, process) in members.reversed() {
            let end = process.end(grace: grace)
            if end != .exited(0) { bad.append("\(name) \(end?.description ?? "could not be ended")") }
        }
        members = []
        return bad
    }
}
