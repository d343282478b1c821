import SkeinCollector
import SkeinPlatform

/// `skeind`: a ``Collector`` with flags, signals and one line at its start.
enum Daemon {
    private enum Exit {
        static let done: Int32 = 0
        /// The machine does not give what was asked for: a port, a folder.
        static let failure: Int32 = 1
        /// What was asked for cannot be meant: a flag, a value.
        static let wrongUse: Int32 = 2
    }

    /// What this program starts itself with for a library (``ProcessorHost``).
    static let hostFlag = "--processor-host"

    static var processorHost: [String] { [ProgramPath.current, hostFlag] }

    /// Runs until a signal or a request ends it.
    /// - Returns: the exit code.
    static func run(_ arguments: [String]) -> Int32 {
        let sources: ConfigurationSources
        let loaded: ConfigurationSources.Loaded
        do throws(ConfigurationMistake) {
            sources = try ConfigurationSources(
                arguments: arguments, environment: ProcessEnvironment.variables(prefix: "SKEIND_"))
            switch sources.command {
            case .help: return print(HelpText.help)
            case .version: return print("skeind \(Collector.version)\n")
            case .run, .checkConfiguration: break
            }
            loaded = try sources.load(
                filters: RuleCondition.compile, processorHost: processorHost)
        } catch {
            say("\(error)")
            return Exit.wrongUse
        }
        for note in loaded.notes { say("warning: \(note)") }
        if sources.command == .checkConfiguration { return print(loaded.text) }
        return serve(sources, loaded.configuration)
    }

    private static func serve(_ sources: ConfigurationSources, _ configuration: CollectorConfiguration)
        -> Int32
    {
        // Before the first thread, so that all of them leave these signals to this one.
        let signals = Signals([SIGTERM, SIGINT, SIGHUP])
        let reloader = Reloader(sources)
        let requests = Collector.Requests(
            reload: { try reloader.reload() }, shutdown: { kill(getpid(), SIGTERM) })
        let collector: Collector
        do {
            collector = try Collector(
                configuration, log: .standardError(isVerbose: configuration.isVerbose), requests: requests,
                filters: RuleCondition.compile)
        } catch {
            say("\(error)")
            return Exit.wrongUse
        }
        do {
            try collector.start()
        } catch {
            say("\(error)")
            return Exit.failure
        }
        reloader.collector = collector
        _ = print(StartLine.text(collector.ports, configuration) + "\n")
        while true {
            switch signals.wait() {
            case SIGHUP:
                do {
                    try reloader.reload()
                    say("the configuration was read again")
                } catch {
                    say("warning: the configuration stays as it was: \(error)")
                }
            default:
                // A second one does not wait.
                signals.restoreDefaults()
                collector.stop()
                return Exit.done
            }
        }
    }

    private static func say(_ line: String) {
        StandardError.writeLine("skeind: \(line)")
    }

    private static func print(_ text: String) -> Int32 {
        let bytes = Array(text.utf8)
        let count = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        return count == bytes.count ? Exit.done : Exit.failure
    }
}
