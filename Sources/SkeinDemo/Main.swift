import Skein
import SkeinPlatform

/// `skein-demo`: two services in two processes, a driver, and a command that runs it all.
@main
struct Main {
    // Not async: signals have to be blocked on the main thread, before there is any other.
    static func main() {
        let signals = StopSignals()
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            try run(arguments, signals)
        } catch let error as DemoError {
            StandardError.writeLine("skein-demo: \(error)")
            exit(error.exitStatus)
        } catch let error as CommandLineOptions.Mistake {
            StandardError.writeLine("skein-demo: \(error); skein-demo --help lists what there is")
            exit(2)
        } catch let error as EventConfigurationError {
            StandardError.writeLine("skein-demo: \(error)")
            exit(2)
        } catch {
            StandardError.writeLine("skein-demo: \(error)")
            exit(1)
        }
    }

    private static func run(_ arguments: [String], _ signals: StopSignals) throws {
        guard let command = arguments.first else {
            throw DemoError.usage("a command is missing; skein-demo --help lists them")
        }
        let rest = Array(arguments.dropFirst())
        switch command {
        case "catalogue":
            guard
                let line = try parse(
                    rest, ServiceOptions.options + [.init("status-file"), .init("database")])
            else { return }
            try catalogue(line, signals)
        case "storefront":
            guard let line = try parse(rest, ServiceOptions.options + [.init("catalogue")]) else { return }
            try storefront(line, signals)
        case "drive":
            let options: [CommandLineOptions.Option] = [
                .init("url"), .init("requests", "n"), .init("threads"), .init("seed"),
                .init("help", "h", takesValue: false),
            ]
            guard let line = try parse(rest, options) else { return }
            try drive(line, signals)
        case "run":
            guard let line = try parse(rest, RunOptions.options) else { return }
            try DemoRun(RunOptions(line), signals: signals).run()
        case "help", "--help", "-h": Output.write(Help.text)
        case "--version", "-V": Output.line("skein-demo \(SkeinVersion.current)")
        default: throw DemoError.usage("no command \"\(command)\"; skein-demo --help lists what there is")
        }
    }

    /// Nil if help was asked for, and has been given.
    private static func parse(
        _ arguments: [String], _ options: [CommandLineOptions.Option]
    ) throws -> CommandLineOptions? {
        let line = try CommandLineOptions(arguments, options: options)
        if line.last("help") != nil {
            Output.write(Help.text)
            return nil
        }
        if let operand = line.operands.first { throw DemoError.usage("\"\(operand)\" is no option") }
        return line
    }

    private static func catalogue(_ line: CommandLineOptions, _ signals: StopSignals) throws {
        let options = try ServiceOptions(line, service: "catalogue")
        let statusFile = line.last("status-file") ?? "/var/lib/dpkg/status"
        let scratch = line.last("database") == nil ? try ScratchFolder() : nil
        let database = line.last("database") ?? (scratch?.path ?? ".") + "/catalogue.db"
        try withExtendedLifetime(scratch) {
            try ServiceRunner.run(options, name: "catalogue", signals: signals) {
                let service = CatalogueService(
                    database: try CatalogueDatabase(path: database, statusFile: statusFile))
                return ({ service.answer($0) }, "\(service.database.packages) packages")
            }
        }
    }

    private static func storefront(_ line: CommandLineOptions, _ signals: StopSignals) throws {
        let options = try ServiceOptions(line, service: "storefront")
        guard var url = line.last("catalogue") else {
            throw DemoError.usage(
                "--catalogue URL is missing: where the catalogue listens, for instance http://127.0.0.1:8081")
        }
        while url.hasSuffix("/") { url.removeLast() }
        guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
            throw DemoError.usage("--catalogue is \"\(url)\"; http://HOST:PORT is accepted")
        }
        let service = StorefrontService(catalogue: CatalogueClient(url: url))
        try ServiceRunner.run(options, name: "storefront", signals: signals) {
            ({ service.answer($0) }, "asks \(url)")
        }
    }

    private static func drive(_ line: CommandLineOptions, _ signals: StopSignals) throws {
        guard var url = line.last("url") else {
            throw DemoError.usage(
                "--url is missing: where the storefront listens, for instance http://127.0.0.1:8080")
        }
        while url.hasSuffix("/") { url.removeLast() }
        let driver = Driver(url: url)
        let names = try driver.discoverNames()
        let seed = UInt64(try RunOptions.number(line, "seed", 0...Int.max, 1))
        let result = try driver.drive(
            requests: RunOptions.number(line, "requests", 1...1_000_000, 3_000),
            threads: RunOptions.number(line, "threads", 1...64, 4),
            traffic: Traffic(names: names, seed: seed),
            isStopped: { signals.isPending }, progress: { _ in })
        for line in result.table.lines(indent: "") { Output.line(line) }
        for example in result.examples { Output.line("unexpected: \(example)") }
        guard result.surprises == 0 else {
            throw DemoError.failed("\(result.surprises) requests were not answered as expected")
        }
    }
}
