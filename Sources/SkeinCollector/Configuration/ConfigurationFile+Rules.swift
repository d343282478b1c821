import SkeinBSON
import SkeinYAML

// `rules:` and `tests:` of the YAML file.
extension ConfigurationFile {
    private static let ruleKeys = [
        "name", "match", "drop", "rate", "remove", "redact", "add", "hold", "to",
    ]

    func apply(rules node: YAMLNode, to draft: inout ConfigurationDraft) throws(ConfigurationMistake) {
        guard case .sequence(let items) = node.content else {
            throw mistake(
                node, "rules: \(node.kind); expected a list of rules, each with match: and to:, or only to:")
        }
        draft.settings.rules = []
        for item in items { draft.settings.rules.append(try rule(item)) }
    }

    private func rule(_ item: YAMLNode) throws(ConfigurationMistake) -> Rule {
        var entries = try mapping(item, "match: and to:, or only to:")
        var rule = Rule()
        rule.place = place(item)
        rule.name = try take("name", of: &entries).map { (node) throws(ConfigurationMistake) in try text(node)
        }
        if let node = take("drop", of: &entries) {
            guard ["true", "yes", "on"].contains(node.text) else {
                throw mistake(node, "drop: \"\(node.text ?? node.kind)\"; expected true")
            }
            rule.isDropping = true
        }
        if let node = take("rate", of: &entries) {
            guard let rate = Double(try text(node)), rate > 0, rate <= 1 else {
                throw mistake(
                    node, "rate: \"\(node.text ?? "")\"; expected a number above 0 and at most 1, as 0.1")
            }
            rule.rate = rate
        }
        if let node = take("remove", of: &entries) { rule.remove = try patterns(node, "remove") }
        if let node = take("redact", of: &entries) { rule.redact = try redactions(node) }
        if let node = take("add", of: &entries) { rule.add = try additions(node) }
        if let node = take("hold", of: &entries) { rule.hold = try hold(node) }
        if let to = take("to", of: &entries) {
            rule.to = try texts(to, isList: true)
        } else if !rule.isActing {
            throw mistake(
                item,
                "a rule without to:; expected to: [OUTLET, …], or what is to be done: drop, rate, remove, redact or add"
            )
        }
        if let match = take("match", of: &entries) {
            rule.match = try text(match)
            rule.place = place(match)
        }
        if let key = entries.first?.key { throw unknown(key, among: Self.ruleKeys) }
        if rule.hold != nil, rule.to.isEmpty {
            throw mistake(item, "hold: without to:; expected to: [OUTLET, …], who get what is let go")
        }
        if rule.isDropping, rule.hold != nil || rule.isRewriting || !rule.to.isEmpty {
            throw mistake(item, "a rule with drop: does nothing else; expected match: and drop: true")
        }
        return rule
    }

    static let holdTimes: ClosedRange<Duration> = .milliseconds(1) ... .seconds(7 * 86_400)
    static let holdCapacity = 1...1_000_000

    private func hold(_ node: YAMLNode) throws(ConfigurationMistake) -> Rule.Hold {
        var entries = try mapping(node, "{ by: id, until: CONDITION, for: 60s, capacity: 1000 }")
        guard let until = take("until", of: &entries) else {
            throw mistake(node, "hold: without until:; expected until: CONDITION, as level >= 40")
        }
        var hold = Rule.Hold(until: try text(until))
        if let node = take("by", of: &entries) { hold.by = try text(node) }
        if let node = take("for", of: &entries) {
            hold.window = try read(node, "for") { (text) throws(BadValue) in
                try TimeSpan.parse(text, in: Self.holdTimes)
            }
        }
        if let node = take("capacity", of: &entries) {
            guard let capacity = Int(try text(node)), Self.holdCapacity.contains(capacity) else {
                throw mistake(node, "capacity: \"\(node.text ?? "")\"; expected a number from 1 to 1000000")
            }
            hold.capacity = capacity
        }
        if let key = entries.first?.key { throw unknown(key, among: ["by", "until", "for", "capacity"]) }
        return hold
    }

    /// Patterns of keys, one or a list.
    private func patterns(_ node: YAMLNode, _ name: String) throws(ConfigurationMistake) -> [String] {
        let nodes: [YAMLNode] = if case .sequence(let items) = node.content { items } else { [node] }
        guard !nodes.isEmpty else { throw mistake(node, "\(name): nothing; expected patterns of keys") }
        return try nodes.map { (node) throws(ConfigurationMistake) in
            try read(node, name) { (text) throws(BadValue) in
                _ = try KeyPattern(text)
                return text
            }
        }
    }

    /// Patterns alone, which mask, or parts with `keys:` and `with:`.
    private func redactions(_ node: YAMLNode) throws(ConfigurationMistake) -> [Rule.Redaction] {
        let nodes: [YAMLNode] = if case .sequence(let items) = node.content { items } else { [node] }
        guard !nodes.isEmpty else { throw mistake(node, "redact: nothing; expected patterns of keys") }
        return try nodes.map { (node) throws(ConfigurationMistake) in
            guard case .mapping(var entries) = node.content else {
                return Rule.Redaction(keys: try patterns(node, "redact"))
            }
            guard let keys = take("keys", of: &entries) else {
                throw mistake(node, "a redaction without keys:; expected keys: [PATTERN, …]")
            }
            let with = take("with", of: &entries)
            let mask = try take("text", of: &entries).map { (node) throws(ConfigurationMistake) in
                try self.text(node)
            }
            if let key = entries.first?.key { throw unknown(key, among: ["keys", "with", "text"]) }
            let method: Rule.Redaction.Method
            switch try with.map({ (node) throws(ConfigurationMistake) in try self.text(node) }) ?? "mask" {
            case "mask": method = .mask(mask ?? "***")
            case "hash": method = .hash
            case "remove": method = .remove
            case let word:
                throw mistake(with ?? node, "with: \"\(word)\"; expected mask, hash or remove")
            }
            if mask != nil, case .mask = method {
            } else if mask != nil {
                throw mistake(node, "text: is what a mask says; expected with: mask")
            }
            return Rule.Redaction(keys: try patterns(keys, "keys"), by: method)
        }
    }

    private func additions(_ node: YAMLNode) throws(ConfigurationMistake) -> [Rule.Addition] {
        try mapping(node, "fields, each with its value").map { (entry) throws(ConfigurationMistake) in
            let path = try read(entry.key, "add") { (text) throws(BadValue) in
                try FieldPath.check(text)
                return text
            }
            return Rule.Addition(path, try value(entry.value, "add"))
        }
    }

    private func value(_ node: YAMLNode, _ name: String) throws(ConfigurationMistake) -> BSONValue {
        do {
            return try node.bsonValue()
        } catch {
            throw mistake(node, "\(name): \(error.message)")
        }
    }

    // MARK: tests

    private static let testKeys = [
        "name", "event", "to", "dropped", "sampled-out", "held", "expect", "absent",
    ]

    func apply(tests node: YAMLNode, to draft: inout ConfigurationDraft) throws(ConfigurationMistake) {
        guard case .sequence(let items) = node.content else {
            throw mistake(
                node, "tests: \(node.kind); expected a list, each with event: and what is to become of it")
        }
        draft.settings.ruleTests = []
        for item in items { draft.settings.ruleTests.append(try test(item)) }
    }

    private func test(_ item: YAMLNode) throws(ConfigurationMistake) -> RuleTest {
        var entries = try mapping(item, "event: and what is to become of it")
        guard let node = take("event", of: &entries) else {
            throw mistake(item, "a test without event:; expected event: { type: …, body: { … } }")
        }
        guard case .document(let event) = try value(node, "event") else {
            throw mistake(node, "event: \(node.kind); expected a document, as { type: request }")
        }
        var test = RuleTest(event: event)
        test.place = place(item)
        test.name = try take("name", of: &entries).map { (node) throws(ConfigurationMistake) in try text(node)
        }
        if let node = take("to", of: &entries) {
            test.to = Set(try texts(node, isList: true)).subtracting(["none"])
        }
        if let node = take("dropped", of: &entries) { test.isDropped = try flag(node, "dropped") }
        if let node = take("sampled-out", of: &entries) { test.isSampledOut = try flag(node, "sampled-out") }
        if let node = take("held", of: &entries) { test.isHeld = try flag(node, "held") }
        if let node = take("expect", of: &entries) {
            for entry in try mapping(node, "fields, each with its value") {
                test.fields.append(Rule.Addition(entry.key.text ?? "", try value(entry.value, "expect")))
            }
        }
        if let node = take("absent", of: &entries) { test.absent = try texts(node, isList: true) }
        if let key = entries.first?.key { throw unknown(key, among: Self.testKeys) }
        guard test.expectsSomething else {
            throw mistake(
                item, "a test that expects nothing; expected to, dropped, sampled-out, held, expect or absent"
            )
        }
        return test
    }

    private func flag(_ node: YAMLNode, _ name: String) throws(ConfigurationMistake) -> Bool {
        switch try text(node) {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        case let text: throw mistake(node, "\(name): \"\(text)\"; expected true or false")
        }
    }
}
