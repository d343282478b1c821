import SkeinBSON
import SkeinJournal
import SkeinPlatform
import SkeinWire
import Testing

@testable import SkeinCollector

/// What a hold decides, without a clock and without a disk; and what stands on disk, read again.
@Suite struct HoldStateTests {
    private static let second: Int64 = 1_000_000_000

    private static func hold(
        window: Duration = .seconds(10), capacity: Int = 4, by: String = "id"
    ) -> RuleHold {
        var rule = Rule(to: ["files"])
        rule.hold = .init(by: by, until: "level >= 40", window: window, capacity: capacity)
        return RuleHold(rule.hold ?? .init(until: ""), [rule], begins: [:]) { _ in NeverFilter() }
    }

    private static func event(_ number: Int, at seconds: Double = 0, size: Int = 0) -> HeldEvent {
        HeldEvent(
            bytes: freshEvent("t", number, text: String(repeating: "x", count: size)).bytes,
            arrival: Int64(seconds * Double(second)), flags: 0, origin: UInt64(number))
    }

    /// Takes an event as the journal would give it.
    private static func take(
        _ decider: inout HoldDecider, _ hold: RuleHold, _ key: String, _ number: Int, at seconds: Double,
        triggers: Bool = false, isHeld: Bool = true, size: Int = 0
    ) {
        decider.advance(to: Int64(seconds * Double(second)))
        let bytes = Array(key.utf8)
        var finding = HoldDecider.Finding()
        if isHeld { finding.held = (hold, bytes) }
        if triggers { finding.triggers = [(hold, bytes)] }
        decider.take(finding) { event(number, at: seconds, size: size) }
    }

    private static func numbers(_ gone: [LetGoEvent]) -> [UInt64] { gone.map(\.event.origin) }

    private static func expectBalance(
        _ decider: HoldDecider, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var holding: [UInt64: UInt64] = [:]
        for (key, group) in decider.state.groups { holding[key.hold, default: 0] += UInt64(group.count) }
        for (id, count) in decider.counts {
            #expect(
                count.held
                    == count.letGo + count.expired + count.pushedOut + count.removed + (holding[id] ?? 0),
                "\(count)", sourceLocation: sourceLocation)
        }
        #expect(decider.state.holding == holding.filter { $0.value > 0 }.mapValues { Int($0) })
        #expect(
            decider.state.bytes
                == decider.state.groups.values.reduce(0) { sum, group in
                    sum + group.events[group.head...].reduce(0) { $0 + HoldState.cost($1) }
                }, sourceLocation: sourceLocation)
    }

    private static func decider(budget: Int = 1 << 30) -> HoldDecider {
        HoldDecider(HoldState(), counts: [:], budgetBytes: budget)
    }

    @Test
    func `the event that meets the condition comes behind what it lets go, and what follows comes at once`() {
        let hold = Self.hold()
        var decider = Self.decider()
        for number in 1...3 { Self.take(&decider, hold, "a", number, at: Double(number)) }
        Self.take(&decider, hold, "b", 4, at: 4)
        #expect(decider.gone.isEmpty)
        Self.take(&decider, hold, "a", 5, at: 5, triggers: true)
        #expect(Self.numbers(decider.gone) == [1, 2, 3, 5])
        Self.take(&decider, hold, "a", 6, at: 14.9)
        #expect(Self.numbers(decider.gone) == [1, 2, 3, 5, 6])
        #expect(decider.gone.map(\.number) == [1, 2, 3, 4, 5])
        // The window is over.
        Self.take(&decider, hold, "a", 7, at: 15)
        #expect(decider.gone.count == 5)
        #expect(decider.counts[hold.id]?.letGo == 5)
        Self.expectBalance(decider)
    }

    @Test func `a trigger that the rule does not match lets go, and is not held itself`() {
        let hold = Self.hold()
        var decider = Self.decider()
        Self.take(&decider, hold, "a", 1, at: 1)
        Self.take(&decider, hold, "a", 2, at: 2, triggers: true, isHeld: false)
        #expect(Self.numbers(decider.gone) == [1])
        Self.expectBalance(decider)
    }

    @Test func `a group goes nowhere when nothing of it came for the window`() {
        let hold = Self.hold()
        var decider = Self.decider()
        Self.take(&decider, hold, "a", 1, at: 0)
        Self.take(&decider, hold, "a", 2, at: 9)
        Self.take(&decider, hold, "a", 3, at: 18)
        Self.take(&decider, hold, "a", 4, at: 28, triggers: true)
        #expect(Self.numbers(decider.gone) == [4])
        #expect(decider.counts[hold.id]?.expired == 3)
        Self.take(&decider, hold, "b", 5, at: 29)
        decider.advance(to: 100 * Self.second)
        decider.sweep([hold.id: hold])
        #expect(decider.counts[hold.id]?.expired == 4)
        #expect(decider.state.groups.isEmpty)
        Self.expectBalance(decider)
    }

    @Test func `beyond the capacity the oldest of the group give way, beyond the budget the oldest groups`() {
        let hold = Self.hold()
        var decider = Self.decider(budget: 100_000)
        for number in 1...7 { Self.take(&decider, hold, "a", number, at: 1) }
        Self.take(&decider, hold, "a", 8, at: 1, triggers: true)
        #expect(Self.numbers(decider.gone) == [5, 6, 7, 8])
        #expect(decider.counts[hold.id]?.pushedOut == 4)
        for number in 0..<1000 {
            Self.take(&decider, hold, "g\(number)", number, at: 2 + Double(number) * 0.001, size: 1000)
            #expect(decider.state.bytes <= 100_000)
        }
        Self.take(&decider, hold, "g999", 1000, at: 4, triggers: true)
        Self.take(&decider, hold, "g0", 1001, at: 4, triggers: true)
        #expect(Self.numbers(decider.gone).suffix(3) == [999, 1000, 1001])
        Self.expectBalance(decider)
    }

    @Test func `groups are bounded, open ones too`() {
        let hold = Self.hold()
        var decider = Self.decider()
        for number in 0..<HoldDecider.maximumGroups + 10 {
            Self.take(
                &decider, hold, "g\(number)", number, at: 1, triggers: number % 2 == 0,
                isHeld: number % 2 == 1)
        }
        #expect(decider.state.groups.count <= HoldDecider.maximumGroups)
        Self.expectBalance(decider)
    }

    @Test func `groups of a hold that is gone are removed`() {
        let hold = Self.hold()
        var decider = Self.decider()
        Self.take(&decider, hold, "a", 1, at: 1)
        decider.sweep([:], isForced: true)
        #expect(decider.counts[hold.id]?.removed == 1)
        Self.expectBalance(decider)
    }

    @Test func `keys tell values apart by kind, and whole numbers are one kind`() throws {
        func key(_ value: BSONValue) throws -> [UInt8] {
            let hold = Self.hold(by: "request.n")
            let event: BSONDocument = ["type": "t", "body": ["request": ["n": value]]]
            return try event.bytes.withUnsafeBytes { try #require(hold.key($0)) }
        }
        #expect(try key(.int32(7)) == key(.int64(7)))
        #expect(try key(.int32(7)) == key(.double(7)))
        #expect(try key(.int32(7)) != key(.string("7")))
        #expect(try key(.double(7.5)) != key(.double(7.25)))
        let long = String(repeating: "x", count: 5000)
        #expect(try key(.string(long)).count == 33)
        #expect(try key(.string(long)) != key(.string(long + "x")))
        let without: BSONDocument = ["type": "t", "body": ["request": 1]]
        #expect(without.bytes.withUnsafeBytes { Self.hold(by: "request.n").key($0) } == nil)
    }

    @Test(arguments: 0..<6)
    func `what stands on disk is what was decided, whenever it is read again`(seed: UInt64) throws {
        var random = SplitMix(seed)
        let folder = try TemporaryFolder()
        let path = folder.path + "/hold"
        let origin = JournalID(low: 1, high: 2)
        let hold = Self.hold(window: .seconds(20), capacity: 6)
        func open() throws -> HoldJournal {
            try HoldJournal(path: path, origin: origin, segmentBytes: 256 << 10, budgetBytes: 60_000)
        }
        var journal = try open()
        var decider = Self.decider(budget: 60_000)
        var gone: [LetGoEvent] = []
        var confirmed: UInt64 = 0
        _ = try journal.recover()
        for round in 0..<60 {
            for number in 0..<Int(random.next() % 30) {
                Self.take(
                    &decider, hold, "g\(random.next() % 12)", round * 100 + number,
                    at: Double(round) + Double(number) * 0.01, triggers: random.next() % 9 == 0,
                    isHeld: random.next() % 8 > 0, size: Int(random.next() % 2000))
            }
            decider.sweep([hold.id: hold])
            gone += decider.gone
            let decided = JournalPosition(sequence: 1, offset: UInt64(round * 8 + 4096))
            func mark() -> HoldJournal.Mark {
                HoldJournal.Mark(
                    decided: decided, confirmed: confirmed, counts: decider.counts,
                    clock: decider.state.clock, next: decider.state.next)
            }
            try journal.write(decider.changes, mark())
            decider.taken()
            if random.next() % 3 == 0, let last = gone.last?.number {
                confirmed = random.next() % (last + 1)
                gone.removeAll { $0.number <= confirmed }
                try journal.write([], mark())
            }
            if random.next() % 6 == 0 { try journal.begin(decider.state, gone, mark()) }
            guard random.next() % 4 == 0 else { continue }
            journal.close()
            journal = try open()
            let found = try #require(try journal.recover())
            decider.sweep([hold.id: hold], isForced: true)
            #expect(found.decided == decided)
            #expect(found.counts == decider.counts)
            #expect(found.state.next == decider.state.next)
            #expect(found.gone.map(\.number) == gone.map(\.number))
            #expect(found.gone.map(\.event.bytes) == gone.map(\.event.bytes))
            var state = found.state
            state.closeOpen()
            #expect(Set(state.groups.keys) == Set(decider.state.groups.keys))
            for (key, group) in decider.state.groups {
                let other = try #require(state.groups[key])
                #expect(other.events[other.head...].map(\.bytes) == group.events[group.head...].map(\.bytes))
                #expect(other.openUntil == group.openUntil)
            }
            #expect(state.bytes == decider.state.bytes)
            gone += decider.gone
            try journal.write(decider.changes, mark())
            decider.taken()
        }
        journal.close()
    }

    private struct SplitMix {
        var state: UInt64
        init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            return RuleSample.mix(state)
        }
    }
}
