import SkeinHTTP
import SkeinPlatform
import Synchronization

/// The whole demo: a collector, two services and a crowd of customers; then what the collector has of it.
final class DemoRun {
    private let options: RunOptions
    private let signals: StopSignals
    private let household = Household()
    private let start = Double(SystemClock.wallNanoseconds()) / 1e9

    init(_ options: RunOptions, signals: StopSignals) {
        self.options = options
        self.signals = signals
    }

    /// Runs it to its end, and ends what it started, whatever happens.
    func run() throws {
        do {
            try perform()
        } catch {
            _ = household.endAll()
            throw error
        }
        let bad = household.endAll()
        guard bad.isEmpty else {
            throw DemoError.failed("not everything ended well: " + bad.joined(separator: "; "))
        }
    }

    private func perform() throws {
        try makeFolder(options.data)
        let ports = try startCollector()
        let own = RunOptions.ownPath
        let common = ["--endpoint", ports.deliver, "--until-stdin-closes"]
        let catalogue = try household.start(
            "catalogue", path: own,
            ["catalogue", "--listen", options.catalogue, "--status-file", options.statusFile]
                + [
                    "--database", options.data + "/catalogue.db", "--spool",
                    options.data + "/spool/catalogue",
                ] + common,
            isReady: announce)
        let storefront = try household.start(
            "storefront", path: own,
            ["storefront", "--listen", options.storefront, "--catalogue", catalogue]
                + ["--spool", options.data + "/spool/storefront"] + common, isReady: announce)

        let driver = Driver(url: storefront)
        let names = try driver.discoverNames()
        Output.line()
        Output.line(
            "\(options.requests) requests, \(options.threads) at a time, about \(names.count) packages …")
        let result = try driver.drive(
            requests: options.requests, threads: options.threads,
            traffic: Traffic(names: names, seed: options.seed), isStopped: { [signals] in signals.isPending },
            progress: { [total = options.requests] done in
                if isatty(STDERR_FILENO) == 1 { StandardError.writeLine("  \(done) of \(total)") }
            })
        for line in result.table.lines() { Output.line(line) }
        for example in result.examples { Output.line("  unexpected: \(example)") }

        try flush([storefront, catalogue], control: ports.control)
        let stored = try report(ports, result)
        guard result.surprises == 0 else {
            throw DemoError.failed("\(result.surprises) requests were not answered as expected")
        }
        guard stored else { throw DemoError.failed("not every request that was sent is stored") }
        guard Output.isTerminal, !signals.isPending else { return }
        stay(storefront, ports, driver, names)
    }

    // MARK: Starting

    private func startCollector() throws -> CollectorPorts {
        guard let skeind = options.skeind else {
            var ports = CollectorPorts(startLine: "control \(options.control) deliver 127.0.0.1:0")
            ports?.deliver = options.endpoint
            guard let ports else {
                throw DemoError.usage("--control is \"\(options.control)\"; HOST:PORT is accepted")
            }
            return ports
        }
        var arguments = ["--data", options.data, "--log-path", options.logPath]
        for (name, port) in RunOptions.collectorPorts {
            let address = options.listen[name] ?? "127.0.0.1:\(isFree(port, name) ? port : 0)"
            arguments += ["--" + name, address]
        }
        if let stream = options.listen["stream"] { arguments += ["--stream", stream] }
        return try household.start("skeind", path: skeind, arguments) { line in
            guard let ports = CollectorPorts(startLine: line) else { return nil }
            Output.line(line)
            return ports
        }
    }

    /// Whether nobody listens there. Somebody's own collector on the usual port is no reason to fail.
    private func isFree(_ port: UInt16, _ name: String) -> Bool {
        guard let socket = try? ListeningSocket(host: "127.0.0.1", port: port) else {
            Output.line("port \(port) is taken: \(name) gets a free one")
            return false
        }
        close(socket.descriptor)
        return true
    }

    private func announce(_ line: String) -> String? {
        guard let url = line.split(separator: " ").first(where: { $0.hasPrefix("http://") }) else {
            return nil
        }
        Output.line(line)
        return String(url)
    }

    private func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o755) != 0, errno != EEXIST else { return }
        throw DemoError.failed("cannot make the folder \(path): \(SystemError.current)")
    }

    // MARK: What happened

    /// Brings everything recorded so far into the files: out of the services, then through the collector.
    private func flush(_ services: [String], control: String) throws {
        let client = HTTPClient()
        for service in services {
            do {
                let answer = try client.send("POST", url: service + "/flush", time: .seconds(20))
                guard answer.status == 200 else {
                    throw DemoError.failed("\(service)/flush answered \(answer.status): \(answer.text)")
                }
            } catch let error as HTTPError {
                throw DemoError.failed(error.description)
            }
        }
        try tool(["ctl", "flush", "-H", control])
    }

    /// - Returns: whether each request is there as a tree of its own.
    private func report(_ ports: CollectorPorts, _ result: DriveResult) throws -> Bool {
        let stored = try StoredEvents(tool: options.skein, logPath: options.logPath, since: start)
        // The searches by which the driver learnt names are requests, too.
        let sent = result.count + Driver.discoverySearches
        let roots = stored.roots.count
        Output.line()
        for (title, event) in [("A slow request", stored.slow), ("A failing request", stored.failing)] {
            guard let event else { continue }
            Output.line("\(title): \(event.path), \(Milliseconds.text(event.seconds)), id \(event.id)")
            // The tool ends a tree with an empty line.
            try tool(
                ["view", "--tree", "--id", event.id]
                    + StoredEvents.selection(logPath: options.logPath, since: start))
        }
        Output.line("Stored events by type")
        for line in stored.typeTable.lines() { Output.line(line) }
        Output.line("\nRequests from outside by outcome: \(roots) stored of \(sent) sent")
        for line in stored.outcomeTable.lines() { Output.line(line) }
        let shown = RunOptions.shown(options.skein)
        Output.line("\nWhere")
        Output.line("  files    \(options.logPath)/<day>/<type>-<day>.bson")
        Output.line("           \(shown) view --log-path \(options.logPath) --type-name 'request*' --tree")
        Output.line("  stream   \(ports.stream ?? "told by control")")
        Output.line("           \(shown) view -H \(ports.control) --type-name 'request*'")
        Output.line("  control  \(ports.control)")
        Output.line("           \(shown) ctl status -H \(ports.control)")
        return roots == sent
    }

    /// Runs the tool; what it prints goes where ours goes, so that it sees the terminal.
    private func tool(_ arguments: [String]) throws {
        let shown = "skein " + arguments.joined(separator: " ")
        let process: ChildProcess
        do {
            process = try ChildProcess(path: options.skein, arguments: arguments)
        } catch {
            throw DemoError.failed("cannot start \(options.skein): \(error)")
        }
        defer { process.end(grace: .seconds(1)) }
        guard let end = process.wait(until: SystemClock.monotonicNanoseconds() + 60_000_000_000) else {
            throw DemoError.failed("`\(shown)` took longer than a minute")
        }
        guard end == .exited(0) else { throw DemoError.failed("`\(shown)` \(end)") }
    }

    // MARK: Staying

    /// Until Ctrl-C, with a customer now and then, so that the live stream has something to show.
    private func stay(_ storefront: String, _ ports: CollectorPorts, _ driver: Driver, _ names: [String]) {
        Output.line("\nRunning until Ctrl-C, with two requests a second. Try:")
        Output.line("  curl '\(storefront)/search?q=compression'")
        Output.line("  curl '\(storefront)/depends/\(names[names.count / 2])?depth=5'")
        Output.line(
            "  \(RunOptions.shown(options.skein)) view -H \(ports.control) --type-name 'request*' --tree")
        let isOver = Monitor(false)
        let customer = try? SystemThread(name: "trickle") { [seed = options.seed] in
            var traffic = Traffic(names: names, seed: seed &+ 1)
            while true {
                let next = SystemClock.monotonicNanoseconds() + 500_000_000
                if isOver.wait(until: next, { $0 ? () : nil }) != nil { return }
                driver.send(traffic.next())
            }
        }
        signals.wait()
        Output.line("\nEnding …")
        isOver.update { $0 = true }
        customer?.join()
    }
}
