import SkeinBSON
import SkeinCrypto
import SkeinJournal
import SkeinPlatform
import SkeinWire

/// A rule's `hold:`, made ready to run.
struct RuleHold: Sendable {
    /// Tells it from every other, and from itself under other rules before it: what decides whether an event is held.
    let id: UInt64
    let until: any EventFilter
    let window: Int64
    let capacity: Int
    private let by: [[UInt8]]
    /// Where in the journal it begins; nil: everywhere.
    private let begin: HoldBeginning?

    /// What an event must leave free below the largest record, so that it can be let go.
    static let headroom = 64

    /// - Parameter rules: the rules up to and with the one that holds.
    init(
        _ hold: Rule.Hold, _ rules: ArraySlice<Rule>, begins: [UInt64: HoldBeginning],
        compile: EventFilterCompiler?
    ) {
        id = Self.id(rules)
        until = (try? compile?(hold.until)) ?? NeverFilter()
        window = hold.window.wholeNanoseconds
        capacity = hold.capacity
        by = FieldPath.steps(hold.by).map { Array($0.utf8) }
        begin = begins[id]
    }

    /// The ids of the holds among rules, in their order.
    static func ids(_ rules: [Rule]) -> [UInt64] {
        rules.indices.filter { rules[$0].hold != nil }.map { id(rules[...$0]) }
    }

    private static func id(_ rules: ArraySlice<Rule>) -> UInt64 {
        var id: UInt64 = 0
        for var rule in rules {
            rule.to = []
            // Of a name nothing depends but what a rate decides.
            if rule.rate == nil { rule.name = nil }
            rule.hold?.until = ""
            rule.hold?.window = .zero
            rule.hold?.capacity = 0
            let bytes = rule.document.bytes
            id = RuleSample.mix(id &+ 1) ^ bytes.withUnsafeBytes(RuleSample.hash)
        }
        return id
    }

    /// Whether a record of the journal is late enough to be held.
    func holds(_ position: JournalPosition?) -> Bool {
        guard let position, let begin else { return true }
        return position.ordinal >= begin.ordinal
    }

    /// What an event is grouped by; nil: it has no such field, and is not held.
    func key(_ event: UnsafeRawBufferPointer) -> [UInt8]? {
        guard var view = BSONView(prefixOf: event) else { return nil }
        for (index, step) in by.enumerated() {
            guard let element = step.withUnsafeBytes({ view.first(key: $0) }) else { return nil }
            if index == by.count - 1 { return Self.key(element) }
            guard let inner = element.document else { return nil }
            view = inner
        }
        return nil
    }

    private static let longKeys = KeyedHash(key: Array("skein hold".utf8))

    /// A value as a key: text by its bytes, whole numbers by their value, others by their type and bytes; long ones by their hash.
    static func key(_ element: BSONElement) -> [UInt8] {
        var key: [UInt8]
        if let text = element.textBytes() {
            key = [UInt8(ascii: "t")] + text
        } else if let number = element.integer {
            key = [UInt8(ascii: "n")] + Array(String(number).utf8)
        } else {
            key = [element.type.rawValue] + element.value
        }
        if key.count > 128 { key = [UInt8(ascii: "h")] + key.withUnsafeBytes { longKeys.hash($0) } }
        return key
    }
}

/// A record of the journal that a hold let go: the document of the original, then 16 bytes.
enum LetGoRecord {
    static let trailerBytes = 16
    /// The stream of a collector's own journal that numbers them.
    static func stream(_ journal: JournalID) -> JournalStream {
        JournalStream(journal: journal, opening: 0x646C_6F68, shard: 0)
    }

    /// The document, and the hold that let it go; nil if it is no such record.
    static func parse(
        _ payload: UnsafeRawBufferPointer
    ) -> (event: UnsafeRawBufferPointer, hold: UInt64)? {
        guard let length = BSONView.announcedLength(payload), length + trailerBytes == payload.count else {
            return nil
        }
        let hold = UInt64(littleEndian: payload.loadUnaligned(fromByteOffset: length, as: UInt64.self))
        return (UnsafeRawBufferPointer(rebasing: payload[..<length]), hold)
    }
}

extension RecordView {
    /// What the record is for an outlet that gets it.
    var routedKind: RecordKind { kind == .held ? .event : kind }
}
