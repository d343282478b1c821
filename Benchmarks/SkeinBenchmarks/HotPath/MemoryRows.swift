import Skein
import SkeinPlatform

/// What the process's memory does over many events, and with nobody to take them.
enum MemoryRows {
    static func rows(events: Int = 10_000_000) throws -> [Row] {
        // The process's pipeline, warm from the rows before.
        _ = Loops.recorded(1_000_000)
        let before = settled()
        _ = Loops.recorded(events)
        let after = settled()

        let budget = 32 << 20
        var configuration = EventPipeline.Configuration(
            endpoint: "deliver://127.0.0.1:1", service: "checkout")
        configuration.journalBytes = budget
        configuration.onWarning = { _ in }
        let base = resident()
        let pipeline = try EventPipeline(configuration)
        _ = Loops.recorded(into: pipeline)(1_000_000)
        let away = resident() - base
        let statistics = pipeline.statistics
        Loops.inTask { await pipeline.shutdown(timeout: .zero) }
        let mebibyte = Double(1 << 20)
        return [
            Row(
                name: "memory after 10 million events more", ours: Double(after) / mebibyte, unit: .bytes,
                peer: ("before", Double(before) / mebibyte), goal: .ratioAtMost(1.05)),
            Row(
                name: "memory with the collector away", ours: Double(away) / mebibyte, unit: .bytes,
                peer: ("the cap that was set", Double(budget) / mebibyte), goal: .ratioAtMost(1.25)),
            Row(
                name: "  events refused over the cap, counted",
                ours: Double(statistics.dropped.values.reduce(0, +)),
                unit: .count),
        ]
    }

    /// Once everything is shipped and the journal has given back the segments that only the shipper's lag had needed.
    private static func settled() -> Int {
        Loops.inTask {
            await EventSystem.flush()
            try? await Task.sleep(for: .seconds(5))
        }
        return resident()
    }

    /// Bytes of the process that are in memory.
    static func resident() -> Int {
        guard let text = SmallFile.read("/proc/self/statm") else { return 0 }
        let fields = text.split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
