import SkeinPlatform
import SkeinWire

extension CollectorConfiguration {
    /// Checks that rules can be meant, and that they do what the tests beside them say.
    func checkRules(_ filters: EventFilterCompiler?) throws(ConfigurationMistake) {
        let names = outlets.map(\.name)
        var known: Set<String> = []
        for rule in rules {
            if let match = rule.match { try check("match", match, rule, filters) }
            if let hold = rule.hold { try check("hold: until", hold.until, rule, filters) }
            for name in rule.to where !names.contains(name) && name != "none" {
                throw ConfigurationMistake(
                    rule.place,
                    "to: no outlet is called \"\(name)\"; expected \(names.joined(separator: ", ")) or none")
            }
            if let name = rule.name, !known.insert(name).inserted {
                throw ConfigurationMistake(rule.place, "two rules are called \(name)")
            }
            try checkActions(rule)
        }
        try runTests(filters, names)
    }

    private func check(
        _ key: String, _ text: String, _ rule: Rule, _ filters: EventFilterCompiler?
    ) throws(ConfigurationMistake) {
        guard let filters else {
            throw ConfigurationMistake(
                rule.place,
                "\(key): this skeind has no filter language; expected a rule with to: alone, which applies to every event"
            )
        }
        do {
            _ = try filters(text)
        } catch {
            throw ConfigurationMistake(rule.place, "\(key): \(error)")
        }
    }

    /// What the reader of the file has found already, for rules made in code.
    private func checkActions(_ rule: Rule) throws(ConfigurationMistake) {
        do throws(BadValue) {
            if let rate = rule.rate, !(rate > 0 && rate <= 1) {
                throw BadValue("rate: \(rate)", accepts: "a number above 0 and at most 1")
            }
            for pattern in rule.remove + rule.redact.flatMap(\.keys) { _ = try KeyPattern(pattern) }
            if let hold = rule.hold {
                guard ConfigurationFile.holdTimes.contains(hold.window),
                    ConfigurationFile.holdCapacity.contains(hold.capacity), !hold.by.isEmpty, !rule.to.isEmpty
                else {
                    throw BadValue(
                        "hold: \(hold)", accepts: "a field, 1 ms to 7 days, 1 to 1000000 events, and outlets")
                }
            }
            for addition in rule.add { try FieldPath.check(addition.path) }
        } catch {
            throw ConfigurationMistake(rule.place, error.message)
        }
        if redactKeyFile == nil, rule.redact.contains(where: { $0.method == .hash }) {
            throw ConfigurationMistake(
                rule.place,
                "with: hash needs a secret, or anybody could try values out; expected redact-key: FILE")
        }
    }

    private func runTests(_ filters: EventFilterCompiler?, _ names: [String]) throws(ConfigurationMistake) {
        guard !ruleTests.isEmpty else { return }
        let key = try RedactKey.load(self, places: ConfigurationDraft())
        let program = RuleProgram(
            rules, compile: filters, hash: key, maximumBytes: EventCheck.maximumBytes)
        let scratch = RuleScratch(maximumBytes: EventCheck.maximumBytes)
        for test in ruleTests {
            for name in test.to ?? [] where !names.contains(name) {
                throw ConfigurationMistake(
                    test.place,
                    "to: no outlet is called \"\(name)\"; expected \(names.joined(separator: ", ")) or none")
            }
            if let failure = test.failure(program, scratch, outlets: names) {
                let title = test.name.map { "test \"\($0)\"" } ?? "test"
                throw ConfigurationMistake(test.place, "\(title): \(failure)")
            }
        }
    }
}
