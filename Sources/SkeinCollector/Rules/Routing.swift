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
        guard !rules.isEmpty else {
            self = .all
            return
        }
        let own = rules.filter { $0.to.contains(name) }
        if own.contains(where: { $0.match == nil }) {
            self = .all
            return
        }
        let filters = own.compactMap { rule in rule.match.flatMap { text in try? compile?(text) } }
        self = filters.isEmpty ? .none : .matching(filters)
    }
}
