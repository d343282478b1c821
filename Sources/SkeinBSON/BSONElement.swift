/// One element in borrowed bytes. Valid only while the bytes are.
///
/// Its value has the shape its type demands (``BSONElements`` saw to that); text may still not be UTF-8, and
/// documents may be malformed inside.
@frozen public struct BSONElement {
    /// How the value is to be read.
    public let type: BSONType
    /// The key without its NUL. Not checked for UTF-8.
    public let key: UnsafeRawBufferPointer
    /// The value's bytes as the format has them, lengths and terminators included.
    public let value: UnsafeRawBufferPointer

    @inlinable @inline(__always)
    init(type: BSONType, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        self.type = type
        self.key = key
        self.value = value
    }

    /// The key; bytes that are not UTF-8 show as U+FFFD.
    public var keyString: String { String(decoding: key, as: UTF8.self) }

    /// Whether the key is this one. 1 ns.
    @inlinable
    public func hasKey(_ name: StaticString) -> Bool {
        name.withUTF8Buffer { hasKey(UnsafeRawBufferPointer($0)) }
    }

    /// Whether the key has these bytes.
    @inlinable
    public func hasKey(_ name: UnsafeRawBufferPointer) -> Bool {
        BSONLayout.equal(key, name)
    }

    /// The bytes of a string or symbol, or of a binary of subtype 0, which is how Python 2 clients spell text. Not
    /// checked for UTF-8: see ``UTF8Validation``.
    public func textBytes() -> UnsafeRawBufferPointer? {
        switch type {
        case .string, .symbol: part(4, value.count - 5)
        case .binary where value[4] == 0: part(5, value.count - 5)
        default: nil
        }
    }

    /// The text of a string or symbol, or of a binary of subtype 0; nil if it is not UTF-8. Copies.
    public var text: String? {
        textBytes().flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// Any number, to the nearest double.
    public var number: Double? {
        switch type {
        case .double: Double(bitPattern: load(UInt64.self))
        case .int32: Double(load(Int32.self))
        case .int64: Double(load(Int64.self))
        case .decimal128: decimal128.double
        default: nil
        }
    }

    /// A number that is whole and fits 64 signed bits, whichever numeric type carries it.
    public var integer: Int64? {
        switch type {
        case .int32: Int64(load(Int32.self))
        case .int64: load(Int64.self)
        case .double: Int64(exactly: Double(bitPattern: load(UInt64.self)))
        case .decimal128: decimal128.int64
        default: nil
        }
    }

    /// A bool; nil for every other type, numbers too.
    public var bool: Bool? {
        type == .bool ? value[0] != 0 : nil
    }

    /// Milliseconds since the Unix epoch.
    public var datetime: Int64? {
        type == .datetime ? load(Int64.self) : nil
    }

    /// A document or an array, to walk into. 1 ns, borrowed like this element.
    public var document: BSONView? {
        switch type {
        case .document, .array: BSONView(unchecked: value)
        default: nil
        }
    }

    /// The subtype and the payload of a binary, borrowed. The second length of subtype 2 is taken off.
    public var binary: (subtype: UInt8, bytes: UnsafeRawBufferPointer)? {
        guard type == .binary else { return nil }
        let subtype = value[4]
        let head = subtype == BSONBinary.oldSubtype ? 9 : 5
        return (subtype, part(head, value.count - head))
    }

    // MARK: Parts

    func load<Value: FixedWidthInteger & BitwiseCopyable>(_: Value.Type, at offset: Int = 0) -> Value {
        Value(littleEndian: value.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    func part(_ offset: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: value[offset..<offset + count])
    }

    var decimal128: BSONDecimal128 {
        BSONDecimal128(low: load(UInt64.self), high: load(UInt64.self, at: 8))
    }
}
