public import Foundation
public import Skein
public import SkeinBSON

// Foundation's values as fields, for apps that import Foundation anyway: the SDK itself does not.

extension Date: FieldValue {
    /// A datetime: milliseconds since 1970-01-01 UTC, rounded; clamped to what an int64 holds.
    public var bsonValue: BSONValue { .datetime(milliseconds) }
    public func encode(into target: FieldTarget) { target.datetime(milliseconds) }

    private var milliseconds: Int64 {
        let exact = (timeIntervalSince1970 * 1_000).rounded()
        return Int64(exactly: exact) ?? (exact > 0 ? .max : .min)
    }
}

extension UUID: FieldValue {
    /// Binary of subtype 4.
    public var bsonValue: BSONValue {
        .binary(BSONBinary(subtype: 4, bytes: withUnsafeBytes(of: uuid) { Array($0) }))
    }

    public func encode(into target: FieldTarget) {
        withUnsafeBytes(of: uuid) { target.bytes($0, subtype: 4) }
    }
}

extension Data: FieldValue {
    /// Binary of subtype 0.
    public var bsonValue: BSONValue { .binary(BSONBinary(subtype: 0, bytes: Array(self))) }
    public func encode(into target: FieldTarget) { withUnsafeBytes { target.bytes($0) } }
}

extension URL: FieldValue {
    /// The address as text.
    public var bsonValue: BSONValue { .string(absoluteString) }
}
