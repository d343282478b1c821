import SkeinPlatform

/// Two runs of an app that share a spool, their collector, which adopts what dead ones leave in it, and its master, as
/// processes. Confined to one thread.
final class House {
    let collectors: CollectorPair
    let apps: [Program]
    var all: [Program] { apps + [collectors.local, collectors.master] }
    /// How many runs of the app there have been: each has a number, from 0.
    private(set) var runs = 0

    private let options: KillOptions
    private let folder: String

    /// Small segments and short intervals, so that a kill finds something of everything.
    private static let settings = """
        journal-segment: 4MiB
        journal-budget: 2GiB
        checkpoint-interval: 1s

        """

    init(_ options: KillOptions, folder: String) throws {
        self.options = options
        self.folder = folder
        collectors = try CollectorPair(
            skeind: options.skeind, folder: folder, seed: options.seed, settings: Self.settings,
            more: ["--spool", folder + "/spool"])
        for name in ["reports", "spool"] { try Folder.make(folder + "/" + name) }
        apps = ["app-a", "app-b"].map { Program($0, path: OwnPath.path, log: folder + "/\($0).log") }
    }

    var spool: String { folder + "/spool" }

    func reportPath(run: Int) -> String { "\(folder)/reports/\(run)" }

    func isApp(_ program: Program) -> Bool { apps.contains { $0 === program } }

    func start(_ program: Program) throws {
        guard program !== collectors.local, program !== collectors.master else {
            return try collectors.start(program)
        }
        let run = runs
        runs += 1
        try program.start([
            "app", "--endpoint", collectors.endpoint, "--spool", spool, "--run", "\(run)",
            "--reports", reportPath(run: run), "--seed", "\(options.seed)",
            "--rate", "\(options.rate)",
        ])
    }
}
