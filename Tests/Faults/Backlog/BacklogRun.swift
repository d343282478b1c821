import Skein
import SkeinArchive
import SkeinBSON
import SkeinPlatform

/// What a long absence of the master costs the collector that forwards to it: memory after a restart, and time until it is
/// ready. And whether every event arrives all the same, once.
struct BacklogRun {
    private let options: BacklogOptions
    private let signals: Signals
    private let folder: Folder
    private let collectors: CollectorPair
    /// As promised: at most this many times what it takes while everything is well.
    private static let allowed = 1.2

    init(_ options: BacklogOptions, _ signals: Signals) throws {
        self.options = options
        self.signals = signals
        for name in ProcessEnvironment.variables(prefix: "SKEIN").keys { unsetenv(name) }
        folder = try Folder(named: options.folder, prefix: "skein-backlog")
        // The backlog must fit, whatever it becomes on its way.
        let budget = max(4_096, options.megabytes * 4)
        collectors = try CollectorPair(
            skeind: options.skeind, folder: folder.path, seed: KernelRandom.word(),
            settings: "journal-budget: \(budget)MiB\n")
    }

    /// - Returns: whether everything was as promised.
    func run() throws -> Bool {
        Output.line("a backlog of \(options.megabytes) MiB, in \(folder.path)")
        defer { for collector in [collectors.local, collectors.master] { try? collector.kill() } }
        try collectors.start(collectors.master)
        try collectors.start(collectors.local)
        try collectors.local.waitUntilItSays("ready", within: 60)
        try collectors.master.waitUntilItSays("ready", within: 60)
        var load = try Load(endpoint: collectors.endpoint)

        // What it takes in life: load, and a short absence of the master, which it catches up with at full speed.
        let warmUp = max(128, options.megabytes / 8)
        try load.write(megabytes: warmUp, isOver: { signals.isPending })
        try collectors.master.kill()
        try load.write(megabytes: warmUp, isOver: { signals.isPending })
        try collectors.start(collectors.master)
        try collectors.flush(within: .seconds(300))
        guard let steady = ResidentMemory.peak(of: processID) else { throw FaultsError("no memory is told") }

        try collectors.master.kill()
        try load.write(megabytes: options.megabytes, isOver: { signals.isPending })
        let isFlushed = load.end()
        guard isFlushed else { throw FaultsError("the collector has not taken the backlog") }

        // Killed, not ended: that is the harder start.
        try collectors.local.kill()
        let start = SystemClock.monotonicNanoseconds()
        try collectors.start(collectors.local)
        try collectors.local.waitUntilItSays("ready", timesBefore: 1, within: 120)
        let ready = Double(SystemClock.monotonicNanoseconds() - start) / 1e9
        try collectors.start(collectors.master)
        try collectors.flush(within: .seconds(900))
        let drained = Double(SystemClock.monotonicNanoseconds() - start) / 1e9
        guard let after = ResidentMemory.peak(of: processID) else { throw FaultsError("no memory is told") }

        let ratio = Double(after) / Double(steady)
        let gibibytes = Double(options.megabytes) / 1024
        Output.line(
            "memory: \(steady / 1024) MiB steady, \(after / 1024) MiB after the restart: \(Self.hundredths(ratio)) times it"
        )
        Output.line(
            "ready \(Int(ready * 1000)) ms after the restart, \(Int(ready * 1000 / gibibytes)) ms for each GiB; "
                + "all forwarded after \(Int(drained)) s")
        var isAsPromised = try check(load.count)
        if ratio > Self.allowed {
            Output.line("VIOLATION: more than \(Self.allowed) times")
            isAsPromised = false
        }
        if isAsPromised {
            for collector in [collectors.local, collectors.master] { try collector.kill() }
            folder.remove()
        }
        return isAsPromised
    }

    private static func hundredths(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }

    private var processID: Int32? { collectors.local.process?.processID }

    /// Every number once, in both collectors' files.
    private func check(_ count: Int) throws -> Bool {
        var isAsPromised = true
        for collector in [collectors.local, collectors.master] {
            var times = [UInt8](repeating: 0, count: count)
            for file in try ArchiveListing.files(logPath: collectors.filesFolder(collector)) {
                let reader = try file.open()
                while let event = try reader.next() {
                    guard let number = event.find(path: "body.number")?.integer,
                        times.indices.contains(Int(number))
                    else { continue }
                    times[Int(number)] = min(times[Int(number)], 8) + 1
                }
            }
            let (lost, twice) = (times.count { $0 == 0 }, times.count { $0 > 1 })
            Output.line("\(collector.name): of \(count) events \(lost) lost, \(twice) twice")
            if lost + twice > 0 {
                Output.line("VIOLATION: each must be there once; evidence in \(folder.path)")
                isAsPromised = false
            }
        }
        return isAsPromised
    }
}

/// An app that writes numbered events of about 2 KiB, and waits when its collector cannot keep up.
private struct Load {
    private let pipeline: EventPipeline
    private(set) var count = 0
    private let text = String(repeating: "x", count: 1_800)
    private static let bytes = 2_048

    init(endpoint: String) throws {
        var configuration = EventPipeline.Configuration(endpoint: endpoint, service: "backlog")
        configuration.shards = 1
        pipeline = try EventPipeline(configuration)
    }

    mutating func write(megabytes: Int, isOver: () -> Bool) throws {
        let end = count + megabytes * (1 << 20) / Self.bytes
        while count < end {
            for _ in 0..<256 {
                pipeline.withContext("backlog") { context in
                    context["number"] = count
                    context["text"] = text
                }
                count += 1
            }
            while pipeline.statistics.inFlight > 32_768 {
                guard !isOver() else { throw FaultsError("asked to end") }
                usleep(2_000)
            }
        }
    }

    /// - Returns: whether everything was acknowledged.
    func end() -> Bool {
        let outcome = Monitor<Bool?>(nil)
        Task { [pipeline] in
            let isFlushed = await pipeline.flush(timeout: .seconds(120))
            let isWhole = pipeline.statistics.dropped.isEmpty
            await pipeline.shutdown()
            outcome.update { $0 = isFlushed && isWhole }
        }
        return outcome.wait(until: Deadline.after(seconds: 150)) { $0 } ?? false
    }
}
