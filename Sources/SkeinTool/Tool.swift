/// The tool: finds the verb, runs it, and makes of failures a line and an exit code.
enum Tool {
    private static var verbs: [(name: String, verb: any Verb.Type)] {
        [
            ("view", ViewVerb.self), ("ctl", ControlVerb.self), ("archive", ArchiveVerb.self),
            ("journal", JournalVerb.self), ("keygen", KeygenVerb.self), ("ingest", IngestVerb.self),
        ]
    }

    /// - Parameter arguments: without the program's name.
    /// - Returns: the exit code.
    static func run(_ arguments: [String], _ console: Console) -> Int32 {
        do throws(ToolFailure) {
            let code = try dispatch(Invocation(arguments), console)
            try console.output.flush()
            return code
        } catch {
            // What was shown until then stays shown.
            if error != .outputClosed { try? console.output.flush() }
            switch error {
            case .usage(let reason):
                console.complain("skein: " + reason)
                return ExitCode.wrongUse
            case .failed(let reason):
                console.complain("skein: " + reason)
                return ExitCode.nothing
            case .outputClosed:
                return ExitCode.done
            }
        }
    }

    private static func dispatch(_ invocation: Invocation, _ console: Console) throws(ToolFailure) -> Int32 {
        guard let name = invocation.verb else { return try withoutVerb(invocation.arguments, console) }
        guard let verb = verbs.first(where: { $0.name == name })?.verb else {
            throw .usage(
                "no verb \(SafeText.of(name)): it is one of \(verbs.map(\.name).joined(separator: ", "));"
                    + " see skein --help")
        }
        return try verb.run(invocation.arguments, console)
    }

    private static func withoutVerb(_ arguments: [String], _ console: Console) throws(ToolFailure) -> Int32 {
        let isVersion = arguments.contains { $0 == "--version" || $0 == "-V" }
        let isHelp = arguments.contains { $0 == "--help" || $0 == "-h" }
        if isVersion {
            try console.output.writeLine(Help.version)
        } else if isHelp {
            try console.output.writeLine(Help.tool)
        } else if let unknown = arguments.first(where: { $0 != "-H" && $0.hasPrefix("-") }) {
            throw .usage("unknown option \(SafeText.of(unknown)) before the verb; see skein --help")
        } else {
            throw .usage("a verb is missing: \(verbs.map(\.name).joined(separator: ", ")); see skein --help")
        }
        return ExitCode.done
    }
}
