import Skein
import SkeinPlatform
import Synchronization

/// Values too long, ten thousand fields, types too long: that they are cut and counted, and slow nobody else.
enum UnusualRows {
    static func rows(_ measurement: Measurement) throws -> [Row] {
        let alone = measurement.nanoseconds([Loops.recorded])[0]
        let ends = Atomic<Bool>(false)
        let strange = Atomic<Int>(0)
        let thread = try SystemThread(name: "unusual") {
            let long = String(repeating: "x", count: 1 << 20)
            let type = String(repeating: "t", count: 300)
            while !ends.load(ordering: .relaxed) {
                withContext("unusual") { context in context["long"] = long }
                withContext("unusual") { context in
                    for index in 0..<10_000 { context[dynamic: "field \(index)"] = index }
                }
                withContext(dynamic: type) { _ in }
                strange.add(3, ordering: .relaxed)
            }
        }
        let beside = measurement.nanoseconds([Loops.recorded])[0]
        ends.store(true, ordering: .relaxed)
        thread.join()
        return [
            Row(
                name: "recorded beside a thread of unusual events", ours: beside, peer: ("alone", alone),
                goal: .ratioAtMost(1.25)),
            Row(
                name: "  unusual events meanwhile", ours: Double(strange.load(ordering: .relaxed)),
                unit: .count),
        ]
    }
}
