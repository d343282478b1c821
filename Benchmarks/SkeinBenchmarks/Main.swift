import Skein
import SkeinPlatform

/// `SkeinBenchmarks [--json] [--only WORD]`: times are medians of interleaved rounds; ratios are what counts.
///
/// `SkeinBenchmarks --count ROW N` runs one row's loop N times and nothing else, for an instruction counter.
@main
struct Main {
    static let peer = "libbson in C, only building the document"

    static let loops: [(name: String, goal: Row.Goal, run: @Sendable (Int) -> Void)] = [
        ("recorded", .ratio(0.45), HotPath.recorded),
        ("recorded, async", .ratio(0.65), HotPath.recordedAsync),
        ("recorded, through current", .ratio(0.75), HotPath.recordedThroughCurrent),
        ("recorded, child of a parent", .none, HotPath.child),
        ("recorded, no fields", .none, HotPath.empty),
        ("sampled out", .nanoseconds(55), HotPath.sampledOut),
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
                        ? HotPath.libbson : loops.first(where: { $0.name == name })?.run
                else { return usage() }
                try bootstrap()
                return run(count)
            default: return usage()
            }
        }
        let measurement = Measurement()
        var rows: [Row] = []
        // First, while nothing is configured.
        if only.map({ "not configured".contains($0) }) ?? true {
            let figures = measurement.nanoseconds([HotPath.libbson, HotPath.recorded])
            rows.append(
                Row(
                    name: "not configured", peer: peer, goal: .nanoseconds(3), ours: figures[1],
                    theirs: figures[0]))
        }
        try bootstrap()
        let chosen = loops.filter { loop in only.map { loop.name.contains($0) } ?? true }
        if !chosen.isEmpty {
            let figures = measurement.nanoseconds([HotPath.libbson] + chosen.map(\.run))
            for (loop, ours) in zip(chosen, figures.dropFirst()) {
                rows.append(Row(name: loop.name, peer: peer, goal: loop.goal, ours: ours, theirs: figures[0]))
            }
        }
        if json {
            for row in rows { print(row.json) }
        } else {
            print(Row.header)
            for row in rows { print(row.text) }
            if let statistics = EventSystem.statistics { print("\n\(statistics)") }
        }
    }

    /// The shipper runs, so that segments are recycled as in life; what it ships goes nowhere.
    private static func bootstrap() throws {
        try EventSystem.bootstrap(.init(endpoint: "file:///dev/null", service: "checkout"))
    }

    private static func usage() {
        StandardError.writeLine("usage: SkeinBenchmarks [--json] [--only WORD] | --count ROW N")
        exit(2)
    }
}
