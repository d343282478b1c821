/// A configuration as the YAML file that would make it, each setting with where it came from.
struct ConfigurationPrinter {
    let text: String

    init(_ draft: ConfigurationDraft, _ configuration: CollectorConfiguration) {
        var lines: [String] = []
        for setting in Setting.all {
            let values = setting.show(draft).map(Self.scalar)
            let value = setting.isList ? "[" + values.joined(separator: ", ") + "]" : values.joined()
            let origin = draft.places[setting.name].map { "\($0)" } ?? "default"
            lines.append(Self.padded("\(setting.key): \(value)") + "# \(origin)")
        }
        lines.append("outlets:")
        for outlet in configuration.outlets {
            lines.append("  \(outlet.name): { \(Self.entries(outlet).joined(separator: ", ")) }")
        }
        for entry in draft.outlets where entry.make == nil { lines.append("  \(entry.name): off") }
        if configuration.rules.isEmpty {
            lines.append("# rules: none, so that every event goes to every outlet")
        } else {
            lines.append("rules:")
            for rule in configuration.rules {
                lines.append(
                    Self.padded("  - { \(Self.entries(rule).joined(separator: ", ")) }") + "# \(rule.place)")
            }
        }
        if !configuration.ruleTests.isEmpty {
            lines.append("# tests: \(configuration.ruleTests.count), all passed")
        }
        text = lines.joined(separator: "\n") + "\n"
    }

    private static func entries(_ outlet: OutletConfiguration) -> [String] {
        var entries = ["kind: \(outlet.kind.word)", "from: \(outlet.from.rawValue)"]
        if outlet.kind != .stream {
            entries.append("overflow: \(outlet.overflow.rawValue)")
            if let bytes = outlet.backlogBudgetBytes {
                entries.append("backlog-budget: \(ByteSize.print(bytes))")
            }
        }
        switch outlet.kind {
        case .files(let files):
            entries += [
                "path: \(scalar(files.path))", "max-types: \(files.maximumTypes)",
                "file-idle: \(TimeSpan.print(files.idle))",
                "checkpoint-interval: \(TimeSpan.print(files.checkpointInterval))",
                "checkpoint-bytes: \(ByteSize.print(files.checkpointBytes))",
            ]
        case .stream: break
        case .forward(let forward):
            entries.append("endpoint: \(scalar(forward.endpoint))")
            if let key = forward.key { entries.append("key: \(scalar(key))") }
        case .exec(let exec):
            entries += [
                "command: [\(exec.command.map(scalar).joined(separator: ", "))]",
                "input: \(exec.input.rawValue)", "acknowledge: \(exec.isAcknowledged ? "yes" : "no")",
            ]
            entries += limits(exec.limits)
            if !exec.environment.isEmpty { entries.append("environment: \(mapping(exec.environment))") }
        case .library(let library):
            entries.append("path: \(scalar(library.path))")
            entries += limits(library.limits)
            if !library.options.isEmpty { entries.append("options: \(mapping(library.options))") }
        case .processor(let processor):
            entries.append("batch: \(processor.batch)")
            if !processor.options.isEmpty { entries.append("options: \(mapping(processor.options))") }
        }
        return entries
    }

    private static func limits(_ limits: OutletConfiguration.ProcessLimits) -> [String] {
        [
            "answers: \(limits.takesAnswers ? "events" : "none")", "answer-rate: \(limits.answerRate)",
            "batch: \(limits.batch)", "timeout: \(TimeSpan.print(limits.timeout))",
        ]
    }

    private static func mapping(_ texts: [String: String]) -> String {
        let entries = texts.sorted { $0.key < $1.key }.map { "\(scalar($0.key)): \(scalar($0.value))" }
        return "{ \(entries.joined(separator: ", ")) }"
    }

    private static func padded(_ text: String) -> String {
        text + String(repeating: " ", count: max(1, 44 - text.count))
    }

    /// A scalar that reads as the same text: quoted unless it is plainly a word, a path or an address.
    static func scalar(_ text: String) -> String {
        let isPlain =
            !text.isEmpty && text.utf8.first != UInt8(ascii: "-") && text.utf8.last != UInt8(ascii: ":")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                case UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: ":"):
                    true
                default: false
                }
            }
        if isPlain { return text }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                quoted += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
