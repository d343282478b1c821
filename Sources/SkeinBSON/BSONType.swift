/// The type byte of a BSON element (bsonspec.org, version 1.1).
@frozen public enum BSONType: UInt8, Sendable, Hashable, CaseIterable {
    /// 64-bit floating point.
    case double = 0x01
    /// UTF-8 text with its length in front.
    case string = 0x02
    /// A nested document.
    case document = 0x03
    /// A document whose keys are `0`, `1`, …
    case array = 0x04
    /// Bytes with a subtype.
    case binary = 0x05
    /// Deprecated: no value.
    case undefined = 0x06
    /// MongoDB's 12-byte id.
    case objectID = 0x07
    /// One byte, 0 or 1.
    case bool = 0x08
    /// Milliseconds since the Unix epoch, 64 bits, signed.
    case datetime = 0x09
    /// No value.
    case null = 0x0A
    /// Pattern and options, each up to a NUL.
    case regex = 0x0B
    /// Deprecated: a collection's name and an object id.
    case dbPointer = 0x0C
    /// JavaScript without a scope.
    case javascript = 0x0D
    /// Deprecated: text of a type of its own.
    case symbol = 0x0E
    /// Deprecated: JavaScript and a document of its variables.
    case javascriptWithScope = 0x0F
    /// A whole number of 32 bits, signed.
    case int32 = 0x10
    /// MongoDB's internal timestamp: a counter and Unix seconds, 32 bits each.
    case timestamp = 0x11
    /// A whole number of 64 bits, signed.
    case int64 = 0x12
    /// A decimal floating-point number of 34 digits.
    case decimal128 = 0x13
    /// Sorts below all other values.
    case minKey = 0xFF
    /// Sorts above all other values.
    case maxKey = 0x7F
}

extension BSONType {
    /// As `init(rawValue:)`, which the compiler does not inline into a walk.
    @inlinable @inline(__always)
    init?(byte: UInt8) {
        switch byte {
        case 0x01: self = .double
        case 0x02: self = .string
        case 0x03: self = .document
        case 0x04: self = .array
        case 0x05: self = .binary
        case 0x06: self = .undefined
        case 0x07: self = .objectID
        case 0x08: self = .bool
        case 0x09: self = .datetime
        case 0x0A: self = .null
        case 0x0B: self = .regex
        case 0x0C: self = .dbPointer
        case 0x0D: self = .javascript
        case 0x0E: self = .symbol
        case 0x0F: self = .javascriptWithScope
        case 0x10: self = .int32
        case 0x11: self = .timestamp
        case 0x12: self = .int64
        case 0x13: self = .decimal128
        case 0xFF: self = .minKey
        case 0x7F: self = .maxKey
        default: return nil
        }
    }
}
