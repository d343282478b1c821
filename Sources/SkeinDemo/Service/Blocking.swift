import SkeinPlatform

/// Asynchronous work for a thread that may block: the main thread, a worker of a server. Never the cooperative pool's.
enum Blocking {
    /// Waits for as long as the work takes; it has to bound itself.
    static func run<Result: Sendable>(_ work: @escaping @Sendable () async -> Result) -> Result {
        let outcome = Monitor<Result?>(nil)
        Task {
            let result = await work()
            outcome.update { $0 = result }
        }
        while true {
            if let result = outcome.wait(until: .max, { $0 }) { return result }
        }
    }
}
