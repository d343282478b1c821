import SkeinPlatform

/// One campaign: kills under load, then quiet, then the count.
struct KillRun {
    private let options: KillOptions
    private let signals: Signals
    private let folder: Folder
    private let house: House
    private let started = SystemClock.monotonicNanoseconds()

    init(_ options: KillOptions, _ signals: Signals) throws {
        self.options = options
        self.signals = signals
        folder = try Folder(named: options.folder, prefix: "skein-faults-\(options.seed)")
        house = try House(options, folder: folder.path)
        // What holds for this machine's programs is none of the programs' under test.
        for name in ProcessEnvironment.variables(prefix: "SKEIN").keys { unsetenv(name) }
    }

    /// - Returns: whether everything was as promised.
    func run() throws -> Bool {
        say("seed \(options.seed): \(options.kills) kills, evidence in \(folder.path)")
        var findings = Findings()
        defer { for program in house.all { try? program.kill() } }
        do {
            let seconds = try killThem(&findings)
            if findings.isEmpty { try settle(&findings) }
            if findings.isEmpty { try count(&findings, seconds) }
        } catch {
            findings.add("\(error)")
        }
        for finding in findings.lines { say(finding) }
        let isFaultless = findings.isEmpty
        if isFaultless, !options.isKept {
            for program in house.all { try program.kill() }
            folder.remove()
        }
        say(
            isFaultless
                ? "nothing lost, nothing twice" : "FAILED (seed \(options.seed)); evidence in \(folder.path)")
        return isFaultless
    }

    private func say(_ text: String) {
        Output.line(text)
    }

    private var isOver: Bool {
        signals.isPending || SystemClock.monotonicNanoseconds() > started + options.limit * 1_000_000_000
    }

    // MARK: Killing

    /// - Returns: how long it took, seconds.
    private func killThem(_ findings: inout Findings) throws -> Double {
        let log = try KillLog(folder.path + "/kills.log", started: started)
        var plan = KillPlan(seed: options.seed, pace: options.pace)
        var due = house.all.map { ($0, at: started) }
        var nextKill = started + 500_000_000
        var killed = 0
        var told = 0
        while killed < options.kills {
            guard !isOver else {
                throw FaultsError(
                    signals.isPending
                        ? "asked to end after \(killed) kills"
                        : "\(killed) of \(options.kills) kills in \(options.limit) s")
            }
            let now = SystemClock.monotonicNanoseconds()
            for (program, at) in due where at <= now {
                try house.start(program)
                log.write("start \(program.name)\(processID(program))")
            }
            due.removeAll { $0.at <= now }
            lookAfter(&findings)
            guard findings.isEmpty else { break }
            if now >= nextKill {
                let running = house.all.filter(\.isRunning)
                for victim in plan.victims(among: running, isApp: house.isApp) {
                    log.write("kill \(victim.name)\(processID(victim))", isTold: options.isVerbose)
                    try victim.kill()
                    killed += 1
                    due.append(
                        (
                            victim,
                            at: SystemClock.monotonicNanoseconds() + plan.pause(ofApp: house.isApp(victim))
                        ))
                }
                nextKill = SystemClock.monotonicNanoseconds() + plan.untilNext()
            }
            if killed * 10 / max(1, options.kills) > told {
                told = killed * 10 / max(1, options.kills)
                say("\(killed) kills in \(elapsed) s")
            }
            let next = due.map(\.at).min().map { min($0, nextKill) } ?? nextKill
            let rest = min(next - SystemClock.monotonicNanoseconds(), 100_000_000)
            if rest > 0 { usleep(UInt32(rest / 1_000)) }
        }
        for (program, _) in due { try house.start(program) }
        return Double(SystemClock.monotonicNanoseconds() - started) / 1e9
    }

    private var elapsed: Int64 { (SystemClock.monotonicNanoseconds() - started) / 1_000_000_000 }

    private func processID(_ program: Program) -> String {
        program.process.map { " (\($0.processID))" } ?? ""
    }

    /// Nobody may end but by our hand.
    private func lookAfter(_ findings: inout Findings) {
        for program in house.all {
            guard let end = program.ownEnd() else { continue }
            findings.add(
                "\(program.name) \(end) by itself after \(elapsed) s; it said:\n\(program.lastWords)")
        }
    }

    // MARK: The end

    /// Ends the load, and has everything brought to where it belongs.
    private func settle(_ findings: inout Findings) throws {
        lookAfter(&findings)
        say("the load ends after \(elapsed) s")
        for app in house.apps { try finish(app) }
        // Nobody starts the app again: what its dead runs left is the collector's to bring home.
        let deadline = Deadline.after(seconds: 120)
        while case let left = Folder.names(in: house.spool), !left.isEmpty {
            guard SystemClock.monotonicNanoseconds() < deadline else {
                throw FaultsError(
                    "nobody has taken what is left in the spool: \(left.joined(separator: ", "))")
            }
            lookAfter(&findings)
            guard findings.isEmpty else { return }
            Deadline.pause(milliseconds: 20)
        }
        try house.collectors.flush()
        lookAfter(&findings)
    }

    /// Signals are taken from here on.
    private func awaitStart(_ app: Program) throws {
        guard let process = app.process else { return }
        try app.waitUntilItSays("process \(process.processID) goes", within: 60)
    }

    private func finish(_ app: Program) throws {
        try awaitStart(app)
        let end = app.finish(within: 90)
        guard end == .exited(0) else {
            throw FaultsError(
                "\(app.name) \(end?.description ?? "does not end"); it said:\n\(app.lastWords)")
        }
    }

    private func count(_ findings: inout Findings, _ seconds: Double) throws {
        var told = Told()
        for run in 0..<house.runs { try told.read(house.reportPath(run: run), run: run) }
        for collector in [house.collectors.local, house.collectors.master] {
            var stored = StoredEvents(told)
            try stored.read(house.collectors.filesFolder(collector))
            let counts = stored.compare(with: told, place: collector.name, &findings)
            say(
                "\(collector.name): \(counts.events) events in its files; lost \(counts.lost), twice \(counts.twice), "
                    + "abandoned \(counts.abandoned), deaths told \(counts.deaths) with \(counts.openAtDeath) open"
            )
            try Ledgers(house.collectors.status(collector), name: collector.name)
                .check(events: counts.events, &findings)
        }
        let kills = house.all.map { "\($0.name) \($0.kills)" }.joined(separator: ", ")
        say("kills: \(house.all.reduce(0) { $0 + $1.kills }) (\(kills)) in \(Int(seconds)) s")
        say(
            "contexts: \(told.begun) begun, \(told.closed) reported closed, \(told.open) open when their process died; "
                + "\(Int(Double(told.closed) / max(seconds, 1))) events/s")
    }
}

/// What is not as promised.
struct Findings {
    private(set) var lines: [String] = []
    var isEmpty: Bool { lines.isEmpty }

    mutating func add(_ line: String) {
        // Ten of a kind tell as much as a million.
        if lines.count < 100 { lines.append("VIOLATION: " + line) }
    }
}

/// A line for each start and kill, with its time.
struct KillLog {
    private let descriptor: Int32
    private let started: Int64

    init(_ path: String, started: Int64) throws {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FaultsError("cannot make \(path): \(SystemError.current)") }
        self.started = started
    }

    func write(_ text: String, isTold: Bool = false) {
        let milliseconds = (SystemClock.monotonicNanoseconds() - started) / 1_000_000
        let line = "\(milliseconds) ms: \(text)"
        if isTold { Output.line(line) }
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { SkeinPlatform.write(descriptor, $0.baseAddress, $0.count) }
    }
}
