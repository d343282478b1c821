import SkeinPlatform

/// Where the daemon's configuration comes from: the command line, the environment, a YAML file, defaults; each
/// goes over those after it. Keeps the sources, so that the same can be read again on a reload.
public struct ConfigurationSources: Sendable {
    /// What the command line asks for.
    public enum Command: Sendable, Hashable {
        /// Collect, until told to stop.
        case run
        /// `--check-config`: print the configuration or its mistake, and start nothing.
        case checkConfiguration
        /// `--help`: print the flags.
        case help
        /// `--version`: print the version.
        case version
    }

    /// A configuration that was read.
    public struct Loaded: Sendable {
        /// What was read, checked.
        public let configuration: CollectorConfiguration
        /// The same as a YAML file, each line with where its value came from.
        public let text: String
        /// What is not wrong but worth a line: variables that nothing reads.
        public let notes: [String]
    }

    /// What the command line asks for.
    public let command: Command
    private let options: CommandLineOptions
    private let variables: [String: String]

    /// Reads the command line.
    /// - Parameters:
    ///   - arguments: without the program's name.
    ///   - environment: all of it; what begins with `SKEIND_` counts.
    /// - Throws: ``ConfigurationMistake`` that names an unknown or incomplete flag.
    public init(arguments: [String], environment: [String: String]) throws(ConfigurationMistake) {
        let flags = Setting.all.filter(\.isFlag).map {
            CommandLineOptions.Option($0.name, $0.letter, takesValue: !$0.isSwitch)
        }
        let others = ["check-config", "help", "version"].map {
            CommandLineOptions.Option($0, takesValue: false)
        }
        do {
            options = try CommandLineOptions(arguments, options: flags + others + [.init("config")])
        } catch {
            throw ConfigurationMistake(.commandLine, "\(error); see skeind --help")
        }
        if let operand = options.operands.first {
            throw ConfigurationMistake(.commandLine, "unexpected \"\(operand)\"; see skeind --help")
        }
        variables = environment.filter { $0.key.hasPrefix("SKEIND_") && !$0.value.isEmpty }
        command =
            if options.last("help") != nil {
                .help
            } else if options.last("version") != nil {
                .version
            } else if options.last("check-config") != nil {
                .checkConfiguration
            } else {
                .run
            }
    }

    /// Reads the file, lays variables and flags over it, and checks the whole, key files included.
    /// - Parameters:
    ///   - filters: compiles what stands behind `match:` in rules; nil: rules with `match:` are refused.
    ///   - processors: words of kinds of outlets that the program adds.
    ///   - processorHost: see ``CollectorConfiguration/processorHost``.
    /// - Throws: the first ``ConfigurationMistake``, with its place.
    public func load(
        filters: EventFilterCompiler? = nil, processors: Set<String> = [], processorHost: [String] = []
    ) throws(ConfigurationMistake) -> Loaded {
        var draft = ConfigurationDraft()
        draft.settings.processorHost = processorHost
        var notes: [String] = []
        if let path = options.last("config") {
            try ConfigurationFile(path: path, source: .flag("--config"), processors: processors)
                .apply(to: &draft)
        } else if let path = variables["SKEIND_CONFIG"] {
            try ConfigurationFile(path: path, source: .variable("SKEIND_CONFIG"), processors: processors)
                .apply(to: &draft)
        }
        try applyVariables(to: &draft, &notes)
        try applyFlags(to: &draft)
        let configuration = try draft.finished()
        try configuration.check(places: draft, filters: filters, processors: processors)
        _ = try RedactKey.load(configuration, places: draft)
        _ = try CurveSettings.load(configuration, places: draft)
        return Loaded(
            configuration: configuration, text: ConfigurationPrinter(draft, configuration).text, notes: notes)
    }

    private func applyVariables(
        to draft: inout ConfigurationDraft, _ notes: inout [String]
    ) throws(ConfigurationMistake) {
        for setting in Setting.all {
            guard let value = variables[setting.variable] else { continue }
            let values =
                setting.isList
                ? value.split { $0 == "," || $0 == " " }.map(String.init) : [value]
            do {
                try setting.apply(values, &draft)
            } catch {
                throw ConfigurationMistake(.variable(setting.variable), error.message)
            }
            draft.places[setting.name] = .variable(setting.variable)
        }
        let known = Set(Setting.all.map(\.variable) + ["SKEIND_CONFIG"])
        notes += variables.keys.filter { !known.contains($0) }.sorted().map {
            "nothing reads the variable \($0)"
        }
    }

    private func applyFlags(to draft: inout ConfigurationDraft) throws(ConfigurationMistake) {
        for setting in Setting.all where setting.isFlag {
            let values = options.all(setting.name)
            guard !values.isEmpty else { continue }
            do {
                try setting.apply(setting.isSwitch ? ["yes"] : values, &draft)
            } catch {
                throw ConfigurationMistake(.flag("--" + setting.name), error.message)
            }
            draft.places[setting.name] = .flag("--" + setting.name)
        }
    }
}
