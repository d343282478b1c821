import CSkeinAllocationCount
import Skein
import SkeinLogging
import SkeinPlatform

/// Prints how many heap allocations a recorded context costs in steady state: in a task, asynchronously, and outside of tasks; then a
/// log record as an event, and one that is held back; a line each. A program of its own, because a malloc that counts slows what is timed.
@main
struct Main {
    static func main() async throws {
        guard skein_counts_allocations() != 0 else {
            StandardError.writeLine("allocations cannot be counted with this C library")
            exit(2)
        }
        try EventSystem.bootstrap(.init(endpoint: "file:///dev/null", service: "checkout"))
        _ = inTask(50_000)
        print(inTask(50_000))
        _ = await asynchronous(50_000)
        print(await asynchronous(50_000))
        let outside = Monitor<Double?>(nil)
        let thread = try SystemThread(name: "outside") {
            _ = inTask(50_000)
            let count = inTask(50_000)
            outside.update { $0 = count }
        }
        thread.join()
        print(outside.withLock { $0 } ?? -1)
        for logger in [
            EventLogger("shop", handler: ContextHandler()),
            EventLogger("shop", handler: BurstHandler(target: ContextHandler())),
        ] {
            _ = records(50_000, logger)
            print(records(50_000, logger))
        }
    }

    @inline(never)
    private static func records(_ count: Int, _ logger: EventLogger) -> Double {
        withContext("request") { _ in
            let before = skein_allocation_count()
            for _ in 0..<count { logger.debug("asked the stock") }
            return Double(skein_allocation_count() - before) / Double(count)
        }
    }

    @inline(never)
    private static func inTask(_ count: Int) -> Double {
        let before = skein_allocation_count()
        for n in 0..<count { withContext("request") { fill($0, n) } }
        return Double(skein_allocation_count() - before) / Double(count)
    }

    @inline(never)
    private static func asynchronous(_ count: Int) async -> Double {
        let before = skein_allocation_count()
        for n in 0..<count {
            await withContext("request") { context async in fill(context, n) }
        }
        return Double(skein_allocation_count() - before) / Double(count)
    }

    /// The event of the benchmark's rows.
    @inline(__always)
    private static func fill(_ context: Context, _ n: Int) {
        context["user_agent"] = "curl/7.88.1"
        context["path"] = "/search"
        context["response.status"] = 200
        context["response.size"] = n
        context["cached"] = true
        context.time("request_time") {}
    }
}
