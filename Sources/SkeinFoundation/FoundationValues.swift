public import Foundation
public import Skein
public import SkeinBSON

// Foundation's values as fields and inside Encodable ones, for apps that import Foundation anyway: the SDK itself does not.

extension Date: FieldValue, BSONConvertible {
    /// A datetime: milliseconds since 1970-01-01 UTC, rounded; clamped to what an int64 holds.
    public var bsonValue: BSONValue { .datetime(milliseconds) }
    public func encode(into target: FieldTarget) { target.datetime(milliseconds) }

    public init?(bsonValue: BSONValue) {
        guard case .datetime(let milliseconds) = bsonValue else { return nil }
        self.init(timeIntervalSince1970: Double(milliseconds) / 1_000)
    }

    private var milliseconds: Int64 {
        let exact = (timeIntervalSince1970 * 1_000).rounded()
        return Int64(exactly: exact) ?? (exact > 0 ? .max : .min)
    }
}

extension UUID: FieldValue, BSONConvertible {
    /// Binary of subtype 4.
    public var bsonValue: BSONValue {
        .binary(BSONBinary(subtype: 4, bytes: withUnsafeBytes(of: uuid) { Array($0) }))
    }

    public func encode(into target: FieldTarget) {
        withUnsafeBytes(of: uuid) { target.bytes($0, subtype: 4) }
    }

    public init?(bsonValue: BSONValue) {
        guard case .binary(let binary) = bsonValue, binary.subtype == 4, binary.bytes.count == 16 else {
            return nil
        }
        self.init(uuid: binary.bytes.withUnsafeBytes { $0.loadUnaligned(as: uuid_t.self) })
    }
}

extension Data: FieldValue, BSONConvertible {
    /// Binary of subtype 0.
    public var bsonValue: BSONValue { .binary(BSONBinary(subtype: 0, bytes: Array(self))) }
    public func encode(into target: FieldTarget) { withUnsafeBytes { target.bytes($0) } }

    public init?(bsonValue: BSONValue) {
        guard case .binary(let binary) = bsonValue else { return nil }
        self.init(binary.bytes)
    }
}

extension URL: FieldValue, BSONConvertible {
    /// The address as text.
    public var bsonValue: BSONValue { .string(absoluteString) }

    public init?(bsonValue: BSONValue) {
        guard case .string(let text) = bsonValue else { return nil }
        self.init(string: text)
    }
}
