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

    /// What the outlet gets of a record; nil: nothing.
    /// - Parameters:
    ///   - position: where it begins in the journal.
    ///   - scratch: where rules that act write: their result is lent until the next call.
    func event(
        _ record: RecordView, at position: JournalPosition, _ scratch: RuleScratch
    ) -> UnsafeRawBufferPointer? {
        switch self {
        case .all: record.kind == .held ? nil : record.payload
        case .acting(let rules): rules.event(record, at: position, scratch)
        case .none, .matching:
            record.kind == .event && matches(record.payload, into: &scratch.envelope) ? record.payload : nil
        }
    }
}

/// Rules that act on events, for one outlet.
final class ActingRules: Sendable {
    let program: RuleProgram
    let counts: [RuleCount]
    /// Which rules name the outlet.
    private let isNamed: [Bool]
    private let journal: BatchJournal?

    init(outlet name: String, _ rules: [Rule], _ surroundings: RuleSurroundings) {
        program = RuleProgram(
            rules, compile: surroundings.compile, hash: surroundings.hash,
            maximumBytes: surroundings.maximumBytes, begins: surroundings.begins)
        journal = surroundings.journal
        counts = rules.map { _ in RuleCount() }
        isNamed = rules.map { $0.to.contains(name) }
    }

    func makeScratch() -> RuleScratch { RuleScratch(maximumBytes: program.maximumBytes) }

    /// What the outlet gets of a record; nil: nothing.
    func event(
        _ record: RecordView, at position: JournalPosition, _ scratch: RuleScratch
    ) -> UnsafeRawBufferPointer? {
        switch record.kind {
        case .event:
            var isFor = program.isForAll
            let outcome = program.run(record.payload, at: position, scratch, counts: counts) { index in
                if isNamed[index] { isFor = true }
            }
            guard case .goes = outcome.fate, isFor else { return nil }
            return outcome.event
        case .held: return program.holds ? letGo(record, scratch) : nil
        default: return nil
        }
    }

    /// What a hold let go is for the outlets that its rule names, but for those that got the event when it came.
    private func letGo(_ record: RecordView, _ scratch: RuleScratch) -> UnsafeRawBufferPointer? {
        guard let journal, record.streamIndex == journal.stream(LetGoRecord.stream(journal.id))?.index,
            let (event, hold) = LetGoRecord.parse(record.payload)
        else {
            return nil
        }
        var wasFor = program.isForAll
        let outcome = program.run(event, scratch, counts: nil) { index in
            if isNamed[index] { wasFor = true }
        }
        guard case .goes = outcome.fate, !wasFor, let index = outcome.heldBy, isNamed[index],
            program.steps[index].hold?.id == hold
        else { return nil }
        return outcome.event
    }
}
