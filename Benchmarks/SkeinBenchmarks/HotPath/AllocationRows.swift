import CSkeinAllocationCount
import Skein

/// Heap allocations a recorded context, in steady state. A gate: more than the goal fails the program.
enum AllocationRows {
    static func rows() -> [Row] {
        guard skein_counts_allocations() != 0 else { return [] }
        return [
            row(
                "allocations a context, in a task", goal: 0,
                Loops.inTask {
                    await inTask(2_000)
                    return await inTask(20_000)
                }),
            row(
                "allocations a context, async", goal: 0,
                Loops.inTask {
                    await asynchronous(2_000)
                    return await asynchronous(20_000)
                }),
            // Outside of tasks the runtime keeps each binding of a task-local value in memory from the heap.
            row("allocations a context, outside of tasks", goal: 2, outside(2_000) * 0 + outside(20_000)),
        ]
    }

    private static func row(_ name: String, goal: Double, _ allocations: Double) -> Row {
        Row(name: name, ours: allocations, unit: .count, goal: .atMost(goal + 0.001), isGate: true)
    }

    @inline(never)
    private static func outside(_ count: Int) -> Double {
        let before = skein_allocation_count()
        _ = Loops.recorded(count)
        return Double(skein_allocation_count() - before) / Double(count)
    }

    @discardableResult
    @inline(never)
    private static func inTask(_ count: Int) async -> Double {
        let before = skein_allocation_count()
        _ = Loops.recorded(count)
        return Double(skein_allocation_count() - before) / Double(count)
    }

    @discardableResult
    @inline(never)
    private static func asynchronous(_ count: Int) async -> Double {
        let before = skein_allocation_count()
        for n in 0..<count {
            await withContext("request") { context async in Loops.fill(context, n) }
        }
        return Double(skein_allocation_count() - before) / Double(count)
    }
}
