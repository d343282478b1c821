import SkeinBSON
import SkeinCollector
import SkeinFilter
import SkeinWire

/// What stands behind `match:` in a rule, in the filter language (`Docs/Filter.md`).
struct RuleCondition: SkeinCollector.EventFilter {
    private let filter: SkeinFilter.EventFilter

    /// What the collector makes the conditions of its rules with.
    static let compile: EventFilterCompiler = { text in
        RuleCondition(filter: try SkeinFilter.EventFilter(text))
    }

    func matches(_ event: UnsafeRawBufferPointer, _ envelope: EventEnvelope) -> Bool {
        BSONView(prefixOf: event).map(filter.matches) ?? false
    }

    var overruns: UInt64 { filter.statistics.overruns }
}
