import SkeinPlatform

/// What `SkeinFaults backlog` is told.
struct BacklogOptions {
    var megabytes: Int
    var skeind: String
    var folder: String?

    init(_ arguments: [String]) throws {
        let line = try CommandLineOptions(
            arguments, options: ["megabytes", "skeind", "folder"].map { .init($0) })
        if let operand = line.operands.first { throw FaultsError("\"\(operand)\" is no option") }
        let text = line.last("megabytes") ?? "2048"
        guard let number = Int(text), (16...1_000_000).contains(number) else {
            throw FaultsError("--megabytes is \"\(text)\"; a number from 16 to 1000000 is accepted")
        }
        megabytes = number
        skeind = line.last("skeind") ?? OwnPath.beside("skeind")
        guard access(skeind, X_OK) == 0 else {
            throw FaultsError("no program \(skeind): \(SystemError.current) (--skeind PATH names another)")
        }
        folder = line.last("folder")
    }
}
