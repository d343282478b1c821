import SkeinPlatform

/// Heap allocations a recorded context, in steady state, as `SkeinAllocations` counts them. A gate: more than the goal fails
/// the program.
enum AllocationRows {
    static func rows() throws -> [Row] {
        let counts = try ProgramOutput.lines(of: "SkeinAllocations").compactMap(Double.init)
        guard counts.count == 5 else { return [] }
        // Outside of tasks the runtime keeps each binding of a task-local value in memory from the heap. What is held back is taken
        // out of its ring in one block at each overflow, of 200 records here.
        return zip(
            [
                ("a context, in a task", 0.01), ("a context, async", 0.01),
                ("a context, outside of tasks", 2.01),
                ("a log record as an event", 0.01), ("a log record held back", 0.02),
            ], counts
        ).map { row, count in
            Row(
                name: "allocations \(row.0)", ours: count, unit: .count, goal: .atMost(row.1), isGate: true)
        }
    }
}
