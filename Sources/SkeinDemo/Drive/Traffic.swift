import SkeinHTTP

/// What the driver asks for: varied, and the same for the same seed.
struct Traffic {
    enum Kind: String, CaseIterable {
        case search
        case package
        case depends
        /// `/depends` with a great depth.
        case deep
        /// A package that is not installed: 404.
        case missing
        /// A query that cannot be: 400.
        case malformed

        /// Of a hundred requests.
        var share: Int {
            switch self {
            case .search: 48
            case .package: 25
            case .depends: 14
            case .deep: 3
            case .missing: 6
            case .malformed: 4
            }
        }

        var expectedStatus: Int {
            switch self {
            case .search, .package, .depends, .deep: 200
            case .missing: 404
            case .malformed: 400
            }
        }
    }

    struct Request {
        var kind: Kind
        var target: String
    }

    /// Names of packages that are installed; not empty.
    let names: [String]
    private var generator: SeededGenerator

    init(names: [String], seed: UInt64) {
        self.names = names
        generator = SeededGenerator(seed: seed)
    }

    mutating func next() -> Request {
        var left = Int.random(in: 0..<100, using: &generator)
        let kind = Kind.allCases.first { kind in
            left -= kind.share
            return left < 0
        }
        return request(kind ?? .search)
    }

    private mutating func request(_ kind: Kind) -> Request {
        let name = PercentCoding.encode(names.randomElement(using: &generator) ?? "")
        let target =
            switch kind {
            case .search: search()
            case .package: "/package/" + name
            case .depends: "/depends/\(name)?depth=\(Int.random(in: 1...3, using: &generator))"
            case .deep: "/depends/\(name)?depth=\(Int.random(in: 8...10, using: &generator))"
            case .missing:
                Bool.random(using: &generator)
                    ? "/package/\(name)-from-elsewhere"
                    : "/depends/no-such-package-\(Int.random(in: 1...999, using: &generator))"
            case .malformed: malformed(name)
            }
        return Request(kind: kind, target: target)
    }

    private mutating func search() -> String {
        let words = [
            "lib", "compression", "python", "time zone", "100%", "c++", "data_", "the", "ssl/tls", "größe",
        ]
        // A word, or a piece of a name: from nothing found to nearly everything.
        var text = words.randomElement(using: &generator) ?? "lib"
        if Int.random(in: 0..<3, using: &generator) > 0, let name = names.randomElement(using: &generator) {
            text = String(name.prefix(Int.random(in: 2...12, using: &generator)))
        }
        if text.count < 2 { text += "lib" }
        let limit = [5, 20, 20, 100].randomElement(using: &generator) ?? 20
        return "/search?q=\(PercentCoding.encode(text))&limit=\(limit)"
    }

    private mutating func malformed(_ name: String) -> String {
        let long = String(repeating: "x", count: Int.random(in: 65...400, using: &generator))
        let targets = [
            "/search", "/search?q=", "/search?q=x", "/search?q=\(long)", "/search?q=lib&limit=many",
            "/search?q=lib&limit=-1", "/depends/\(name)?depth=0", "/depends/\(name)?depth=deep",
            "/depends/\(name)?depth=99999999999999999999",
        ]
        return targets.randomElement(using: &generator) ?? "/search"
    }
}

/// SplitMix64: small, and the same on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
