/// An event that is held back: the bytes that came.
final class HeldEvent: Sendable {
    let bytes: [UInt8]
    let arrival: Int64
    let flags: UInt8
    /// The ordinal of its place in the main journal.
    let origin: UInt64

    init(bytes: [UInt8], arrival: Int64, flags: UInt8, origin: UInt64) {
        self.bytes = bytes
        self.arrival = arrival
        self.flags = flags
        self.origin = origin
    }
}

/// A group of held events.
struct HoldKey: Hashable {
    /// The hold's id.
    var hold: UInt64
    var key: [UInt8]
}

/// What happens to groups: decided once, written down, and applied then; after a kill applied again from what was written.
enum HoldChange {
    /// An event is held back, and the oldest of its group may have to give way.
    case hold(HoldKey, HeldEvent, pushes: Bool)
    /// An event of a group that is open goes on at once, under a number.
    case pass(HoldKey, HeldEvent, number: UInt64)
    /// All of a group goes on, under numbers from this one; what comes until a time goes on at once.
    case letGo(HoldKey, until: Int64, first: UInt64)
    /// All of a group goes nowhere.
    case forget(HoldKey, HoldLoss)
}

/// Why held events go nowhere.
enum HoldLoss: UInt32 {
    /// Nothing let them go in time.
    case expired = 2
    /// They gave way to others.
    case pushedOut = 3
    /// Their hold is no longer configured.
    case removed = 4
}

/// An event that goes on, with its number among all that ever did.
struct LetGoEvent {
    var number: UInt64
    var hold: UInt64
    var event: HeldEvent
}

/// All groups. Applies changes, and decides nothing.
struct HoldState {
    struct Group {
        var events: [HeldEvent] = []
        /// Where the first of them is; what is before gave way.
        var head = 0
        var bytes = 0
        /// When its last event arrived.
        var last: Int64 = 0
        /// Until then, by the time of arrival, its events go on at once.
        var openUntil: Int64 = 0

        var count: Int { events.count - head }

        fileprivate mutating func push() {
            bytes -= HoldState.cost(events[head])
            head += 1
            if head > 32, head * 2 > events.count {
                events.removeFirst(head)
                head = 0
            }
        }
    }

    private(set) var groups: [HoldKey: Group] = [:]
    private(set) var bytes = 0
    /// Events by the holds' ids.
    private(set) var holding: [UInt64: Int] = [:]
    /// The latest arrival.
    var clock: Int64 = 0
    /// The next number for what goes on.
    private(set) var next: UInt64 = 1

    /// Bytes that an event takes up, its group's share included.
    static func cost(_ event: HeldEvent) -> Int { event.bytes.count + 128 }

    init() {}

    init(clock: Int64, next: UInt64) {
        self.clock = clock
        self.next = next
    }

    /// The same groups at a time.
    func with(clock: Int64, next: UInt64) -> HoldState {
        var state = self
        state.clock = max(state.clock, clock)
        state.next = max(state.next, next)
        return state
    }

    /// - Returns: what goes on by it.
    mutating func apply(_ change: HoldChange) -> [LetGoEvent] {
        switch change {
        case .hold(let key, let event, let pushes):
            var group = groups.removeValue(forKey: key) ?? Group()
            leave(key, group)
            if pushes, group.count > 0 { group.push() }
            group.events.append(event)
            group.bytes += Self.cost(event)
            group.last = max(group.last, event.arrival)
            group.openUntil = 0
            bytes += group.bytes
            holding[key.hold, default: 0] += group.count
            groups[key] = group
            return []
        case .pass(let key, let event, let number):
            next = max(next, number + 1)
            let last = groups[key]?.last ?? 0
            groups[key]?.last = max(last, event.arrival)
            return [LetGoEvent(number: number, hold: key.hold, event: event)]
        case .letGo(let key, let until, let first):
            let group = groups[key] ?? Group()
            leave(key, group)
            groups[key] = Group(last: group.last, openUntil: until)
            let gone = group.events[group.head...].enumerated().map { index, event in
                LetGoEvent(number: first + UInt64(index), hold: key.hold, event: event)
            }
            next = max(next, first + UInt64(gone.count))
            return gone
        case .forget(let key, _):
            if let group = groups.removeValue(forKey: key) { leave(key, group) }
            return []
        }
    }

    private mutating func leave(_ key: HoldKey, _ group: Group) {
        bytes -= group.bytes
        holding[key.hold, default: 0] -= group.count
        if holding[key.hold] == 0 { holding[key.hold] = nil }
    }

    /// Forgets groups that are no longer open, and hold nothing.
    mutating func closeOpen() {
        let clock = clock
        groups = groups.filter { $0.value.count > 0 || $0.value.openUntil > clock }
    }
}
