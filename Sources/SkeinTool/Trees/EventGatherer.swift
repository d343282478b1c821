import SkeinWire

/// Gathers events by id until a group can be let go.
///
/// At most ``Limits/groups`` are open: beyond that the oldest goes, whatever it has. Nothing is lost by that, it only
/// comes in pieces.
struct EventGatherer {
    /// When a group is complete.
    enum Rule {
        /// When an event comes whose type has no dot (Ziggy's rule: the root comes last).
        case rootType
        /// When the root has come (an event without a parent) and then nothing more for a second: over several
        /// services the last to come need not be the root, nor is every plain type one.
        case root
    }

    struct Limits {
        var groups = 1000
        /// Events kept of one group.
        var eventsPerGroup = 10_000
        /// Bytes kept of all groups.
        var bytes = 256 << 20
        /// How long a group is kept behind its root, and without one, for the rule `root`.
        var lingerNanoseconds: Int64 = 1_000_000_000
        var patienceNanoseconds: Int64 = 60_000_000_000
    }

    private let rule: Rule
    private let limits: Limits
    private var open: [[UInt8]: EventGroup] = [:]
    /// Ids in the order in which their groups were opened; some have gone since.
    private var order: [[UInt8]] = []
    private var firstOpen = 0
    private var bytes = 0

    init(_ rule: Rule, limits: Limits = Limits()) {
        self.rule = rule
        self.limits = limits
    }

    var openGroups: Int { open.count }

    /// Takes an event.
    /// - Returns: the groups that can be let go now, in order.
    mutating func take(_ event: Event, now: Int64) -> [EventGroup] {
        let key = Self.key(event)
        if open[key] == nil { order.append(key) }
        let isRoot = isRoot(event)
        let isKept = Self.append(
            event, isRoot: isRoot, limit: limits.eventsPerGroup, to: &open[key, default: EventGroup()],
            now: now)
        if isKept { bytes += event.bytes.count }

        var released: [EventGroup] = []
        if rule == .rootType, Self.hasPlainType(event) { released.append(remove(key)) }
        while open.count > limits.groups || bytes > limits.bytes, let oldest = nextOpen() {
            released.append(remove(oldest))
        }
        return released
    }

    /// The groups whose time has come.
    mutating func due(now: Int64) -> [EventGroup] {
        guard rule == .root else { return [] }
        var released: [EventGroup] = []
        for key in order[firstOpen...] {
            guard let group = open[key] else { continue }
            if isDue(group, now: now) { released.append(remove(key)) }
        }
        return released
    }

    private func isDue(_ group: EventGroup, now: Int64) -> Bool {
        let silence = now - group.lastArrival
        guard group.hasRoot else { return silence >= limits.patienceNanoseconds }
        // An id that everybody uses is never silent.
        return silence >= limits.lingerNanoseconds
            || now - group.rootArrival >= limits.lingerNanoseconds * 10
    }

    /// All that is left, in order.
    mutating func finish() -> [EventGroup] {
        var released: [EventGroup] = []
        while let key = nextOpen() { released.append(remove(key)) }
        return released
    }

    private static func append(
        _ event: Event, isRoot: Bool, limit: Int, to group: inout EventGroup, now: Int64
    ) -> Bool {
        group.lastArrival = now
        if isRoot, !group.hasRoot {
            group.hasRoot = true
            group.rootArrival = now
        }
        guard group.events.count < limit else {
            group.omitted += 1
            return false
        }
        group.events.append(KeptEvent(event))
        return true
    }

    private mutating func remove(_ key: [UInt8]) -> EventGroup {
        guard let group = open.removeValue(forKey: key) else { return EventGroup() }
        bytes -= group.events.reduce(0) { $0 + $1.bytes.count }
        compact()
        return group
    }

    /// The oldest id that is still open.
    private mutating func nextOpen() -> [UInt8]? {
        while firstOpen < order.count {
            if open[order[firstOpen]] != nil { return order[firstOpen] }
            firstOpen += 1
        }
        order.removeAll()
        firstOpen = 0
        return nil
    }

    /// Forgets ids that have gone, now and then.
    private mutating func compact() {
        guard order.count > 64, order.count > open.count * 4 else { return }
        var seen: Set<[UInt8]> = []
        // An id may have been opened again: its latest opening counts.
        order = order[firstOpen...].reversed().filter { open[$0] != nil && seen.insert($0).inserted }
            .reversed()
        firstOpen = 0
    }

    private func isRoot(_ event: Event) -> Bool {
        if rule == .rootType { return Self.hasPlainType(event) }
        if event.envelope.parent.isPresent { return false }
        return event.envelope.span.isPresent || Self.hasPlainType(event)
    }

    private static func hasPlainType(_ event: Event) -> Bool {
        !event.envelope.type.bytes(in: event.bytes).contains(UInt8(ascii: "."))
    }

    /// The id as bytes. A number and its text are different ids.
    private static func key(_ event: Event) -> [UInt8] {
        if let number = event.envelope.numericID { return [0] + Array(String(number).utf8) }
        return Array(event.envelope.id.bytes(in: event.bytes))
    }
}
