import CSkeinBenchmarks
import Skein
import SkeinPlatform
import Synchronization

// Bodies stand in functions of their own that are not inlined: code at the top of a main file measures several times too
// slow.

enum HotPath {
    @inline(never)
    static func recorded(_ count: Int) {
        for n in 0..<count {
            withContext("request") { context in
                context["user_agent"] = "curl/7.88.1"
                context["path"] = "/search"
                context["response.status"] = 200
                context["response.size"] = n
                context["cached"] = true
                context.time("request_time") {}
            }
        }
    }

    @inline(never)
    static func recordedThroughCurrent(_ count: Int) {
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

    /// Waits for a task that records in asynchronous closures.
    static func recordedAsync(_ count: Int) {
        let done = Flag()
        Task {
            await recordedInTask(count)
            done.set()
        }
        while !done.isSet { sched_yield() }
    }

    @inline(never)
    private static func recordedInTask(_ count: Int) async {
        for n in 0..<count {
            await withContext("request") { context async in
                context["user_agent"] = "curl/7.88.1"
                context["path"] = "/search"
                context["response.status"] = 200
                context["response.size"] = n
                context["cached"] = true
                context.time("request_time") {}
            }
        }
    }

    @inline(never)
    static func empty(_ count: Int) {
        for _ in 0..<count { withContext("request") { _ in } }
    }

    @inline(never)
    static func child(_ count: Int) {
        withContext("parent") { _ in
            for n in 0..<count {
                withContext(".child") { context in
                    context["user_agent"] = "curl/7.88.1"
                    context["path"] = "/search"
                    context["response.status"] = 200
                    context["response.size"] = n
                    context["cached"] = true
                    context.time("request_time") {}
                }
            }
        }
    }

    @inline(never)
    static func sampledOut(_ count: Int) {
        for n in 0..<count {
            withContext("request", sample: .never) { context in
                context["user_agent"] = "curl/7.88.1"
                context["path"] = "/search"
                context["response.status"] = 200
                context["response.size"] = n
                context["cached"] = true
                context.time("request_time") {}
            }
        }
    }

    @inline(never)
    static func libbson(_ count: Int) {
        let document = skein_bench_bson_new()
        defer { skein_bench_bson_free(document) }
        var total: UInt64 = 0
        for n in 0..<count { total &+= UInt64(skein_bench_bson_build(document, 1.7e9, Int64(n))) }
        precondition(total > 0)
    }
}

private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}
