public import SkeinBSON
import SkeinPlatform
import SkeinWire

/// An event, and what the rules are to make of it. Written beside the rules (`tests:`), and checked whenever they are read.
public struct RuleTest: Sendable, Hashable {
    /// The event; what it lacks of `id`, `host`, `pid`, `start`, `end` and `body` is put in.
    public var event: BSONDocument
    /// What the test is called where it fails.
    public var name: String?
    /// All outlets that it is to reach; nil: any.
    public var to: Set<String>?
    /// Whether a rule with `drop:` is to drop it; nil: whatever.
    public var isDropped: Bool?
    /// Whether a rule with `rate:` is to leave it out; nil: whatever.
    public var isSampledOut: Bool?
    /// Whether a rule with `hold:` is to hold it back; nil: whatever.
    public var isHeld: Bool?
    /// Fields as they are to be then.
    public var fields: [Rule.Addition] = []
    /// Fields that are not to be there then.
    public var absent: [String] = []
    /// Where it was written.
    public var place: ConfigurationMistake.Place = .property("ruleTests")

    /// A test made in code.
    public init(event: BSONDocument) { self.event = event }

    var expectsSomething: Bool {
        to != nil || isDropped != nil || isSampledOut != nil || isHeld != nil || !fields.isEmpty
            || !absent.isEmpty
    }

    /// - Returns: what came out that was not expected; nil: all is well.
    func failure(_ program: RuleProgram, _ scratch: RuleScratch, outlets: [String]) -> String? {
        let bytes = completed.bytes
        return bytes.withUnsafeBytes { bytes in
            if let reason = EventCheck.refusal(bytes) { return "its event is none: \(reason.rawValue)" }
            var named: Set<String> = program.isForAll ? Set(outlets) : []
            let outcome = program.run(bytes, scratch, counts: nil) { index in
                named.formUnion(program.steps[index].rule.to)
            }
            let end = BSONDocument(unchecked: Array(outcome.event))
            if outcome.fate != .goes { named = [] }
            let wasHeld = outcome.fate == .goes && outcome.heldBy != nil
            if let isHeld, isHeld != wasHeld {
                return "expected held: \(isHeld); \(cameOut(outcome, named, end))"
            }
            return failure(outcome, named.intersection(outlets), end)
        }
    }

    private func cameOut(
        _ outcome: RuleProgram.Outcome, _ reached: Set<String>, _ event: BSONDocument
    ) -> String {
        switch outcome.fate {
        case .goes:
            (outcome.heldBy.map { "rule \($0 + 1) held it, and " } ?? "")
                + "it went to \(Self.list(reached)): \(Self.json(.document(event)))"
        case .dropped(let rule): "rule \(rule + 1) dropped it"
        case .sampledOut(let rule): "rule \(rule + 1) left it out by its rate"
        case .broken(let rule): "rule \(rule.map { $0 + 1 } ?? 0) made it too large"
        }
    }

    private func failure(
        _ outcome: RuleProgram.Outcome, _ reached: Set<String>, _ event: BSONDocument
    ) -> String? {
        let fate = outcome.fate
        let cameOut = cameOut(outcome, reached, event)
        var wasDropped = false
        var wasSampledOut = false
        switch fate {
        case .dropped: wasDropped = true
        case .sampledOut: wasSampledOut = true
        case .goes, .broken: break
        }
        if let isDropped, isDropped != wasDropped {
            return "expected dropped: \(isDropped); \(cameOut)"
        }
        if let isSampledOut, isSampledOut != wasSampledOut {
            return "expected sampled-out: \(isSampledOut); \(cameOut)"
        }
        if let to, to != reached { return "expected to: \(Self.list(to)); \(cameOut)" }
        guard !fields.isEmpty || !absent.isEmpty else { return nil }
        guard case .goes = fate else { return "expected fields; \(cameOut)" }
        for field in fields {
            let found = event[path: FieldPath.steps(field.path).joined(separator: ".")]
            if let found, Self.isSame(found, field.value) { continue }
            return
                "expected \(field.path): \(Self.json(field.value)), found \(found.map(Self.json) ?? "nothing"); \(cameOut)"
        }
        for path in absent {
            if let found = event[path: FieldPath.steps(path).joined(separator: ".")] {
                return "expected no \(path), found \(Self.json(found)); \(cameOut)"
            }
        }
        return nil
    }

    private var completed: BSONDocument {
        var event = event
        for (key, value): (String, BSONValue) in [
            ("id", "00000000000000000000000000000000"), ("host", "test"), ("pid", 1), ("start", .double(0)),
            ("end", .double(0)), ("body", .document([:])),
        ] where event[key] == nil {
            event.append(key, value)
        }
        return event
    }

    /// Numbers are compared as numbers: in YAML a double may be written as 1.
    private static func isSame(_ one: BSONValue, _ other: BSONValue) -> Bool {
        if one == other { return true }
        func number(_ value: BSONValue) -> Double? {
            switch value {
            case .double(let value): value
            case .int32(let value): Double(value)
            case .int64(let value): Double(value)
            default: nil
            }
        }
        if let one = number(one), let other = number(other) { return one == other }
        return json(one) == json(other)
    }

    private static func json(_ value: BSONValue) -> String {
        let text = (try? ExtendedJSON.encode(value, .relaxed)) ?? "a value that is no JSON"
        return text.count > 2000 ? text.prefix(2000) + "…" : text
    }

    private static func list(_ names: Set<String>) -> String {
        names.isEmpty ? "none" : "[\(names.sorted().joined(separator: ", "))]"
    }
}

extension EventCheck {
    fileprivate static func refusal(_ bytes: UnsafeRawBufferPointer) -> RejectReason? {
        var envelope = EventEnvelope()
        return check(bytes, into: &envelope)
    }
}
