import SkeinWire

/// Decides what happens to groups: by the events as they come, the time of their arrival, and the bounds.
struct HoldDecider {
    /// What rules say of one event.
    struct Finding {
        /// The hold that keeps it back.
        var held: (hold: RuleHold, key: [UInt8])?
        /// Groups that it lets go.
        var triggers: [(hold: RuleHold, key: [UInt8])] = []

        var isEmpty: Bool { held == nil && triggers.isEmpty }
    }

    /// Groups at once, the open ones included.
    static let maximumGroups = 100_000

    private(set) var state: HoldState
    private(set) var counts: [UInt64: HoldCounts]
    private let budgetBytes: Int
    private var nextSweep: Int64 = 0

    /// What was decided since it was last taken, and what goes on by it.
    private(set) var changes: [HoldChange] = []
    private(set) var gone: [LetGoEvent] = []

    init(_ state: HoldState, counts: [UInt64: HoldCounts], budgetBytes: Int) {
        self.state = state
        self.counts = counts
        self.budgetBytes = budgetBytes
    }

    /// Forgets what was decided: it is written down.
    mutating func taken() {
        changes.removeAll(keepingCapacity: true)
        gone.removeAll(keepingCapacity: true)
    }

    private mutating func decide(_ change: HoldChange) {
        changes.append(change)
        gone += state.apply(change)
    }

    /// Takes an event of the journal.
    mutating func take(_ finding: Finding, _ event: () -> HeldEvent) {
        if let (hold, bytes) = finding.held {
            let key = HoldKey(hold: hold.id, key: bytes)
            expire(key, hold)
            counts[hold.id, default: HoldCounts()].held += 1
            if let group = state.groups[key], group.openUntil > state.clock {
                counts[hold.id, default: HoldCounts()].letGo += 1
                decide(.pass(key, event(), number: state.next))
            } else {
                let isFull = state.groups[key].map { $0.count >= hold.capacity } ?? false
                if isFull { counts[hold.id, default: HoldCounts()].pushedOut += 1 }
                decide(.hold(key, event(), pushes: isFull))
            }
        }
        for (hold, bytes) in finding.triggers {
            let key = HoldKey(hold: hold.id, key: bytes)
            expire(key, hold)
            counts[hold.id, default: HoldCounts()].letGo += UInt64(state.groups[key]?.count ?? 0)
            let (end, overflow) = state.clock.addingReportingOverflow(hold.window)
            decide(.letGo(key, until: overflow ? .max : end, first: state.next))
        }
        if state.bytes > budgetBytes || state.groups.count > Self.maximumGroups { makeRoom() }
    }

    /// An event that arrived at a time is next. Time never goes back.
    mutating func advance(to arrival: Int64) { state.clock = max(state.clock, arrival) }

    private mutating func expire(_ key: HoldKey, _ hold: RuleHold) {
        guard let group = state.groups[key], group.count > 0, isOver(group, hold) else { return }
        forget(key, .expired)
    }

    private func isOver(_ group: HoldState.Group, _ hold: RuleHold) -> Bool {
        state.clock - group.last >= hold.window
    }

    private mutating func forget(_ key: HoldKey, _ loss: HoldLoss) {
        counts[key.hold, default: HoldCounts()].add(loss, UInt64(state.groups[key]?.count ?? 0))
        decide(.forget(key, loss))
    }

    /// Forgets groups whose time is over, and those of holds that are gone. At most once a second of the journal's time.
    mutating func sweep(_ holds: [UInt64: RuleHold], isForced: Bool = false) {
        guard isForced || state.clock >= nextSweep else { return }
        nextSweep = state.clock + 1_000_000_000
        for (key, group) in state.groups where group.count > 0 {
            if let hold = holds[key.hold] {
                if isOver(group, hold) { forget(key, .expired) }
            } else {
                forget(key, .removed)
            }
        }
        state.closeOpen()
    }

    /// The groups that were touched last longest ago give way, an eighth of what there may be at a time.
    private mutating func makeRoom() {
        state.closeOpen()
        let oldest = state.groups.map { ($0.value.last, $0.key) }.sorted { $0.0 < $1.0 }
        for (_, key) in oldest {
            if state.bytes <= budgetBytes / 8 * 7, state.groups.count <= Self.maximumGroups / 8 * 7 { break }
            forget(key, .pushedOut)
        }
    }
}
