/// A type that is one BSON value by itself.
///
/// ``BSONEncoder`` and ``BSONDecoder`` ask for it before they look at `Codable`, so a conformance decides how a type stands
/// in a document: a date as a datetime rather than as the number that it encodes itself as.
///
/// ```swift
/// struct Celsius: Codable, BSONConvertible {
///     var degrees: Double
///     var bsonValue: BSONValue { .double(degrees) }
///     init?(bsonValue: BSONValue) {
///         guard let degrees = bsonValue.doubleValue else { return nil }
///         self.degrees = degrees
///     }
/// }
/// ```
public protocol BSONConvertible {
    /// The value that stands for this.
    var bsonValue: BSONValue { get }

    /// Reads such a value. Nil if it is another kind of value or does not fit; the decoder then tries `Decodable`.
    init?(bsonValue: BSONValue)
}

/// The standard library's own scalars: their `Decodable` only leads back to the decoder, so it is never tried.
protocol BSONScalar: BSONConvertible {}

extension Bool: BSONScalar {
    public var bsonValue: BSONValue { .bool(self) }
    public init?(bsonValue: BSONValue) {
        guard let value = bsonValue.boolValue else { return nil }
        self = value
    }
}

extension String: BSONScalar {
    public var bsonValue: BSONValue { .string(self) }
    /// Takes strings, symbols, and binaries of subtype 0 that are UTF-8.
    public init?(bsonValue: BSONValue) {
        guard let value = bsonValue.stringValue else { return nil }
        self = value
    }
}

extension Double: BSONScalar {
    public var bsonValue: BSONValue { .double(self) }
    /// Takes any number.
    public init?(bsonValue: BSONValue) {
        guard let value = bsonValue.doubleValue else { return nil }
        self = value
    }
}

extension Float: BSONScalar {
    public var bsonValue: BSONValue { .double(Double(self)) }
    /// Takes any number, to the nearest float.
    public init?(bsonValue: BSONValue) {
        guard let value = bsonValue.doubleValue else { return nil }
        self = Float(value)
    }
}

extension FixedWidthInteger where Self: BSONConvertible {
    /// Takes any whole number that fits.
    public init?(bsonValue: BSONValue) {
        if let value = bsonValue.intValue {
            self.init(exactly: value)
        } else if case .decimal128(let decimal) = bsonValue, let value = decimal.uint64 {
            self.init(exactly: value)
        } else {
            return nil
        }
    }
}

extension Int: BSONScalar {
    public var bsonValue: BSONValue { .int64(Int64(self)) }
}

extension Int8: BSONScalar {
    public var bsonValue: BSONValue { .int32(Int32(self)) }
}

extension Int16: BSONScalar {
    public var bsonValue: BSONValue { .int32(Int32(self)) }
}

extension Int32: BSONScalar {
    public var bsonValue: BSONValue { .int32(self) }
}

extension Int64: BSONScalar {
    public var bsonValue: BSONValue { .int64(self) }
}

extension UInt8: BSONScalar {
    public var bsonValue: BSONValue { .int32(Int32(self)) }
}

extension UInt16: BSONScalar {
    public var bsonValue: BSONValue { .int32(Int32(self)) }
}

extension UInt32: BSONScalar {
    public var bsonValue: BSONValue { .int64(Int64(self)) }
}

extension UInt64: BSONScalar {
    /// An int64, or above 2⁶³ − 1 a decimal128 that is exact.
    public var bsonValue: BSONValue {
        Int64(exactly: self).map { .int64($0) } ?? .decimal128(BSONDecimal128(self))
    }
}

extension UInt: BSONScalar {
    /// As `UInt64`.
    public var bsonValue: BSONValue { UInt64(self).bsonValue }
}

extension Array: BSONConvertible where Element == UInt8 {
    /// A binary of subtype 0.
    public var bsonValue: BSONValue { .binary(BSONBinary(bytes: self)) }
    /// Takes a binary of any subtype.
    public init?(bsonValue: BSONValue) {
        guard let binary = bsonValue.binaryValue else { return nil }
        self = binary.bytes
    }
}

extension BSONValue: BSONConvertible {
    public var bsonValue: BSONValue { self }
    public init?(bsonValue: BSONValue) { self = bsonValue }
}

extension BSONDocument: BSONConvertible {
    public var bsonValue: BSONValue { .document(self) }
    /// Takes a document or an array.
    public init?(bsonValue: BSONValue) {
        switch bsonValue {
        case .document(let document), .array(let document): self = document
        default: return nil
        }
    }
}

extension BSONBinary: BSONConvertible {
    public var bsonValue: BSONValue { .binary(self) }
    public init?(bsonValue: BSONValue) {
        guard let binary = bsonValue.binaryValue else { return nil }
        self = binary
    }
}

extension BSONObjectID: BSONConvertible {
    public var bsonValue: BSONValue { .objectID(self) }
    public init?(bsonValue: BSONValue) {
        guard let id = bsonValue.objectIDValue else { return nil }
        self = id
    }
}

extension BSONDecimal128: BSONConvertible {
    public var bsonValue: BSONValue { .decimal128(self) }
    public init?(bsonValue: BSONValue) {
        guard case .decimal128(let value) = bsonValue else { return nil }
        self = value
    }
}
