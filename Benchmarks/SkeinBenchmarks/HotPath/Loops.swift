import CSkeinBenchmarks
import Skein
import SkeinPlatform
import Synchronization

/// The loops of the hot path. Bodies stand in functions of their own that are not inlined: code at the top of a main file
/// measures several times too slow.
enum Loops {
    /// The event of all rows: five fields, two of them of one nested document, and a timing; 296 bytes.
    @inline(__always)
    static func fill(_ context: Context, _ n: Int) {
        context["user_agent"] = "curl/7.88.1"
        context["path"] = "/search"
        context["response.status"] = 200
        context["response.size"] = n
        context["cached"] = true
        context.time("request_time") {}
    }

    @inline(never)
    static func recorded(_ count: Int) -> Int64 {
        Measurement.threadTime {
            for n in 0..<count { withContext("request") { fill($0, n) } }
        }
    }

    @inline(never)
    static func recordedThroughCurrent(_ count: Int) -> Int64 {
        Measurement.threadTime {
            for n in 0..<count {
                withContext("request") { _ in
                    Context.current?["user_agent"] = "curl/7.88.1"
                    Context.current?["path"] = "/search"
                    Context.current?["response.status"] = 200
                    Context.current?["response.size"] = n
                    Context.current?["cached"] = true
                    Context.current?.time("request_time") {}
                }
            }
        }
    }

    /// Into a pipeline of one's own.
    static func recorded(into pipeline: EventPipeline) -> Measurement.Loop {
        { count in recorded(count, pipeline) }
    }

    @inline(never)
    private static func recorded(_ count: Int, _ pipeline: EventPipeline) -> Int64 {
        Measurement.threadTime {
            for n in 0..<count { withContext("request", pipeline: pipeline) { fill($0, n) } }
        }
    }

    @inline(never)
    static func empty(_ count: Int) -> Int64 {
        Measurement.threadTime {
            for _ in 0..<count { withContext("request") { _ in } }
        }
    }

    @inline(never)
    static func child(_ count: Int) -> Int64 {
        withContext("parent") { _ in
            Measurement.threadTime {
                for n in 0..<count { withContext(".child") { fill($0, n) } }
            }
        }
    }

    @inline(never)
    static func sampledOut(_ count: Int) -> Int64 {
        Measurement.threadTime {
            for n in 0..<count { withContext("request", sample: .never) { fill($0, n) } }
        }
    }

    @inline(never)
    static func libbson(_ count: Int) -> Int64 {
        let document = skein_bench_bson_new()
        defer { skein_bench_bson_free(document) }
        var total: UInt64 = 0
        let time = Measurement.threadTime {
            for n in 0..<count { total &+= UInt64(skein_bench_bson_build(document, 1.7e9, Int64(n))) }
        }
        precondition(total > 0)
        return time
    }

    // MARK: Asynchronous

    static func recordedAsync(_ count: Int) -> Int64 { inTask { await recordedInTask(count) } }
    static func sampledOutAsync(_ count: Int) -> Int64 { inTask { await sampledOutInTask(count) } }

    /// Waits for a task. It never suspends, so that the time of its thread is its own.
    @discardableResult
    static func inTask<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) -> Result {
        let outcome = Monitor<Result?>(nil)
        Task {
            let result = await body()
            outcome.update { $0 = result }
        }
        while true {
            if let result = outcome.wait(until: .max, { $0 }) { return result }
        }
    }

    @inline(never)
    private static func recordedInTask(_ count: Int) async -> Int64 {
        let start = Measurement.threadNanoseconds()
        for n in 0..<count {
            await withContext("request") { context async in fill(context, n) }
        }
        return Measurement.threadNanoseconds() - start
    }

    @inline(never)
    private static func sampledOutInTask(_ count: Int) async -> Int64 {
        let start = Measurement.threadNanoseconds()
        for n in 0..<count {
            await withContext("request", sample: .never) { context async in fill(context, n) }
        }
        return Measurement.threadNanoseconds() - start
    }
}
