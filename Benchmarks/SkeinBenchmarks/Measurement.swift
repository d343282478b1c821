import SkeinPlatform

/// Times loops turn about, so that the machine's mood hits all of them alike, and takes medians.
struct Measurement {
    var rounds = 15
    var iterations = 200_000

    /// Nanoseconds an operation, for each loop in order.
    func nanoseconds(_ loops: [(Int) -> Void]) -> [Double] {
        for loop in loops { loop(iterations / 4) }
        var samples = loops.map { _ in [Double]() }
        for _ in 0..<rounds {
            for (index, loop) in loops.enumerated() {
                let start = SystemClock.monotonicNanoseconds()
                loop(iterations)
                samples[index].append(Double(SystemClock.monotonicNanoseconds() - start) / Double(iterations))
            }
        }
        return samples.map { $0.sorted()[$0.count / 2] }
    }
}
