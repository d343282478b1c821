/// The value as a Swift type; nil when it is something else.
extension BSONValue {
    /// The text of a string or a symbol, and of a binary of subtype 0 that is UTF-8: the way Python 2 clients
    /// spell text.
    public var stringValue: String? {
        switch self {
        case .string(let text), .symbol(let text): text
        case .binary(let binary) where binary.subtype == 0: String(validating: binary.bytes, as: UTF8.self)
        default: nil
        }
    }

    /// A number that is whole and fits 64 signed bits, whichever numeric type carries it.
    public var intValue: Int64? {
        switch self {
        case .int32(let value): Int64(value)
        case .int64(let value): value
        case .double(let value): Int64(exactly: value)
        case .decimal128(let value): value.int64
        default: nil
        }
    }

    /// Any number, to the nearest double.
    public var doubleValue: Double? {
        switch self {
        case .int32(let value): Double(value)
        case .int64(let value): Double(value)
        case .double(let value): value
        case .decimal128(let value): value.double
        default: nil
        }
    }

    /// A bool; numbers are none.
    public var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// Milliseconds since the Unix epoch.
    public var datetimeValue: Int64? {
        if case .datetime(let milliseconds) = self { milliseconds } else { nil }
    }

    /// A binary of any subtype.
    public var binaryValue: BSONBinary? {
        if case .binary(let binary) = self { binary } else { nil }
    }

    /// An object id.
    public var objectIDValue: BSONObjectID? {
        if case .objectID(let id) = self { id } else { nil }
    }

    /// A document; an array is none.
    public var documentValue: BSONDocument? {
        if case .document(let document) = self { document } else { nil }
    }

    /// The elements of an array, in order. Cost: one pass and a copy of each.
    public var arrayValues: [BSONValue]? {
        if case .array(let document) = self { document.map(\.value) } else { nil }
    }

    /// Whether this is null or the deprecated undefined.
    public var isNull: Bool {
        switch self {
        case .null, .undefined: true
        default: false
        }
    }
}
