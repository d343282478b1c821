/// Whole elements, one function a type.
extension BSONRawWriter {
    /// A double: 8 bytes besides the header.
    @inlinable @inline(__always)
    public mutating func double(key: UnsafeRawBufferPointer, _ value: Double) {
        header(.double, key: key)
        integer(value.bitPattern)
    }

    /// `value` is UTF-8 and may hold NULs.
    @inlinable @inline(__always)
    public mutating func string(key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        header(.string, key: key)
        text(value)
    }

    /// A nested document that is already encoded.
    @inlinable @inline(__always)
    public mutating func document(key: UnsafeRawBufferPointer, _ encoded: UnsafeRawBufferPointer) {
        header(.document, key: key)
        bytes(encoded)
    }

    /// An array that is already encoded.
    @inlinable @inline(__always)
    public mutating func array(key: UnsafeRawBufferPointer, _ encoded: UnsafeRawBufferPointer) {
        header(.array, key: key)
        bytes(encoded)
    }

    /// Subtype 2 repeats its length inside the value; that is done here.
    @inlinable @inline(__always)
    public mutating func binary(
        key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, subtype: UInt8 = 0
    ) {
        header(.binary, key: key)
        binaryValue(value, subtype: subtype)
    }

    @inlinable @inline(__always)
    mutating func binaryValue(_ value: UnsafeRawBufferPointer, subtype: UInt8) {
        if subtype == 2 {
            integer(Int32(truncatingIfNeeded: value.count &+ 4))
            byte(subtype)
            integer(Int32(truncatingIfNeeded: value.count))
        } else {
            integer(Int32(truncatingIfNeeded: value.count))
            byte(subtype)
        }
        bytes(value)
    }

    /// The deprecated undefined, which has no value.
    @inlinable @inline(__always)
    public mutating func undefined(key: UnsafeRawBufferPointer) {
        header(.undefined, key: key)
    }

    /// An object id: 12 bytes, big-endian.
    @inlinable @inline(__always)
    public mutating func objectID(key: UnsafeRawBufferPointer, _ value: BSONObjectID) {
        header(.objectID, key: key)
        objectIDValue(value)
    }

    @inlinable @inline(__always)
    mutating func objectIDValue(_ value: BSONObjectID) {
        integer(value.high.byteSwapped)
        integer(value.low.byteSwapped)
    }

    /// A bool: 1 byte.
    @inlinable @inline(__always)
    public mutating func bool(key: UnsafeRawBufferPointer, _ value: Bool) {
        header(.bool, key: key)
        byte(value ? 1 : 0)
    }

    /// Milliseconds since the Unix epoch.
    @inlinable @inline(__always)
    public mutating func datetime(key: UnsafeRawBufferPointer, _ milliseconds: Int64) {
        header(.datetime, key: key)
        integer(milliseconds)
    }

    /// A null, which has no value.
    @inlinable @inline(__always)
    public mutating func null(key: UnsafeRawBufferPointer) {
        header(.null, key: key)
    }

    /// Neither part may hold a NUL.
    @inlinable @inline(__always)
    public mutating func regex(
        key: UnsafeRawBufferPointer, pattern: UnsafeRawBufferPointer, options: UnsafeRawBufferPointer
    ) {
        header(.regex, key: key)
        bytes(pattern)
        byte(0)
        bytes(options)
        byte(0)
    }

    /// The deprecated DB pointer. `collection` is UTF-8.
    @inlinable @inline(__always)
    public mutating func dbPointer(
        key: UnsafeRawBufferPointer, _ collection: UnsafeRawBufferPointer, _ id: BSONObjectID
    ) {
        header(.dbPointer, key: key)
        text(collection)
        objectIDValue(id)
    }

    /// JavaScript without a scope. `code` is UTF-8 and may hold NULs.
    @inlinable @inline(__always)
    public mutating func javascript(key: UnsafeRawBufferPointer, _ code: UnsafeRawBufferPointer) {
        header(.javascript, key: key)
        text(code)
    }

    /// The deprecated symbol. `name` is UTF-8 and may hold NULs.
    @inlinable @inline(__always)
    public mutating func symbol(key: UnsafeRawBufferPointer, _ name: UnsafeRawBufferPointer) {
        header(.symbol, key: key)
        text(name)
    }

    /// `scope` is an encoded document.
    @inlinable @inline(__always)
    public mutating func javascriptWithScope(
        key: UnsafeRawBufferPointer, _ code: UnsafeRawBufferPointer, scope: UnsafeRawBufferPointer
    ) {
        header(.javascriptWithScope, key: key)
        integer(Int32(truncatingIfNeeded: 9 &+ code.count &+ scope.count))
        text(code)
        bytes(scope)
    }

    /// An int32: 4 bytes.
    @inlinable @inline(__always)
    public mutating func int32(key: UnsafeRawBufferPointer, _ value: Int32) {
        header(.int32, key: key)
        integer(value)
    }

    /// MongoDB's internal timestamp: Unix seconds, and a counter within the second.
    @inlinable @inline(__always)
    public mutating func timestamp(key: UnsafeRawBufferPointer, increment: UInt32, seconds: UInt32) {
        header(.timestamp, key: key)
        integer(increment)
        integer(seconds)
    }

    /// An int64: 8 bytes.
    @inlinable @inline(__always)
    public mutating func int64(key: UnsafeRawBufferPointer, _ value: Int64) {
        header(.int64, key: key)
        integer(value)
    }

    /// A decimal128: 16 bytes.
    @inlinable @inline(__always)
    public mutating func decimal128(key: UnsafeRawBufferPointer, _ value: BSONDecimal128) {
        header(.decimal128, key: key)
        integer(value.low)
        integer(value.high)
    }

    /// The value that sorts below all others; it has no bytes.
    @inlinable @inline(__always)
    public mutating func minKey(key: UnsafeRawBufferPointer) {
        header(.minKey, key: key)
    }

    /// The value that sorts above all others; it has no bytes.
    @inlinable @inline(__always)
    public mutating func maxKey(key: UnsafeRawBufferPointer) {
        header(.maxKey, key: key)
    }
}
