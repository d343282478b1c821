import SkeinPlatform

/// Heap allocations a recorded context, in steady state, as `SkeinAllocations` counts them. A gate: more than the goal fails
/// the program.
enum AllocationRows {
    static func rows() throws -> [Row] {
        let counts = try ProgramOutput.lines(of: "SkeinAllocations").compactMap(Double.init)
        guard counts.count == 3 else { return [] }
        // Outside of tasks the runtime keeps each binding of a task-local value in memory from the heap.
        return zip(["in a task", "async", "outside of tasks"], zip([0, 0, 2], counts)).map { place, figures in
            Row(
                name: "allocations a context, \(place)", ours: figures.1, unit: .count,
                goal: .atMost(figures.0 + 0.01), isGate: true)
        }
    }
}
