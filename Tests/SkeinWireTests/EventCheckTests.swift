import SkeinBSON
import SkeinWire
import Testing

/// Bytes of BSON spelled element by element, right or wrong.
struct RawDocument {
    var elements: [UInt8] = []

    static func int32(_ value: Int) -> [UInt8] {
        withUnsafeBytes(of: Int32(truncatingIfNeeded: value).littleEndian) { Array($0) }
    }

    static func int64(_ value: Int64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

    mutating func element(_ kind: UInt8, _ key: String, _ value: [UInt8]) {
        elements += [kind] + Array(key.utf8) + [0] + value
    }

    mutating func string(_ key: String, _ value: String) {
        element(0x02, key, Self.int32(value.utf8.count + 1) + Array(value.utf8) + [0])
    }

    /// Text as PyPI's bson 0.3.5 writes a `str` of Python 2.
    mutating func binary(_ key: String, _ value: String, subtype: UInt8 = 0) {
        element(0x05, key, Self.int32(value.utf8.count) + [subtype] + Array(value.utf8))
    }

    mutating func double(_ key: String, _ value: Double) {
        element(0x01, key, Self.int64(Int64(bitPattern: value.bitPattern)))
    }

    var bytes: [UInt8] { Self.int32(elements.count + 5) + elements + [0] }

    static func event(type: String = "request.sql") -> RawDocument {
        var event = RawDocument()
        event.string("id", "5f0c3d2a0102030405060708090a0b0c")
        event.string("type", type)
        event.string("host", "web1")
        event.element(0x10, "pid", int32(4711))
        event.double("start", 1_700_000_000.25)
        event.double("end", 1_700_000_001.5)
        event.element(0x03, "body", [5, 0, 0, 0, 0])
        event.string("span", "0102030405060708")
        event.string("parent", "1112131415161718")
        event.element(0x10, "level", int32(40))
        return event
    }
}

private func check(_ bytes: [UInt8]) -> Result<EventEnvelope, RejectReason> {
    bytes.withUnsafeBytes { EventCheck.check($0) }
}

private func reason(_ bytes: [UInt8]) -> RejectReason? {
    if case .failure(let reason) = check(bytes) { reason } else { nil }
}

@Test func `an event's envelope is found in one pass`() throws {
    let bytes = RawDocument.event().bytes
    let envelope = try check(bytes).get()
    bytes.withUnsafeBytes { document in
        #expect(envelope.id.string(in: document) == "5f0c3d2a0102030405060708090a0b0c")
        #expect(envelope.type.string(in: document) == "request.sql")
        #expect(envelope.host.string(in: document) == "web1")
        #expect(envelope.span.string(in: document) == "0102030405060708")
        #expect(envelope.parent.string(in: document) == "1112131415161718")
    }
    #expect(envelope.start == 1_700_000_000.25)
    #expect(envelope.end == 1_700_000_001.5)
    #expect(envelope.time == 1_700_000_001.5)
    #expect(envelope.level == 40)
    #expect(envelope.numericID == nil)
}

@Test func `an event as Python 2 spells it is taken, in any order of keys`() throws {
    var event = RawDocument()
    event.double("start", 10)
    event.binary("host", "old1")
    event.element(0x03, "body", [5, 0, 0, 0, 0])
    event.binary("type", "request")
    event.element(0x10, "id", RawDocument.int32(12))
    let envelope = try check(event.bytes).get()
    event.bytes.withUnsafeBytes { document in
        #expect(envelope.type.string(in: document) == "request")
        #expect(envelope.host.string(in: document) == "old1")
        #expect(envelope.id.string(in: document) == nil)
    }
    #expect(envelope.numericID == 12)
    #expect(envelope.end == nil)
    #expect(envelope.time == 10)
}

@Test func `every truncation of an event is refused`() {
    let bytes = RawDocument.event().bytes
    for count in 0..<bytes.count {
        #expect(reason(Array(bytes[..<count])) == .notBSON)
    }
    #expect(reason(bytes) == nil)
}

@Test func `bytes behind the document are told from bytes that are no document`() {
    #expect(reason(RawDocument.event().bytes + [0]) == .trailingBytes)
    #expect(reason(Array("{\"type\": \"request\"}".utf8)) == .notBSON)
    #expect(reason([]) == .notBSON)
}

@Test func `a type must be able to name a file`() {
    for type in ["", ".x", "a/b", "a\u{0}b", "a\nb", "a\u{7f}", String(repeating: "x", count: 201)] {
        #expect(reason(RawDocument.event(type: type).bytes) == .badType)
    }
    for type in ["a", "a.b", "_x", "Größe", String(repeating: "x", count: 200)] {
        #expect(reason(RawDocument.event(type: type).bytes) == nil)
    }
    var latin = RawDocument()
    latin.element(0x05, "type", RawDocument.int32(2) + [0, 0xE9, 0x61])
    #expect(reason(latin.bytes) == .badType)
}

@Test func `an event without a type that is text is refused`() {
    #expect(reason([5, 0, 0, 0, 0]) == .noType)
    var number = RawDocument()
    number.element(0x10, "type", RawDocument.int32(1))
    #expect(reason(number.bytes) == .noType)
    var uuid = RawDocument()
    uuid.binary("type", "0123456789abcdef", subtype: 4)
    #expect(reason(uuid.bytes) == .noType)
}

@Test func `a document over the limit is too large, whatever its first bytes say`() {
    var bytes = [UInt8](repeating: 0, count: EventCheck.maximumBytes + 1)
    #expect(reason(bytes) == .tooLarge)
    bytes.replaceSubrange(0..<4, with: RawDocument.int32(bytes.count))
    #expect(reason(bytes) == .tooLarge)
    let event = RawDocument.event().bytes
    bytes.replaceSubrange(0..<event.count, with: event)
    #expect(reason(bytes) == .trailingBytes)
}

@Test func `values of every type are stepped over, and wrong ones refused`() {
    let good: [(UInt8, [UInt8])] = [
        (0x01, .init(repeating: 0, count: 8)), (0x02, [1, 0, 0, 0, 0]), (0x03, [5, 0, 0, 0, 0]),
        (0x04, [5, 0, 0, 0, 0]), (0x05, [0, 0, 0, 0, 0x80]), (0x05, [4, 0, 0, 0, 2, 0, 0, 0, 0]), (0x06, []),
        (0x07, .init(repeating: 1, count: 12)), (0x08, [1]), (0x09, .init(repeating: 0, count: 8)),
        (0x0A, []),
        (0x0B, [0x61, 0, 0]), (0x0C, [1, 0, 0, 0, 0] + .init(repeating: 0, count: 12)),
        (0x0D, [1, 0, 0, 0, 0]), (0x0E, [1, 0, 0, 0, 0]),
        (0x0F, [14, 0, 0, 0, 1, 0, 0, 0, 0, 5, 0, 0, 0, 0]), (0x10, [0, 0, 0, 0]),
        (0x11, .init(repeating: 0, count: 8)), (0x12, .init(repeating: 0, count: 8)),
        (0x13, .init(repeating: 0, count: 16)), (0x7F, []), (0xFF, []),
    ]
    for (kind, value) in good {
        var event = RawDocument.event()
        event.element(kind, "x", value)
        #expect(reason(event.bytes) == nil, "type \(kind)")
        guard !value.isEmpty else { continue }
        var short = RawDocument.event()
        short.element(kind, "x", value.dropLast())
        #expect(reason(short.bytes) == .notBSON, "type \(kind), one byte short")
    }
    let bad: [(UInt8, [UInt8])] = [
        (0x00, []), (0x14, []), (0x80, []), (0x08, [2]), (0x02, [0, 0, 0, 0]), (0x02, [1, 0, 0, 0, 1]),
        (0x02, [0xFF, 0xFF, 0xFF, 0xFF, 0]), (0x02, [2, 0, 0, 0, 0xFF, 0]), (0x03, [4, 0, 0, 0, 0]),
        (0x03, [5, 0, 0, 0, 1]), (0x05, [0xFF, 0xFF, 0xFF, 0x7F, 0]), (0x05, [4, 0, 0, 0, 2, 1, 0, 0, 0]),
        (0x0F, [13, 0, 0, 0, 1, 0, 0, 0, 0, 5, 0, 0, 0, 0]),
    ]
    for (kind, value) in bad {
        var event = RawDocument.event()
        event.element(kind, "x", value)
        #expect(reason(event.bytes) == .notBSON, "type \(kind), \(value)")
    }
}

@Test func `documents nest a hundred deep and no deeper`() {
    func nested(_ depth: Int) -> [UInt8] {
        (1..<depth).reduce([5, 0, 0, 0, 0]) { inner, _ in
            RawDocument.int32(inner.count + 8) + [0x03, 0x61, 0] + inner + [0]
        }
    }
    func event(_ depth: Int) -> [UInt8] {
        var event = RawDocument.event()
        event.element(0x03, "deep", nested(depth))
        return event.bytes
    }
    #expect(reason(event(EventCheck.maximumDepth - 1)) == nil)
    #expect(reason(event(EventCheck.maximumDepth)) == .notBSON)
    #expect(reason(event(5000)) == .notBSON)
}

@Test func `text is UTF-8 in its shortest form`() {
    let cases: [([UInt8], Bool)] = [
        ([0x61, 0x00, 0x62], true), ([0xC3, 0xA9], true), ([0xE2, 0x82, 0xAC], true),
        ([0xF0, 0x9F, 0x98, 0x80], true), ([0xED, 0x9F, 0xBF], true), ([0xF4, 0x8F, 0xBF, 0xBF], true),
        ([0xC0, 0x80], false), ([0xC1, 0xBF], false), ([0xE0, 0x9F, 0xBF], false),
        ([0xED, 0xA0, 0x80], false),
        ([0xF0, 0x8F, 0xBF, 0xBF], false), ([0xF4, 0x90, 0x80, 0x80], false),
        ([0xF5, 0x80, 0x80, 0x80], false),
        ([0x80], false), ([0xC3], false), ([0xE2, 0x82], false), ([0xF0, 0x9F, 0x98], false),
    ]
    for (text, isValid) in cases {
        for padding in [0, 3, 8, 13] {
            let value = [UInt8](repeating: 0x61, count: padding) + text
            var event = RawDocument.event()
            event.element(0x02, "x", RawDocument.int32(value.count + 1) + value + [0])
            #expect((reason(event.bytes) == nil) == isValid, "\(text) behind \(padding)")
            guard !text.contains(0) else { continue }
            var key = RawDocument.event()
            key.elements += [0x0A] + value + [0]
            #expect((reason(key.bytes) == nil) == isValid, "key \(text) behind \(padding)")
        }
    }
}

@Test func `any damage is judged as the validator judges it`() {
    let original = RawDocument.event().bytes
    var random = SystemRandomNumberGenerator()
    for round in 0..<20_000 {
        var bytes = original
        for _ in 0...round % 3 {
            bytes[.random(in: 4..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
        }
        let isDocument = bytes.withUnsafeBytes { BSONValidator.isValid($0) }
        switch check(bytes) {
        case .failure(.notBSON): #expect(!isDocument, "\(bytes)")
        case .failure: #expect(isDocument, "\(bytes)")
        case .success(let envelope):
            #expect(isDocument, "\(bytes)")
            bytes.withUnsafeBytes { raw in
                let view = BSONView(prefixOf: raw)
                let type = view?.first("type")?.text
                #expect(type == nil || type == envelope.type.string(in: raw))
            }
        }
    }
}
