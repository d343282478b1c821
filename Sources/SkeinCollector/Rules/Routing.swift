import SkeinWire

/// What the rules say for one outlet.
enum Routing: Sendable {
    /// Every event: there are no rules, or one without `match:` names the outlet.
    case all
    /// No event: no rule names it.
    case none
    /// Events that one of these matches.
    case matching([any EventFilter])

    /// - Parameter compile: makes a filter of the text behind `match:`; was tried before, so what fails here is left out.
    init(outlet name: String, rules: [Rule], compile: EventFilterCompiler?) {
        self.init(conditions: Self.conditions(of: name, rules), compile: compile)
    }

    /// - Parameter conditions: as ``conditions(of:_:)`` has them.
    init(conditions: [String]?, compile: EventFilterCompiler?) {
        guard let conditions else {
            self = .all
            return
        }
        let filters = conditions.compactMap { text in try? compile?(text) }
        self = filters.isEmpty ? .none : .matching(filters)
    }

    /// What stands behind `match:` in the rules that name an outlet; nil: every event is for it.
    static func conditions(of name: String, _ rules: [Rule]) -> [String]? {
        let own = rules.filter { $0.to.contains(name) }
        if rules.isEmpty || own.contains(where: { $0.match == nil }) { return nil }
        return own.compactMap(\.match)
    }

    /// Whether every event is for the outlet.
    var isAll: Bool { if case .all = self { true } else { false } }

    /// What the conditions went over their limits with, since they were compiled.
    var overruns: UInt64 {
        if case .matching(let filters) = self { filters.reduce(0) { $0 &+ $1.overruns } } else { 0 }
    }

    /// Whether an event is for the outlet.
    /// - Parameter envelope: what is found of it is left there.
    @inline(__always)
    func matches(_ event: UnsafeRawBufferPointer, into envelope: inout EventEnvelope) -> Bool {
        switch self {
        case .all: return true
        case .none: return false
        case .matching(let filters):
            guard EventCheck.check(event, into: &envelope) == nil else { return false }
            let found = envelope
            return filters.contains { $0.matches(event, found) }
        }
    }
}
