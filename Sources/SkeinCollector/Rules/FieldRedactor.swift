import SkeinBSON
import SkeinCrypto
import SkeinPlatform

/// Takes fields out of an event, and hides values, by patterns of their keys.
///
/// One pass over the bytes: what no pattern can reach is copied as it is, documents and arrays on the way get new lengths,
/// the order of keys stays. Of an array the elements after one that is taken out move up. Code with scope is one value.
struct FieldRedactor: Sendable {
    /// What becomes of what a pattern matches.
    enum Treatment: Sendable {
        case remove
        case mask([UInt8])
        case hash(KeyedHash)
    }

    private struct Entry: Sendable {
        var pattern: KeyPattern
        var treatment: Treatment
    }

    private let entries: [Entry]

    /// What one pass did.
    struct Outcome {
        /// Fields that were taken out or hidden.
        var count: UInt64 = 0
        /// The bytes are no document: nothing that was written counts.
        var isBroken = false
    }

    /// - Parameter parts: the first pattern that matches decides.
    init(_ parts: [(KeyPattern, Treatment)]) {
        entries = parts.map { Entry(pattern: $0.0, treatment: $0.1) }
    }

    var isEmpty: Bool { entries.isEmpty }

    /// Writes the event as it is to be.
    /// - Parameter states: memory for the walk, used again by the next.
    func rewrite(
        _ event: UnsafeRawBufferPointer, into buffer: RewriteBuffer, states: inout [KeyPattern.State]
    ) -> Outcome {
        var outcome = Outcome()
        guard let view = BSONView(prefixOf: event) else {
            outcome.isBroken = true
            return outcome
        }
        states.removeAll(keepingCapacity: true)
        states.append(contentsOf: entries.lazy.map(\.pattern.start))
        walk(view, isArray: false, depth: 0, at: 0, buffer, &states, &outcome)
        return outcome
    }

    /// - Parameter states: from `at` on what is matched up to the document.
    private func walk(
        _ view: BSONView, isArray: Bool, depth: Int, at: Int, _ buffer: RewriteBuffer,
        _ states: inout [KeyPattern.State], _ outcome: inout Outcome
    ) {
        let start = buffer.begin()
        let own = at + entries.count
        var elements = view.makeElements()
        var index = 0
        var removed = 0
        do {
            while let element = try elements.next() {
                defer { index += 1 }
                states.removeLast(states.count - own)
                var isReached = false
                var found: Int?
                for number in entries.indices {
                    let pattern = entries[number].pattern
                    var state = pattern.advance(states[at + number], element.key)
                    if found == nil, pattern.isMatched(state) { found = number }
                    // An element's place may be left out.
                    if isArray { state |= states[at + number] }
                    isReached = isReached || state != 0
                    states.append(state)
                }
                if depth == 0, let isBody = Self.envelopeKey(element) {
                    found = nil
                    isReached = isReached && isBody
                }
                if let found {
                    outcome.count += 1
                    treat(element, entries[found].treatment, isArray, index - removed, removed > 0, buffer)
                    if case .remove = entries[found].treatment { removed += 1 }
                } else if isReached, depth < 100, let inner = element.document {
                    header(element.type, element, isArray, index - removed, removed > 0, buffer)
                    walk(
                        inner, isArray: element.type == .array, depth: depth + 1, at: own, buffer, &states,
                        &outcome)
                } else {
                    header(element.type, element, isArray, index - removed, removed > 0, buffer)
                    buffer.append(element.value)
                }
            }
        } catch {
            outcome.isBroken = true
        }
        buffer.end(start)
    }

    /// Whether a key at the top is one that stays, and then whether what is in it may be changed; nil: it is no such key.
    private static func envelopeKey(_ element: BSONElement) -> Bool? {
        if element.hasKey("body") { return true }
        return KeyPattern.keptKeys.contains { key in
            key.withUTF8Buffer { element.hasKey(UnsafeRawBufferPointer($0)) }
        } ? false : nil
    }

    private func header(
        _ type: BSONType, _ element: BSONElement, _ isArray: Bool, _ index: Int, _ isMoved: Bool,
        _ buffer: RewriteBuffer
    ) {
        if isArray && isMoved {
            buffer.header(type, index: index)
        } else {
            buffer.header(type, element.key)
        }
    }

    private func treat(
        _ element: BSONElement, _ treatment: Treatment, _ isArray: Bool, _ index: Int, _ isMoved: Bool,
        _ buffer: RewriteBuffer
    ) {
        switch treatment {
        case .remove: break
        case .mask(let text):
            header(.string, element, isArray, index, isMoved, buffer)
            text.withUnsafeBytes { buffer.text($0) }
        case .hash(let hash):
            header(.string, element, isArray, index, isMoved, buffer)
            Self.digest(element, hash).withUnsafeBytes { buffer.text($0) }
        }
    }

    /// 32 hex digits: of text the text's bytes, of any other value its type and bytes.
    private static func digest(_ element: BSONElement, _ hash: KeyedHash) -> [UInt8] {
        let bytes: [UInt8]
        if let text = element.textBytes() {
            bytes = hash.hash(text)
        } else {
            bytes = withUnsafeBytes(of: element.type.rawValue) { hash.hash($0, element.value) }
        }
        return bytes.prefix(16).flatMap { byte in
            [byte >> 4, byte & 15].map { $0 < 10 ? 0x30 + $0 : 0x57 + $0 }
        }
    }
}

extension KeyPattern {
    /// As in ``kept``, but for the body; and what tells the answers of processors, at the top.
    static let keptKeys: [StaticString] = [
        "id", "type", "host", "pid", "start", "end", "span", "parent", "trace", "rate", "level", "processor",
    ]
}
