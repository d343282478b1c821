import SkeinPlatform

/// What `SkeinFaults kills` is told.
struct KillOptions {
    var kills: Int
    var seed: UInt64
    /// Seconds after which it gives up.
    var limit: Int64
    /// Mean milliseconds between two kills.
    var pace: Int
    /// Events a second of each app.
    var rate: Int
    var skeind: String
    var folder: String?
    var isKept: Bool
    var isVerbose: Bool

    init(_ arguments: [String]) throws {
        let names = ["kills", "seed", "limit", "pace", "rate", "skeind", "folder"]
        let line = try CommandLineOptions(
            arguments,
            options: names.map { .init($0) } + ["keep", "verbose"].map { .init($0, takesValue: false) })
        if let operand = line.operands.first { throw FaultsError("\"\(operand)\" is no option") }
        func number(_ name: String, _ range: ClosedRange<Int>, _ standard: Int) throws -> Int {
            guard let text = line.last(name) else { return standard }
            guard let number = Int(text), range.contains(number) else {
                throw FaultsError(
                    "--\(name) is \"\(text)\"; a number from \(range.lowerBound) to \(range.upperBound) is accepted"
                )
            }
            return number
        }
        kills = try number("kills", 0...1_000_000, 1_000)
        limit = Int64(try number("limit", 10...86_400, 1_500))
        pace = try number("pace", 1...60_000, 250)
        rate = try number("rate", 100...1_000_000, 6_000)
        seed = UInt64(try number("seed", 0...Int.max, Int(KernelRandom.word() >> 32)))
        skeind = line.last("skeind") ?? OwnPath.beside("skeind")
        guard access(skeind, X_OK) == 0 else {
            throw FaultsError("no program \(skeind): \(SystemError.current) (--skeind PATH names another)")
        }
        folder = line.last("folder")
        isKept = line.last("keep") != nil
        isVerbose = line.last("verbose") != nil
    }
}

/// Where this program is.
enum OwnPath {
    static var path: String {
        #if os(Linux)
            let name = "/proc/self/exe"
        #else
            let name = CommandLine.arguments.first ?? ""
        #endif
        guard let resolved = realpath(name, nil) else { return CommandLine.arguments.first ?? "" }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// A program of this package lies beside this one.
    static func beside(_ name: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return name }
        return path[...slash] + name
    }
}
