extension OutletConfiguration {
    /// Settings of an outlet that is a program, `kind: exec`.
    public struct Exec: Sendable, Hashable {
        /// What a program gets on standard input.
        public enum Input: String, Sendable, Hashable, CaseIterable {
            /// The events, one behind the other.
            case events
            /// `{stream, number, arrival, event}` for each.
            case records
        }

        /// The program and its arguments; a name without a slash is searched in `PATH`.
        public var command: [String]
        /// What it gets.
        public var input = Input.events
        /// Whether an event is taken when the program says so; else when it has read it.
        public var isAcknowledged = false
        /// What holds for programs and libraries.
        public var limits = ProcessLimits()
        /// Variables over those it inherits.
        public var environment: [String: String] = [:]

        /// The defaults, for that program.
        public init(command: [String]) {
            self.command = command
        }
    }

    /// Settings of an outlet that is a shared library, `kind: library`.
    public struct Library: Sendable, Hashable {
        /// The library's file.
        public var path: String
        /// Handed over to its `open`, by name.
        public var options: [String: String] = [:]
        /// What holds for programs and libraries.
        public var limits = ProcessLimits()

        /// The defaults, for that library.
        public init(path: String) {
            self.path = path
        }
    }

    /// Settings of an outlet that is an ``EventProcessor``.
    public struct Processor: Sendable, Hashable {
        /// The word that its maker is registered under.
        public var kind: String
        /// Handed over to the maker.
        public var options: [String: String] = [:]
        /// The most events of a batch.
        public var batch = 1000

        /// The defaults, for that kind.
        public init(kind: String) {
            self.kind = kind
        }
    }

    /// What a process that is fed events may have and do.
    public struct ProcessLimits: Sendable, Hashable {
        /// Whether documents that it writes are taken back as events.
        public var takesAnswers = false
        /// Answers a second that are taken back, 1 to 1,000,000.
        public var answerRate = 1000
        /// The most events that it may have and not have taken, 1 to 100,000.
        public var batch = 1000
        /// How long it may get no further while it has something to do, 100 ms to 1 h.
        public var timeout: Duration = .seconds(60)

        /// The defaults.
        public init() {}

        static let batches = 1...100_000
        static let answerRates = 1...1_000_000
        static let timeouts: ClosedRange<Duration> = .milliseconds(100) ... .seconds(3600)
    }
}

extension CollectorConfiguration {
    func check(
        _ exec: OutletConfiguration.Exec, _ name: String, _ place: ConfigurationMistake.Place
    ) throws(ConfigurationMistake) {
        guard let program = exec.command.first, !program.isEmpty else {
            throw ConfigurationMistake(place, "\(name) has no command; expected command: [PROGRAM, …]")
        }
        // A NUL would cut a text for the system's calls.
        let texts = exec.command + exec.environment.flatMap { [$0.key, $0.value] }
        guard !texts.contains(where: { $0.utf8.contains(0) }) else {
            throw ConfigurationMistake(place, "\(name): a NUL in command or environment")
        }
        if let key = exec.environment.keys.first(where: { $0.isEmpty || $0.contains("=") }) {
            throw ConfigurationMistake(place, "\(name): \"\(key)\" is no name of a variable")
        }
        try check(exec.limits, name, place)
    }

    func check(
        _ library: OutletConfiguration.Library, _ name: String, _ place: ConfigurationMistake.Place
    ) throws(ConfigurationMistake) {
        guard !library.path.isEmpty else {
            throw ConfigurationMistake(place, "\(name) has no path; expected path: FILE")
        }
        let texts = [library.path] + library.options.flatMap { [$0.key, $0.value] }
        guard !texts.contains(where: { $0.utf8.contains(0) }) else {
            throw ConfigurationMistake(place, "\(name): a NUL in path or options")
        }
        if let key = library.options.keys.first(where: { $0.isEmpty || $0.contains("=") }) {
            throw ConfigurationMistake(place, "\(name): \"\(key)\" is no name of an option")
        }
        guard !processorHost.isEmpty else {
            throw ConfigurationMistake(
                place, "\(name): this program has no process to load libraries in; expected processorHost")
        }
        try check(library.limits, name, place)
    }

    private func check(
        _ limits: OutletConfiguration.ProcessLimits, _ name: String, _ place: ConfigurationMistake.Place
    ) throws(ConfigurationMistake) {
        typealias Limits = OutletConfiguration.ProcessLimits
        guard Limits.batches.contains(limits.batch) else {
            throw ConfigurationMistake(place, "\(name): batch: \(limits.batch); expected 1 to 100,000")
        }
        guard Limits.answerRates.contains(limits.answerRate) else {
            throw ConfigurationMistake(
                place, "\(name): answer-rate: \(limits.answerRate); expected 1 to 1,000,000")
        }
        guard Limits.timeouts.contains(limits.timeout) else {
            throw ConfigurationMistake(place, "\(name): timeout: expected 100ms to 1h")
        }
    }
}
