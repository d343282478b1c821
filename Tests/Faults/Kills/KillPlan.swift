import SkeinPlatform

/// Who is killed when, and for how long it stays away. Everything random comes from the seed; what runs at a given
/// instant depends on the machine, so a seed repeats the plan and not the run.
struct KillPlan {
    private var random: FastRandom
    private let pace: Double

    init(seed: UInt64, pace: Int) {
        random = FastRandom(seed: seed)
        self.pace = Double(pace)
    }

    /// Nanoseconds until the next kill: exponentially distributed, at most six times the mean.
    mutating func untilNext() -> Int64 {
        let uniform = Double.random(in: Double.leastNormalMagnitude..<1, using: &random)
        return Int64(min(-log(uniform), 6) * pace * 1e6)
    }

    /// Which of those that run are killed; now and then two at the same instant.
    mutating func victims(among running: [Program], isApp: (Program) -> Bool) -> [Program] {
        var candidates = running
        let count = Int.random(in: 0..<6, using: &random) == 0 ? 2 : 1
        var chosen: [Program] = []
        while chosen.count < count, !candidates.isEmpty {
            // The collectors are two of four, and carry more of what can go wrong.
            let weights = candidates.map { isApp($0) ? 2 : 3 }
            var place = Int.random(in: 0..<weights.reduce(0, +), using: &random)
            let index = weights.firstIndex { weight in
                place -= weight
                return place < 0
            }
            chosen.append(candidates.remove(at: index ?? 0))
        }
        return chosen
    }

    /// Nanoseconds until a victim is started again: at once, soon, or long enough that the others miss it. An app stays away
    /// more often: its collector looks for dead ones each second, and is to find some.
    mutating func pause(ofApp isApp: Bool) -> Int64 {
        if isApp, Int.random(in: 0..<4, using: &random) == 0 {
            return Int64.random(in: 1_000_000_000...4_000_000_000, using: &random)
        }
        return switch Int.random(in: 0..<20, using: &random) {
        case 0..<10: 0
        case 10..<16: Int64.random(in: 1_000_000...300_000_000, using: &random)
        case 16..<19: Int64.random(in: 300_000_000...1_000_000_000, using: &random)
        default: Int64.random(in: 1_000_000_000...3_000_000_000, using: &random)
        }
    }
}
