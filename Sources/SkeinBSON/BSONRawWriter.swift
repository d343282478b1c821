/// The direct encoder: writes BSON elements into memory of the caller, byte for byte as libbson would.
///
/// Nothing is checked and nothing is allocated: the caller guarantees room, keys without NUL, and text that is
/// UTF-8. An element takes 2 bytes, the key's and the value's:
///
/// | value | bytes |
/// |---|---|
/// | null, undefined, min key, max key | 0 |
/// | bool | 1 |
/// | int32 | 4 |
/// | double, int64, datetime, timestamp | 8 |
/// | object id | 12 |
/// | decimal128 | 16 |
/// | string, JavaScript, symbol | 5 + text |
/// | binary | 5 + bytes (9 + bytes for subtype 2) |
/// | document, array | 5 + elements |
/// | regex | 2 + pattern + options |
/// | DB pointer | 17 + text |
/// | JavaScript with scope | 9 + code + document |
///
/// Five fields take about 5 ns with literal keys, a whole event of 320 bytes 11. A writer belongs to one thread at a time.
///
/// ```swift
/// var memory = [UInt8](repeating: 0, count: 64)
/// let length = memory.withUnsafeMutableBytes { room in
///     guard let base = room.baseAddress else { return 0 }
///     var writer = BSONRawWriter(base)
///     let start = writer.beginDocument()
///     "n".utf8.withContiguousStorageIfAvailable { writer.int32(key: UnsafeRawBufferPointer($0), 7) }
///     writer.endDocument(start)
///     return writer.pointer - base
/// }
/// ```
@frozen public struct BSONRawWriter {
    /// Where the next byte goes.
    public var pointer: UnsafeMutableRawPointer

    /// - Parameter pointer: where the first byte goes; the caller guarantees room for all that is written.
    @inlinable @inline(__always)
    public init(_ pointer: UnsafeMutableRawPointer) {
        self.pointer = pointer
    }

    // MARK: Parts of elements

    /// Type byte, key and its NUL. The value must follow.
    @inlinable @inline(__always)
    public mutating func header(_ type: BSONType, key: UnsafeRawBufferPointer) {
        byte(type.rawValue)
        bytes(key)
        byte(0)
    }

    /// Type byte and an array index as key. At most 21 bytes.
    @inlinable
    public mutating func header(_ type: BSONType, index: Int) {
        byte(type.rawValue)
        if index < 10 {
            byte(0x30 &+ UInt8(truncatingIfNeeded: index))
        } else {
            var digits = 0
            var rest = index
            while rest > 0 {
                digits += 1
                rest /= 10
            }
            rest = index
            for position in stride(from: digits - 1, through: 0, by: -1) {
                pointer.storeBytes(
                    of: 0x30 &+ UInt8(truncatingIfNeeded: rest % 10), toByteOffset: position, as: UInt8.self)
                rest /= 10
            }
            pointer += digits
        }
        byte(0)
    }

    /// One byte.
    @inlinable @inline(__always)
    public mutating func byte(_ value: UInt8) {
        pointer.storeBytes(of: value, as: UInt8.self)
        pointer += 1
    }

    /// An integer in little-endian order, unaligned.
    @inlinable @inline(__always)
    public mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
        pointer.storeBytes(of: value.littleEndian, as: Value.self)
        pointer += MemoryLayout<Value>.size
    }

    /// Bytes as they are.
    ///
    /// Up to 32 bytes, which is nearly every key and most text, go in two overlapping moves without a call.
    @inlinable @inline(__always)
    public mutating func bytes(_ source: UnsafeRawBufferPointer) {
        guard let from = source.baseAddress else { return }
        let count = source.count
        if count > 32 {
            pointer.copyMemory(from: from, byteCount: count)
        } else if count >= 16 {
            let head = from.loadUnaligned(as: SIMD2<UInt64>.self)
            let tail = from.loadUnaligned(fromByteOffset: count - 16, as: SIMD2<UInt64>.self)
            pointer.storeBytes(of: head, as: SIMD2<UInt64>.self)
            pointer.storeBytes(of: tail, toByteOffset: count - 16, as: SIMD2<UInt64>.self)
        } else if count >= 8 {
            let head = from.loadUnaligned(as: UInt64.self)
            let tail = from.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
            pointer.storeBytes(of: head, as: UInt64.self)
            pointer.storeBytes(of: tail, toByteOffset: count - 8, as: UInt64.self)
        } else if count >= 4 {
            let head = from.loadUnaligned(as: UInt32.self)
            let tail = from.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
            pointer.storeBytes(of: head, as: UInt32.self)
            pointer.storeBytes(of: tail, toByteOffset: count - 4, as: UInt32.self)
        } else if count >= 2 {
            let head = from.loadUnaligned(as: UInt16.self)
            let tail = from.loadUnaligned(fromByteOffset: count - 2, as: UInt16.self)
            pointer.storeBytes(of: head, as: UInt16.self)
            pointer.storeBytes(of: tail, toByteOffset: count - 2, as: UInt16.self)
        } else if count == 1 {
            pointer.storeBytes(of: from.load(as: UInt8.self), as: UInt8.self)
        }
        pointer += count
    }

    /// The value of a string: length with the NUL, text, NUL.
    @inlinable @inline(__always)
    public mutating func text(_ value: UnsafeRawBufferPointer) {
        integer(Int32(truncatingIfNeeded: value.count &+ 1))
        bytes(value)
        byte(0)
    }

    // MARK: Documents

    /// Room for the length of a document; `endDocument` fills it in. Returns the start of the document.
    @inlinable @inline(__always)
    public mutating func beginDocument() -> UnsafeMutableRawPointer {
        let start = pointer
        pointer += 4
        return start
    }

    /// The header of a nested document and room for its length. Returns its start, for `endDocument`.
    @inlinable @inline(__always)
    public mutating func beginDocument(key: UnsafeRawBufferPointer) -> UnsafeMutableRawPointer {
        header(.document, key: key)
        return beginDocument()
    }

    /// The header of an array and room for its length. Its elements' keys are `header(_:index:)`'s.
    @inlinable @inline(__always)
    public mutating func beginArray(key: UnsafeRawBufferPointer) -> UnsafeMutableRawPointer {
        header(.array, key: key)
        return beginDocument()
    }

    /// Writes the terminator, and the length at `start`.
    @inlinable @inline(__always)
    public mutating func endDocument(_ start: UnsafeMutableRawPointer) {
        byte(0)
        start.storeBytes(of: Int32(truncatingIfNeeded: pointer - start).littleEndian, as: Int32.self)
    }
}
