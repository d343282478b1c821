import SkeinPlatform

/// One thing that is measured: a loop over its operation.
struct Candidate {
    let name: String
    let run: (Int) -> Void
}

/// Times candidates turn about, so that the machine's mood hits all of them alike, and takes medians.
struct Measurement {
    var rounds = 15
    var iterations = 200_000

    /// Nanoseconds an operation, for each candidate in order.
    func nanoseconds(_ candidates: [Candidate]) -> [Double] {
        for candidate in candidates { candidate.run(iterations / 4) }
        var samples = candidates.map { _ in [Double]() }
        for _ in 0..<rounds {
            for (index, candidate) in candidates.enumerated() {
                let start = SystemClock.monotonicNanoseconds()
                candidate.run(iterations)
                samples[index].append(Double(SystemClock.monotonicNanoseconds() - start) / Double(iterations))
            }
        }
        return samples.map { $0.sorted()[$0.count / 2] }
    }
}
