/// One BSON value that owns its bytes.
///
/// Equality is that of the payload: a double NaN differs from itself, and 1 as int32 differs from 1 as int64.
/// Documents and arrays are kept as their bytes, so a value of any size is a few words and copies in O(1).
public enum BSONValue: Sendable, Hashable {
    /// 64-bit floating point.
    case double(Double)
    /// UTF-8 text; may hold NULs.
    case string(String)
    /// A nested document.
    case document(BSONDocument)
    /// A document with the keys `0`, `1`, … ; see ``BSONDocument/array(_:)``.
    case array(BSONDocument)
    /// Bytes with a subtype.
    case binary(BSONBinary)
    /// Deprecated: no value.
    case undefined
    /// MongoDB's 12-byte id.
    case objectID(BSONObjectID)
    /// True or false.
    case bool(Bool)
    /// Milliseconds since the Unix epoch, UTC.
    case datetime(Int64)
    /// No value.
    case null
    /// Neither part can hold a NUL: such a value is not written.
    indirect case regex(pattern: String, options: String)
    /// Deprecated: a collection's name and an object id.
    indirect case dbPointer(String, BSONObjectID)
    /// JavaScript without a scope.
    case javascript(String)
    /// Deprecated: text of a type of its own.
    case symbol(String)
    /// Deprecated: JavaScript and a document of its variables.
    indirect case javascriptWithScope(String, BSONDocument)
    /// A whole number of 32 bits, signed.
    case int32(Int32)
    /// MongoDB's internal time stamp: seconds since the Unix epoch, and a counter within the second.
    case timestamp(increment: UInt32, seconds: UInt32)
    /// A whole number of 64 bits, signed.
    case int64(Int64)
    /// A decimal floating-point number of 34 digits.
    case decimal128(BSONDecimal128)
    /// Sorts below all other values.
    case minKey
    /// Sorts above all other values.
    case maxKey

    /// The type byte that this value is written with.
    public var type: BSONType {
        switch self {
        case .double: .double
        case .string: .string
        case .document: .document
        case .array: .array
        case .binary: .binary
        case .undefined: .undefined
        case .objectID: .objectID
        case .bool: .bool
        case .datetime: .datetime
        case .null: .null
        case .regex: .regex
        case .dbPointer: .dbPointer
        case .javascript: .javascript
        case .symbol: .symbol
        case .javascriptWithScope: .javascriptWithScope
        case .int32: .int32
        case .timestamp: .timestamp
        case .int64: .int64
        case .decimal128: .decimal128
        case .minKey: .minKey
        case .maxKey: .maxKey
        }
    }
}

extension BSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    /// An integer literal is an int64, as `Int` is everywhere in Skein.
    public init(integerLiteral value: Int64) { self = .int64(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(nilLiteral: ()) { self = .null }
    public init(arrayLiteral elements: BSONValue...) { self = .array(.array(elements)) }
    public init(dictionaryLiteral elements: (String, BSONValue)...) {
        self = .document(BSONDocument(elements))
    }
}
