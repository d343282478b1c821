import Skein
import SkeinPlatform
import Synchronization

/// Two threads that record at once, with string values that both share.
enum ThreadRows {
    static func rows(rounds: Int = 9, iterations: Int = 300_000) throws -> [Row] {
        // Not a literal, longer than a string that stands in its own words: its reference count is shared.
        let text = String(repeating: "shared ", count: 6 + Int(getpid() % 2))
        var one: [Double] = []
        var two: [Double] = []
        for _ in 0..<rounds {
            one.append(Double(try run(threads: 1, iterations, text)) / Double(iterations))
            two.append(Double(try run(threads: 2, iterations, text)) / Double(iterations))
        }
        // By the time of the recording threads' processors: two cores cannot run two of them and the shipper.
        return [
            Row(
                name: "two threads' throughput", ours: 2 * 1e9 / median(two), unit: .eventsPerSecond,
                peer: ("one thread's", 1e9 / median(one)), goal: .ratioAtLeast(1.8))
        ]
    }

    /// Nanoseconds that a thread needed, on average.
    private static func run(threads: Int, _ count: Int, _ text: String) throws -> Int64 {
        let ready = Atomic<Int>(0)
        let total = Atomic<Int64>(0)
        let all = try (0..<threads).map { index in
            try SystemThread(name: "recording \(index)") {
                ready.add(1, ordering: .sequentiallyConsistent)
                while ready.load(ordering: .sequentiallyConsistent) < threads { sched_yield() }
                total.add(record(count, text), ordering: .relaxed)
            }
        }
        for thread in all { thread.join() }
        return total.load(ordering: .relaxed) / Int64(threads)
    }

    @inline(never)
    private static func record(_ count: Int, _ text: String) -> Int64 {
        Measurement.threadTime {
            for n in 0..<count {
                withContext("request") { context in
                    context["shared"] = text
                    Loops.fill(context, n)
                }
            }
        }
    }
}
