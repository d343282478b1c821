public import SkeinBSON

/// A value that a field can have. Bool, integers, floating point, strings, durations, byte arrays, arrays, dictionaries and
/// BSON values are; conform your own by saying what it is in BSON.
///
/// ```swift
/// enum Plan: String, FieldValue {
///     case free, paid
///     var bsonValue: BSONValue { .string(rawValue) }
/// }
/// ```
public protocol FieldValue {
    /// The value in BSON. Called once a write, only if the context records.
    var bsonValue: BSONValue { get }

    /// Writes the value. The default writes ``bsonValue``; implement it only to spare that.
    func encode(into target: FieldTarget)
}

extension FieldValue {
    public func encode(into target: FieldTarget) {
        target.value(bsonValue)
    }
}

/// One field of one context, about to be written. Call exactly one of its methods, once.
@frozen
public struct FieldTarget {
    @usableFromInline let context: Unmanaged<Context>
    @usableFromInline let key: UnsafeRawPointer
    @usableFromInline let keyLength: Int
    @usableFromInline let literal: Bool

    @inlinable @inline(__always)
    init(_ context: Context, key: UnsafeRawPointer, keyLength: Int, literal: Bool) {
        self.context = Unmanaged.passUnretained(context)
        self.key = key
        self.keyLength = keyLength
        self.literal = literal
    }

    @inlinable @inline(__always)
    func scalar(_ type: BSONType, _ bits: UInt64, size: Int) {
        context._withUnsafeGuaranteedRef {
            $0.writeScalar(key, keyLength, literal: literal, type: type.rawValue, bits: bits, size: size)
        }
    }

    /// Writes an int64.
    @inlinable @inline(__always)
    public func int64(_ value: Int64) { scalar(.int64, UInt64(bitPattern: value), size: 8) }

    /// Writes an int32.
    @inlinable @inline(__always)
    public func int32(_ value: Int32) { scalar(.int32, UInt64(UInt32(bitPattern: value)), size: 4) }

    /// Writes a double.
    @inlinable @inline(__always)
    public func double(_ value: Double) { scalar(.double, value.bitPattern, size: 8) }

    /// Writes a bool.
    @inlinable @inline(__always)
    public func bool(_ value: Bool) { scalar(.bool, value ? 1 : 0, size: 1) }

    /// Writes a datetime: milliseconds since 1970-01-01 UTC.
    @inlinable @inline(__always)
    public func datetime(_ milliseconds: Int64) {
        scalar(.datetime, UInt64(bitPattern: milliseconds), size: 8)
    }

    /// Writes a string; a longer one than the limit is cut.
    @inlinable @inline(__always)
    public func string(_ value: String) {
        var value = value
        value.withUTF8 { utf8 in
            context._withUnsafeGuaranteedRef { $0.writeString(key, keyLength, literal: literal, utf8) }
        }
    }

    /// Writes UTF-8 text that the caller vouches for.
    @inlinable @inline(__always)
    public func utf8(_ text: UnsafeBufferPointer<UInt8>) {
        context._withUnsafeGuaranteedRef { $0.writeString(key, keyLength, literal: literal, text) }
    }

    /// Writes binary; longer than the limit is cut.
    public func bytes(_ value: UnsafeRawBufferPointer, subtype: UInt8 = 0) {
        context._withUnsafeGuaranteedRef {
            $0.writeBytes(key, keyLength, literal: literal, subtype: subtype, value)
        }
    }

    /// Writes any BSON value.
    public func value(_ value: BSONValue) {
        context._withUnsafeGuaranteedRef { $0.writeValue(key, keyLength, literal: literal, value) }
    }
}
