import SkeinJournal
import SkeinWire
import Synchronization

/// What the rules say for one outlet.
enum Routing: Sendable {
    /// Every event: there are no rules, or one without `match:` names the outlet.
    case all
    /// No event: no rule names it.
    case none
    /// Events that one of these matches.
    case matching([any EventFilter])
    /// Rules act on events: what an outlet gets may be other bytes than the journal's.
    case acting(ActingRules)

    /// - Parameter plan: was tried before, so what cannot be compiled here is left out.
    init(outlet name: String, _ plan: RulePlan, _ surroundings: RuleSurroundings) {
        if let rules = plan.acting {
            self = .acting(ActingRules(outlet: name, rules, surroundings))
            return
        }
        guard let conditions = plan.conditions else {
            self = .all
            return
        }
        let filters = conditions.compactMap { text in try? surroundings.compile?(text) }
        self = filters.isEmpty ? .none : .matching(filters)
    }

    /// Whether every event is for the outlet, as it is.
    var isAll: Bool { if case .all = self { true } else { false } }

    /// What each rule did so far; nil if none acts.
    var counts: [RuleCount]? { if case .acting(let rules) = self { rules.counts } else { nil } }

    /// What the conditions went over their limits with, since they were compiled.
    var overruns: UInt64 {
        switch self {
        case .matching(let filters): filters.reduce(0) { $0 &+ $1.overruns }
        case .acting(let rules): rules.program.steps.reduce(0) { $0 &+ ($1.filter?.overruns ?? 0) }
        case .all, .none: 0
        }
    }

    /// Whether an event is for the outlet. Not for rules that act.
    /// - Parameter envelope: what is found of it is left there.
    @inline(__always)
    func matches(_ event: UnsafeRawBufferPointer, into envelope: inout EventEnvelope) -> Bool {
        switch self {
        case .all: return true
        case .none, .acting: return false
        case .matching(let filters):
            guard EventCheck.check(event, into: &envelope) == nil else { return false }
            let found = envelope
            return filters.contains { $0.matches(event, found) }
        }
    }

    /// What the outlet gets of an event; nil: nothing.
    /// - Parameter scratch: where rules that act write: their result is lent until the next call.
    func event(_ event: UnsafeRawBufferPointer, _ scratch: RuleScratch) -> UnsafeRawBufferPointer? {
        if case .acting(let rules) = self { return rules.event(event, scratch) }
        return matches(event, into: &scratch.envelope) ? event : nil
    }
}

/// Rules that act on events, for one outlet.
final class ActingRules: Sendable {
    let program: RuleProgram
    let counts: [RuleCount]
    /// Which rules name the outlet.
    private let isNamed: [Bool]

    init(outlet name: String, _ rules: [Rule], _ surroundings: RuleSurroundings) {
        program = RuleProgram(
            rules, compile: surroundings.compile, hash: surroundings.hash,
            maximumBytes: surroundings.maximumBytes)
        counts = rules.map { _ in RuleCount() }
        isNamed = rules.map { $0.to.contains(name) }
    }

    func makeScratch() -> RuleScratch { RuleScratch(maximumBytes: program.maximumBytes) }

    /// What the outlet gets of an event; nil: nothing.
    func event(_ event: UnsafeRawBufferPointer, _ scratch: RuleScratch) -> UnsafeRawBufferPointer? {
        var isFor = program.isForAll
        let outcome = program.run(event, scratch, counts: counts) { index, _ in
            if isNamed[index] { isFor = true }
        }
        guard case .goes = outcome.fate, isFor else { return nil }
        return outcome.event
    }
}
