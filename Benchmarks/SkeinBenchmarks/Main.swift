import Skein
import SkeinPlatform

/// `SkeinBenchmarks [--json] [--only WORD]`: times are medians of interleaved rounds; ratios are what counts. It fails when a
/// count is over its goal, never for a time.
///
/// `SkeinBenchmarks --only reliability`: what "nothing is lost" costs; a minute, with a skeind beside this program.
///
/// `SkeinBenchmarks --count ROW N` runs one row's loop N times and nothing else, for an instruction counter.
@main
struct Main {
    /// What can be measured, in order; `--only` takes those with the word in their name.
    private static let groups: [(name: String, rows: @Sendable () throws -> [Row])] = [
        ("hot path", { HotPathRows.configured(Measurement()) }),
        ("held detail", { try HeldRows.rows(Measurement()) }),
        ("peers", { PeerRows.rows(Measurement()) }),
        ("logging", { LoggingRows.rows(Measurement()) }),
        ("spool", { try HotPathRows.spool(Measurement()) }),
        ("allocations", { try AllocationRows.rows() }),
        ("threads", { try ThreadRows.rows() }),
        ("tail", { try TailRows.rows() }),
        ("memory", { try MemoryRows.rows() }),
        ("end to end", { try EndToEndRows.rows() }),
        ("collect port", { try CollectPortRows.rows() }),
        ("filter", { try FilterRows.rows(Measurement()) }),
        ("view", { try ViewRows.rows() }),
        ("store", { try StoreRows.rows() }),
        ("unusual", { try UnusualRows.rows(Measurement()) }),
    ]

    static func main() throws {
        var arguments = CommandLine.arguments.dropFirst()
        var json = false
        var only: String?
        while let argument = arguments.popFirst() {
            switch argument {
            case "--json": json = true
            case "--only":
                guard let word = arguments.popFirst() else { return usage() }
                only = word
            case "--count":
                guard let name = arguments.popFirst(), let count = arguments.popFirst().flatMap({ Int($0) }),
                    let run = name == "libbson"
                        ? Loops.libbson
                        : HotPathRows.loops.first(where: { $0.name == name })?.run
                            ?? LoggingRows.loops.first(where: { $0.name == name })?.run
                            ?? HeldRows.loops.first(where: { $0.name == name })?.run
                else { return usage() }
                try bootstrap()
                _ = run(count)
                return
            case "--pull":
                guard let count = arguments.popFirst().flatMap({ Int($0) }) else { return usage() }
                exit(CollectPortRows.pull(count))
            default: return usage()
            }
        }
        if only == "reliability" { return try Reliability.run() }
        if !json { print(Row.header) }
        var failed: [Row] = []
        func show(_ rows: [Row]) {
            for row in rows { print(json ? row.json : row.text) }
            failed += rows.filter { $0.isGate && $0.isMet == false }
        }
        // First, while nothing is configured.
        if only.map({ "not configured".contains($0) }) ?? true {
            show(HotPathRows.notConfigured(Measurement()))
            show(LoggingRows.notConfigured(Measurement()))
        }
        try bootstrap()
        for group in groups where only.map({ group.name.contains($0) }) ?? true { show(try group.rows()) }
        for row in failed { StandardError.writeLine("\(row.name): over its goal") }
        if !failed.isEmpty { exit(1) }
    }

    /// The shipper runs, so that segments are recycled as in life; what it ships goes nowhere.
    private static func bootstrap() throws {
        try EventSystem.bootstrap(.init(endpoint: "file:///dev/null", service: "checkout"))
    }

    private static func usage() {
        StandardError.writeLine(
            "usage: SkeinBenchmarks [--json] [--only WORD] | --only reliability | --count ROW N")
        exit(2)
    }
}
