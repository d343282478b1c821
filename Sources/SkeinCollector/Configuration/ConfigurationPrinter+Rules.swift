import SkeinBSON

extension ConfigurationPrinter {
    /// A rule's keys as they would be written.
    static func entries(_ rule: Rule) -> [String] {
        var entries: [String] = []
        if let name = rule.name { entries.append("name: \(scalar(name))") }
        if let match = rule.match { entries.append("match: \(scalar(match))") }
        if rule.isDropping { entries.append("drop: true") }
        if let rate = rule.rate { entries.append("rate: \(rate)") }
        if !rule.remove.isEmpty { entries.append("remove: \(list(rule.remove))") }
        if !rule.redact.isEmpty {
            let parts = rule.redact.map { redaction in
                switch redaction.method {
                case .mask(let text): "{ keys: \(list(redaction.keys)), with: mask, text: \(scalar(text)) }"
                case .hash: "{ keys: \(list(redaction.keys)), with: hash }"
                case .remove: "{ keys: \(list(redaction.keys)), with: remove }"
                }
            }
            entries.append("redact: [\(parts.joined(separator: ", "))]")
        }
        if !rule.add.isEmpty {
            let fields = rule.add.map { addition in
                let value = (try? ExtendedJSON.encode(addition.value, .canonical)) ?? "null"
                return "\(scalar(addition.path)): \(value)"
            }
            entries.append("add: { \(fields.joined(separator: ", ")) }")
        }
        if let hold = rule.hold {
            entries.append(
                "hold: { by: \(scalar(hold.by)), until: \(scalar(hold.until)), for: \(TimeSpan.print(hold.window)), capacity: \(hold.capacity) }"
            )
        }
        if !rule.to.isEmpty || entries.isEmpty { entries.append("to: \(list(rule.to))") }
        return entries
    }

    private static func list(_ texts: [String]) -> String {
        "[\(texts.map(scalar).joined(separator: ", "))]"
    }
}
