import SkeinYAML

/// The YAML file laid over a draft: top-level keys are settings, plus `outlets:`, `rules:` and `tests:`.
struct ConfigurationFile {
    let path: String
    /// Where the path was given.
    let source: ConfigurationMistake.Place
    /// Words of kinds of outlets that the program around the collector adds.
    var processors: Set<String> = []

    /// The largest file that is read.
    private static let maximumBytes = 1 << 20

    func apply(to draft: inout ConfigurationDraft) throws(ConfigurationMistake) {
        guard let root = try parse(try read()), !root.isNull else { return }
        for entry in try mapping(root, "settings, each with its value") {
            let key = entry.key
            let value = entry.value
            switch key.text ?? "" {
            case "outlets": try apply(outlets: value, to: &draft)
            case "rules": try apply(rules: value, to: &draft)
            case "tests": try apply(tests: value, to: &draft)
            case let name:
                guard let setting = Setting.all.first(where: { $0.key == name }) else {
                    throw unknown(key, among: Setting.all.map(\.key) + ["outlets", "rules", "tests"])
                }
                let values = try texts(value, isList: setting.isList)
                do {
                    try setting.apply(values, &draft)
                } catch {
                    throw mistake(value, "\(name): \(error.message)")
                }
                draft.places[setting.name] = place(value)
            }
        }
    }

    private func read() throws(ConfigurationMistake) -> [UInt8] {
        do {
            return try BoundedFile.read(path, maximumBytes: Self.maximumBytes)
        } catch {
            throw ConfigurationMistake(source, "cannot read \(path): \(error)")
        }
    }

    // MARK: outlets

    private func parse(_ text: [UInt8]) throws(ConfigurationMistake) -> YAMLNode? {
        do throws(YAMLError) {
            return try YAMLParser.parse(text)
        } catch {
            throw ConfigurationMistake(
                .file(path, line: error.mark.line, column: error.mark.column), error.message)
        }
    }

    private func apply(outlets node: YAMLNode, to draft: inout ConfigurationDraft)
        throws(ConfigurationMistake)
    {
        for named in try mapping(node, "outlets by their names") {
            let key = named.key
            let value = named.value
            let name = key.text ?? ""
            guard OutletConfiguration.isUsable(name: name) else {
                throw mistake(
                    key, "\"\(name)\" is no name for an outlet; expected \(OutletConfiguration.acceptedName)")
            }
            var entry = ConfigurationDraft.NamedOutlet(name: name, place: place(key))
            if let text = value.text {
                guard text == "off" else { throw mistake(value, "\"\(text)\"; expected a mapping, or off") }
            } else {
                entry.make = try outlet(name, value)
            }
            draft.outlets.append(entry)
        }
    }

    private func outlet(
        _ name: String, _ node: YAMLNode
    ) throws(ConfigurationMistake) -> @Sendable (ConfigurationDraft) -> OutletConfiguration {
        var entries = try mapping(node, "a mapping, or off")
        var from = OutletConfiguration.StartingPoint.end
        if let value = take("from", of: &entries) {
            let text = try self.text(value)
            guard let point = OutletConfiguration.StartingPoint(rawValue: text) else {
                throw mistake(value, "from: \"\(text)\"; expected end or oldest")
            }
            from = point
        }
        let overflow = try overflow(&entries)
        let backlogBudget = try take("backlog-budget", of: &entries).map {
            (node) throws(ConfigurationMistake) in
            try read(node, "backlog-budget") { (text) throws(BadValue) in
                try ByteSize.parse(text, in: 8 << 20...1 << 46)
            }
        }
        let kindNode = take("kind", of: &entries)
        let kind = try kindNode.map { (node) throws(ConfigurationMistake) in try text(node) } ?? name
        let make: @Sendable (ConfigurationDraft) -> OutletConfiguration.Kind
        switch kind {
        case "files": make = try files(&entries)
        case "stream": make = { _ in .stream }
        case "forward":
            guard let value = take("endpoint", of: &entries) else {
                throw mistake(
                    node, "\(name) has no endpoint; expected endpoint: \(ForwardEndpoint.acceptedForm)")
            }
            let endpoint = try read(value, "endpoint", ForwardEndpoint.check)
            let key = try take("key", of: &entries).map { (node) throws(ConfigurationMistake) in
                try text(node)
            }
            make = { _ in
                var forward = OutletConfiguration.Forward(endpoint: endpoint)
                forward.key = key
                return .forward(forward)
            }
        case "exec": make = try exec(node, name, &entries)
        case "library": make = try library(node, name, &entries)
        case _ where processors.contains(kind): make = try processor(kind, &entries)
        default:
            let wrong = kindNode ?? node
            let own = processors.sorted().map { "\($0), " }.joined()
            throw mistake(
                wrong,
                (kindNode == nil ? "\(name) has no kind" : "no outlet is of the kind \"\(kind)\"")
                    + "; expected kind: files, stream, exec, library, \(own)or forward")
        }
        if let key = entries.first?.key {
            throw mistake(
                key,
                "\(kind) outlets have no \"\(key.text ?? "")\"; expected \(Self.keys[kind] ?? Self.processorKeys)"
            )
        }
        return { [from, overflow, backlogBudget] draft in
            var outlet = OutletConfiguration(name: name, kind: make(draft))
            outlet.from = from
            outlet.overflow = overflow
            outlet.backlogBudgetBytes = backlogBudget
            return outlet
        }
    }

    private func overflow(
        _ entries: inout [YAMLEntry]
    ) throws(ConfigurationMistake) -> OutletConfiguration.Overflow {
        guard let value = take("overflow", of: &entries) else { return .drop }
        let text = try self.text(value)
        guard let overflow = OutletConfiguration.Overflow(rawValue: text) else {
            throw mistake(value, "overflow: \"\(text)\"; expected drop or refuse")
        }
        return overflow
    }

    private static let keys = [
        "files":
            "kind, from, overflow, backlog-budget, path, max-types, file-idle, checkpoint-interval or checkpoint-bytes",
        "stream": "kind or from",
        "forward": "kind, from, overflow, backlog-budget, endpoint or key",
        "exec":
            "kind, from, overflow, backlog-budget, command, input, acknowledge, answers, answer-rate, batch, timeout or environment",
        "library":
            "kind, from, overflow, backlog-budget, path, options, answers, answer-rate, batch or timeout",
    ]

    /// What a files outlet says itself goes over the settings of the same names.
    private func files(
        _ entries: inout [YAMLEntry]
    ) throws(ConfigurationMistake) -> @Sendable (ConfigurationDraft) -> OutletConfiguration.Kind {
        let path = try take("path", of: &entries).map { (node) throws(ConfigurationMistake) in try text(node)
        }
        var own: [(setting: Setting, values: [String])] = []
        for name in ["max-types", "file-idle", "checkpoint-interval", "checkpoint-bytes"] {
            guard let value = take(name, of: &entries),
                let setting = Setting.all.first(where: { $0.name == name })
            else { continue }
            let values = [try text(value)]
            var scratch = ConfigurationDraft()
            do {
                try setting.apply(values, &scratch)
            } catch {
                throw mistake(value, "\(name): \(error.message)")
            }
            own.append((setting, values))
        }
        return { [own] draft in
            var draft = draft
            for (setting, values) in own {
                do { try setting.apply(values, &draft) } catch {}  // was applied before, without a mistake
            }
            var files = draft.filesSettings
            if let path { files.path = path }
            return .files(files)
        }
    }

    // MARK: Nodes

    func mapping(
        _ node: YAMLNode, _ expected: String
    ) throws(ConfigurationMistake) -> [YAMLEntry] {
        guard case .mapping(let entries) = node.content else {
            throw mistake(node, "\(node.kind); expected \(expected)")
        }
        return entries
    }

    func take(_ name: String, of entries: inout [YAMLEntry]) -> YAMLNode? {
        guard let index = entries.firstIndex(where: { $0.key.text == name }) else { return nil }
        return entries.remove(at: index).value
    }

    func text(_ node: YAMLNode) throws(ConfigurationMistake) -> String {
        guard let text = node.text, !text.isEmpty else {
            throw mistake(node, "\(node.text == nil ? node.kind : "nothing"); expected a single value")
        }
        return text
    }

    func texts(_ node: YAMLNode, isList: Bool) throws(ConfigurationMistake) -> [String] {
        guard isList, case .sequence(let items) = node.content else { return [try text(node)] }
        guard !items.isEmpty else { return ["none"] }
        return try items.map { (item) throws(ConfigurationMistake) in try text(item) }
    }

    func read<Value>(
        _ node: YAMLNode, _ name: String, _ body: (String) throws(BadValue) -> Value
    ) throws(ConfigurationMistake) -> Value {
        do {
            return try body(try text(node))
        } catch let error as BadValue {
            throw mistake(node, "\(name): \(error.message)")
        } catch let error as ConfigurationMistake {
            throw error
        } catch {
            throw mistake(node, "\(name): \(error)")
        }
    }

    func place(_ node: YAMLNode) -> ConfigurationMistake.Place {
        .file(path, line: node.mark.line, column: node.mark.column)
    }

    func mistake(_ node: YAMLNode, _ message: String) -> ConfigurationMistake {
        ConfigurationMistake(place(node), message)
    }

    func unknown(_ key: YAMLNode, among names: [String]) -> ConfigurationMistake {
        let name = key.text ?? ""
        let near = names.min { Spelling.distance($0, name) < Spelling.distance($1, name) }
        let hint =
            if let near, Spelling.distance(near, name) <= 2 { "did you mean \(near)?" } else {
                "expected " + names.joined(separator: ", ")
            }
        return mistake(key, "unknown key \"\(name)\"; \(hint)")
    }
}
