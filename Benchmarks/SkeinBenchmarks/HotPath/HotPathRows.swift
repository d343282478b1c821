import Skein

/// What a context costs, as ratios to libbson in C, which only builds the same document.
enum HotPathRows {
    static let peer = "libbson in C, building the document"

    static let loops: [(name: String, goal: Row.Goal, run: @Sendable (Int) -> Int64)] = [
        ("recorded, five fields and a timing", .ratioAtMost(0.45), Loops.recorded),
        ("recorded, async", .ratioAtMost(0.65), Loops.recordedAsync),
        ("recorded, through Context.current", .ratioAtMost(0.75), Loops.recordedThroughCurrent),
        ("recorded, a child in a recorded parent", .none, Loops.child),
        ("recorded, no fields", .none, Loops.empty),
        ("sampled out", .atMost(55), Loops.sampledOut),
        ("sampled out, async", .atMost(100), Loops.sampledOutAsync),
    ]

    /// Before any pipeline exists in the process.
    static func notConfigured(_ measurement: Measurement) -> [Row] {
        let figures = measurement.nanoseconds([Loops.libbson, Loops.recorded])
        return [
            Row(
                name: "not configured, all calls", ours: figures[1], peer: (peer, figures[0]),
                goal: .atMost(3)
            )
        ]
    }

    static func configured(_ measurement: Measurement) -> [Row] {
        // What one thread does by itself comes first: where several append to a shard, all of them lock it.
        let rows = rows(measurement, loops.filter { !$0.name.contains("async") })
        return rows + [
            Row(
                name: "the child against its parent", ours: rows[2].ours,
                peer: ("the same, as a root", rows[0].ours), goal: .ratioAtMost(1))
        ] + self.rows(measurement, loops.filter { $0.name.contains("async") })
    }

    private static func rows(
        _ measurement: Measurement, _ loops: [(name: String, goal: Row.Goal, run: @Sendable (Int) -> Int64)]
    ) -> [Row] {
        let figures = measurement.nanoseconds([Loops.libbson] + loops.map(\.run))
        return zip(loops, figures.dropFirst()).map { loop, ours in
            Row(name: loop.name, ours: ours, peer: (peer, figures[0]), goal: loop.goal)
        }
    }

    /// A spool folder against anonymous memory.
    static func spool(_ measurement: Measurement) throws -> [Row] {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let memory = try EventPipeline(.init(endpoint: "file:///dev/null", service: "checkout"))
        let spool = try EventPipeline(
            .init(endpoint: "file:///dev/null", service: "checkout", spool: folder.path))
        let figures = measurement.nanoseconds([
            Loops.recorded(into: memory), Loops.recorded(into: spool),
        ])
        Loops.inTask {
            await memory.shutdown()
            await spool.shutdown()
        }
        return [
            Row(
                name: "recorded, with a spool folder", ours: figures[1],
                peer: ("the same, in anonymous memory", figures[0]), goal: .ratioAtMost(1.1))
        ]
    }
}
