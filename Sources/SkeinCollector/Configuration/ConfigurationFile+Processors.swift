import SkeinYAML

// The settings of outlets that are processors (`Docs/Processors.md`).
extension ConfigurationFile {
    typealias KindMaker = @Sendable (ConfigurationDraft) -> OutletConfiguration.Kind

    static var processorKeys: String { "kind, from, overflow, backlog-budget, options or batch" }

    func exec(
        _ node: YAMLNode, _ name: String, _ entries: inout [YAMLEntry]
    ) throws(ConfigurationMistake) -> KindMaker {
        guard let value = take("command", of: &entries) else {
            throw mistake(node, "\(name) has no command; expected command: [PROGRAM, ARGUMENT, …]")
        }
        guard case .sequence(let items) = value.content, !items.isEmpty else {
            throw mistake(
                value, "command: \(value.kind); expected a list of program and arguments, as [\"./it.py\"]")
        }
        var exec = OutletConfiguration.Exec(command: [])
        for item in items {
            // An argument may be empty.
            guard case .scalar(let text, _) = item.content else {
                throw mistake(item, "command: \(item.kind)")
            }
            exec.command.append(text)
        }
        if let value = take("input", of: &entries) {
            exec.input = try word(value, "input")
        }
        if let value = take("acknowledge", of: &entries) {
            exec.isAcknowledged = try yes(value, "acknowledge")
        }
        exec.limits = try limits(&entries)
        exec.environment = try texts("environment", of: &entries)
        return { [exec] _ in .exec(exec) }
    }

    func library(
        _ node: YAMLNode, _ name: String, _ entries: inout [YAMLEntry]
    ) throws(ConfigurationMistake) -> KindMaker {
        guard let value = take("path", of: &entries) else {
            throw mistake(node, "\(name) has no path; expected path: FILE")
        }
        var library = OutletConfiguration.Library(path: try text(value))
        library.limits = try limits(&entries)
        library.options = try texts("options", of: &entries)
        return { [library] _ in .library(library) }
    }

    func processor(
        _ kind: String, _ entries: inout [YAMLEntry]
    ) throws(ConfigurationMistake) -> KindMaker {
        var processor = OutletConfiguration.Processor(kind: kind)
        if let value = take("batch", of: &entries) { processor.batch = try batch(value) }
        processor.options = try texts("options", of: &entries)
        return { [processor] _ in .processor(processor) }
    }

    private func limits(
        _ entries: inout [YAMLEntry]
    ) throws(ConfigurationMistake) -> OutletConfiguration.ProcessLimits {
        var limits = OutletConfiguration.ProcessLimits()
        if let value = take("answers", of: &entries) {
            switch try text(value) {
            case "events": limits.takesAnswers = true
            case "none": limits.takesAnswers = false
            case let other: throw mistake(value, "answers: \"\(other)\"; expected events or none")
            }
        }
        if let value = take("answer-rate", of: &entries) {
            limits.answerRate = try number(
                value, "answer-rate", in: OutletConfiguration.ProcessLimits.answerRates)
        }
        if let value = take("batch", of: &entries) { limits.batch = try batch(value) }
        if let value = take("timeout", of: &entries) {
            limits.timeout = try read(value, "timeout") { (text) throws(BadValue) in
                try TimeSpan.parse(text, in: OutletConfiguration.ProcessLimits.timeouts)
            }
        }
        return limits
    }

    private func batch(_ node: YAMLNode) throws(ConfigurationMistake) -> Int {
        try number(node, "batch", in: OutletConfiguration.ProcessLimits.batches)
    }

    private func number(
        _ node: YAMLNode, _ name: String, in range: ClosedRange<Int>
    ) throws(ConfigurationMistake) -> Int {
        let text = try text(node)
        guard let number = Int(text), range.contains(number) else {
            throw mistake(
                node,
                "\(name): \"\(text)\"; expected a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private func yes(_ node: YAMLNode, _ name: String) throws(ConfigurationMistake) -> Bool {
        switch try text(node).lowercased() {
        case "yes", "true", "on": return true
        case "no", "false", "off": return false
        case let other: throw mistake(node, "\(name): \"\(other)\"; expected yes or no")
        }
    }

    private func word<Word: RawRepresentable<String> & CaseIterable>(
        _ node: YAMLNode, _ name: String
    ) throws(ConfigurationMistake) -> Word {
        let text = try text(node)
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: " or ")
            throw mistake(node, "\(name): \"\(text)\"; expected \(words)")
        }
        return word
    }

    /// A mapping of texts to texts, as they stand there.
    private func texts(
        _ name: String, of entries: inout [YAMLEntry]
    ) throws(ConfigurationMistake) -> [String: String] {
        guard let value = take(name, of: &entries) else { return [:] }
        var texts: [String: String] = [:]
        for entry in try mapping(value, "names, each with its text") {
            guard let key = entry.key.text, case .scalar(let text, _) = entry.value.content else {
                throw mistake(entry.value, "\(name): \(entry.value.kind); expected a text")
            }
            texts[key] = text
        }
        return texts
    }
}
