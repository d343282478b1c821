import SkeinPlatform

/// How long single operations took. The worst of them are what an app's users feel.
struct Latencies {
    private var nanoseconds: [Int64] = []

    /// Times `count` operations on this thread, in bursts with pauses of a millisecond, as requests come: a thread that never
    /// pauses is preempted by the kernel, whatever it does.
    static func measure(_ count: Int, burst: Int = 200, _ operation: (Int) -> Void) -> Latencies {
        var latencies = Latencies()
        latencies.nanoseconds.reserveCapacity(count)
        for n in 0..<count {
            if n % burst == 0 { usleep(1_000) }
            let start = SystemClock.monotonicNanoseconds()
            operation(n)
            latencies.nanoseconds.append(SystemClock.monotonicNanoseconds() - start)
        }
        latencies.nanoseconds.sort()
        return latencies
    }

    /// Microseconds that a share of the operations, 0 to 1, did not exceed.
    func microseconds(_ share: Double) -> Double {
        guard !nanoseconds.isEmpty else { return 0 }
        let index = min(nanoseconds.count - 1, Int(share * Double(nanoseconds.count)))
        return Double(nanoseconds[index]) / 1e3
    }

    static let header = Self.line("microseconds", ["50 %", "99 %", "99.9 %", "99.99 %", "most"])

    func text(_ name: String) -> String {
        Self.line(name, [0.5, 0.99, 0.999, 0.9999, 1].map { "\((microseconds($0) * 10).rounded() / 10)" })
    }

    private static func line(_ name: String, _ columns: [String]) -> String {
        let left = name + String(repeating: " ", count: max(1, 48 - name.count))
        return columns.reduce(left) { $0 + String(repeating: " ", count: max(1, 11 - $1.count)) + $1 }
    }
}
