import SkeinPlatform

/// Random tests: how many, and from which seed. `SKEIN_JOURNAL_SEQUENCES=100000` for a long run, `SKEIN_JOURNAL_SEED`
/// with the seed that a failure names to see it again alone.
struct Seeds: Sequence, IteratorProtocol {
    private var seed: UInt64
    private var left: Int

    init(_ count: Int, of test: String = #function) {
        let environment = { (name: String) in getenv(name).map { String(cString: $0) } }
        if let only = environment("SKEIN_JOURNAL_SEED").flatMap({ UInt64($0) }) {
            seed = only
            left = 1
        } else {
            seed = KernelRandom.word()
            left =
                environment("SKEIN_JOURNAL_SEQUENCES").flatMap { Int($0) }.map { $0 * count / 1000 } ?? count
        }
        // Also of a run that passes it is known what was tried.
        print("\(test): \(left) seeds from \(seed)")
    }

    mutating func next() -> UInt64? {
        guard left > 0 else { return nil }
        left -= 1
        defer { seed &+= 1 }
        return seed
    }
}

private let fillers = (0..<512).map { String(repeating: "x", count: max(8 * $0, 8)) }

extension RandomNumberGenerator {
    mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &self) }

    /// True once in so many.
    mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }

    /// Text of a size as it comes: mostly small.
    mutating func filler(below limit: Int) -> String {
        let size = below(oneIn(4) ? limit : Swift.min(limit, 200))
        return fillers[Swift.min(size / 8, fillers.count - 1)] + fillers[0].prefix(size % 8)
    }
}
