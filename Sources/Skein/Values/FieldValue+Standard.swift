public import SkeinBSON

extension Bool: FieldValue {
    public var bsonValue: BSONValue { .bool(self) }
    @inlinable public func encode(into target: FieldTarget) { target.bool(self) }
}

extension Int: FieldValue {
    public var bsonValue: BSONValue { .int64(Int64(self)) }
    @inlinable public func encode(into target: FieldTarget) { target.int64(Int64(self)) }
}

extension Int64: FieldValue {
    public var bsonValue: BSONValue { .int64(self) }
    @inlinable public func encode(into target: FieldTarget) { target.int64(self) }
}

extension UInt32: FieldValue {
    public var bsonValue: BSONValue { .int64(Int64(self)) }
    @inlinable public func encode(into target: FieldTarget) { target.int64(Int64(self)) }
}

extension Int32: FieldValue {
    public var bsonValue: BSONValue { .int32(self) }
    @inlinable public func encode(into target: FieldTarget) { target.int32(self) }
}

extension Int16: FieldValue {
    public var bsonValue: BSONValue { .int32(Int32(self)) }
    @inlinable public func encode(into target: FieldTarget) { target.int32(Int32(self)) }
}

extension Int8: FieldValue {
    public var bsonValue: BSONValue { .int32(Int32(self)) }
    @inlinable public func encode(into target: FieldTarget) { target.int32(Int32(self)) }
}

extension UInt16: FieldValue {
    public var bsonValue: BSONValue { .int32(Int32(self)) }
    @inlinable public func encode(into target: FieldTarget) { target.int32(Int32(self)) }
}

extension UInt8: FieldValue {
    public var bsonValue: BSONValue { .int32(Int32(self)) }
    @inlinable public func encode(into target: FieldTarget) { target.int32(Int32(self)) }
}

extension UInt64: FieldValue {
    /// int64 up to 2^63 − 1; above that decimal128, which is exact.
    public var bsonValue: BSONValue {
        Int64(exactly: self).map { .int64($0) } ?? .decimal128(BSONDecimal128(self))
    }
}

extension UInt: FieldValue {
    /// int64 up to 2^63 − 1; above that decimal128, which is exact.
    public var bsonValue: BSONValue { UInt64(self).bsonValue }
}

extension Double: FieldValue {
    public var bsonValue: BSONValue { .double(self) }
    @inlinable public func encode(into target: FieldTarget) { target.double(self) }
}

extension Float: FieldValue {
    public var bsonValue: BSONValue { .double(Double(self)) }
    @inlinable public func encode(into target: FieldTarget) { target.double(Double(self)) }
}

extension String: FieldValue {
    public var bsonValue: BSONValue { .string(self) }
    @inlinable public func encode(into target: FieldTarget) { target.string(self) }
}

extension Substring: FieldValue {
    public var bsonValue: BSONValue { .string(String(self)) }
    public func encode(into target: FieldTarget) {
        var copy = self
        copy.withUTF8 { target.utf8($0) }
    }
}

extension Character: FieldValue {
    public var bsonValue: BSONValue { .string(String(self)) }
}

extension StaticString: FieldValue {
    public var bsonValue: BSONValue { .string(description) }
    public func encode(into target: FieldTarget) {
        withUTF8Buffer { target.utf8($0) }
    }
}

extension Duration: FieldValue {
    /// Seconds.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }

    /// A double, in seconds.
    public var bsonValue: BSONValue { .double(seconds) }
    public func encode(into target: FieldTarget) { target.double(seconds) }
}

extension Array: FieldValue where Element: FieldValue {
    /// Bytes become binary; everything else an array.
    public var bsonValue: BSONValue {
        if let bytes = self as? [UInt8] { return .binary(BSONBinary(subtype: 0, bytes: bytes)) }
        return .array(BSONDocument.array(map(\.bsonValue)))
    }
}

extension ArraySlice: FieldValue where Element: FieldValue {
    public var bsonValue: BSONValue { Array(self).bsonValue }
}

extension Dictionary: FieldValue where Key == String, Value: FieldValue {
    /// A document with its keys sorted, so that equal dictionaries are equal bytes.
    public var bsonValue: BSONValue {
        var document = BSONDocument()
        for (key, value) in self.sorted(by: { $0.key < $1.key }) { document.append(key, value.bsonValue) }
        return .document(document)
    }
}

extension BSONValue: FieldValue {
    public var bsonValue: BSONValue { self }
}

extension BSONDocument: FieldValue {
    public var bsonValue: BSONValue { .document(self) }
}

extension BSONObjectID: FieldValue {
    public var bsonValue: BSONValue { .objectID(self) }
}
