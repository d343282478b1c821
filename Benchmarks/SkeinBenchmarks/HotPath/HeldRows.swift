import Skein
import SkeinPlatform

/// What it costs to hold detail back: a record, and a child context, in a tree that ends well.
enum HeldRows {
    /// One tree for so many records: as many as it may hold, then the oldest give way.
    private static let perTree = 500

    static let loops: [(name: String, goal: Row.Goal, run: @Sendable (Int) -> Int64)] = [
        ("held record", .atMost(100), { records($0, nil) }),
        ("held child context, no fields", .none, { children($0, nil) }),
        ("kept tree with nothing in it", .none, { trees($0, nil) }),
    ]

    static func rows(_ measurement: Measurement) throws -> [Row] {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let spool = try EventPipeline(
            .init(endpoint: "file:///dev/null", service: "checkout", spool: folder.path))
        let figures = measurement.nanoseconds(
            loops.map(\.run) + [{ records($0, spool) }, { children($0, spool) }])
        Loops.inTask { await spool.shutdown() }
        return zip(loops, figures).map { Row(name: $0.name, ours: $1, goal: $0.goal) } + [
            Row(name: "held record, with a spool", ours: figures[loops.count], goal: .atMost(250)),
            Row(
                name: "held child context, no fields, with a spool", ours: figures[loops.count + 1],
                goal: .none),
        ]
    }

    @inline(never)
    private static func records(_ count: Int, _ pipeline: EventPipeline?) -> Int64 {
        inTrees(count, pipeline) { n in
            Context.record(.log, level: 10) { record in
                record["msg"] = "looked up"
                record["n"] = n
            }
        }
    }

    @inline(never)
    private static func children(_ count: Int, _ pipeline: EventPipeline?) -> Int64 {
        inTrees(count, pipeline) { _ in withContext(".step") { _ in } }
    }

    @inline(never)
    private static func trees(_ count: Int, _ pipeline: EventPipeline?) -> Int64 {
        Measurement.threadTime {
            for _ in 0..<count { withContext("request", keep: .onError, pipeline: pipeline) { _ in } }
        }
    }

    @inline(__always)
    private static func inTrees(_ count: Int, _ pipeline: EventPipeline?, _ body: (Int) -> Void) -> Int64 {
        Measurement.threadTime {
            for tree in 0..<max(1, count / perTree) {
                withContext("request", keep: .onError, pipeline: pipeline) { _ in
                    for n in 0..<perTree { body(tree + n) }
                }
            }
        }
    }
}
