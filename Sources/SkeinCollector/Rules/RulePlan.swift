import SkeinCrypto
import SkeinJournal
import SkeinPlatform

/// What the rules of a configuration are for one outlet, as it is kept beside the outlet: it goes on with them when it is no
/// longer configured.
struct RulePlan: Sendable, Hashable {
    /// The conditions of the rules that name it; nil: every event is for it. As long as no rule acts on events, nothing else
    /// matters.
    var conditions: [String]?
    /// All rules, if any of them acts on events.
    var acting: [Rule]?

    init(conditions: [String]?, acting: [Rule]? = nil) {
        self.conditions = conditions
        self.acting = acting
    }

    init(outlet name: String, rules: [Rule]) {
        if rules.contains(where: \.isActing) {
            acting = rules.map(\.withoutPlace)
            return
        }
        let own = rules.filter { $0.to.contains(name) }
        if rules.isEmpty || own.contains(where: { $0.match == nil }) { return }
        conditions = own.compactMap(\.match)
    }
}

/// What rules are compiled with.
struct RuleSurroundings: Sendable {
    var compile: EventFilterCompiler?
    var hash: KeyedHash?
    /// The largest event that a rule may make.
    var maximumBytes: Int
    /// The journal that is read.
    var journal: BatchJournal?
    /// Where each hold begins in the journal, by its id.
    var begins: [UInt64: HoldBeginning] = [:]
}
