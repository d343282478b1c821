import SkeinBSON

/// One value of every type, the plain ones and the edges.
enum Samples {
    static let objectID = BSONObjectID(hex: "0123456789abcdefFEDCBA98").unsafelyUnwrapped

    static let everyType: [(String, BSONValue)] = [
        ("double", .double(1.5)),
        ("string", .string("grün \u{0} 🪶")),
        ("document", ["a": 1, "b": ["c": nil]]),
        ("array", [1, "two", 3.0, [true]]),
        ("binary", .binary(BSONBinary(bytes: [1, 2, 3]))),
        ("binaryOld", .binary(BSONBinary(subtype: 2, bytes: [9, 8]))),
        ("binaryUUID", .binary(BSONBinary(subtype: 4, bytes: Array(0..<16)))),
        ("binaryUser", .binary(BSONBinary(subtype: 0x80, bytes: []))),
        ("undefined", .undefined),
        ("objectID", .objectID(objectID)),
        ("true", true),
        ("false", false),
        ("datetime", .datetime(1_700_000_000_123)),
        ("before", .datetime(-1)),
        ("null", nil),
        ("regex", .regex(pattern: "^a.*$", options: "im")),
        ("dbPointer", .dbPointer("db.collection", objectID)),
        ("javascript", .javascript("x = 1;")),
        ("symbol", .symbol("sym")),
        ("scope", .javascriptWithScope("return n", ["n": 7])),
        ("int32", .int32(-7)),
        ("timestamp", .timestamp(increment: 5, seconds: 4_000_000_000)),
        ("int64", .int64(.min)),
        ("decimal", .decimal128(BSONDecimal128(UInt64.max))),
        ("minKey", .minKey),
        ("maxKey", .maxKey),
        ("", ""),
        ("", .int32(0)),
    ]

    /// Types, from bytes.
    static let everyDocument = BSONDocument(everyType)
}

extension BSONDocument {
    /// Lends the bytes.
    func withBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        bytes.withUnsafeBytes(body)
    }
}
