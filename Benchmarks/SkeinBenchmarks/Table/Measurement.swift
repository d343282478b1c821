import SkeinPlatform

/// Times loops turn about, so that the machine's mood hits all of them alike, and takes medians.
struct Measurement {
    /// A loop of so many operations, which answers how many nanoseconds it took.
    typealias Loop = (Int) -> Int64

    var rounds = 15
    var iterations = 200_000

    /// Nanoseconds an operation, for each loop in order.
    func nanoseconds(_ loops: [Loop]) -> [Double] {
        for loop in loops { _ = loop(iterations / 4) }
        var samples = loops.map { _ in [Double]() }
        for _ in 0..<rounds {
            for (index, loop) in loops.enumerated() {
                samples[index].append(Double(loop(iterations)) / Double(iterations))
            }
        }
        return samples.map(median)
    }

    /// Runs a body and answers what the calling thread needed of its processor: what others on the machine do is not in it,
    /// nor what the shipper's thread does meanwhile.
    @inline(__always)
    static func threadTime(_ body: () -> Void) -> Int64 {
        let start = threadNanoseconds()
        body()
        return threadNanoseconds() - start
    }

    static func threadNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// The middle one, or the upper of two.
func median(_ samples: [Double]) -> Double { samples.sorted()[samples.count / 2] }
