/// The twelve bytes of a BSON object id.
@frozen public struct BSONObjectID: Sendable, Hashable, CustomStringConvertible {
    // As two big-endian integers, so that comparing and hashing are two operations.
    @usableFromInline let high: UInt64
    @usableFromInline let low: UInt32

    @inlinable init(high: UInt64, low: UInt32) {
        self.high = high
        self.low = low
    }

    /// Reads twelve bytes, aligned or not. Nil if there are not exactly twelve.
    @inlinable public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 12, let base = bytes.baseAddress else { return nil }
        self.init(unchecked: base)
    }

    /// Copies twelve bytes. Nil if there are not exactly twelve.
    public init?(_ bytes: [UInt8]) {
        guard let id = bytes.withUnsafeBytes({ BSONObjectID($0) }) else { return nil }
        self = id
    }

    /// Parses 24 hex digits of either case; nil for anything else.
    public init?(hex: String) {
        var nibbles: [UInt8] = []
        nibbles.reserveCapacity(24)
        for byte in hex.utf8 {
            guard let nibble = HexDigits.value(byte), nibbles.count < 24 else { return nil }
            nibbles.append(nibble)
        }
        guard nibbles.count == 24 else { return nil }
        high = nibbles[..<16].reduce(0) { $0 << 4 | UInt64($1) }
        low = nibbles[16...].reduce(0) { $0 << 4 | UInt32($1) }
    }

    @inlinable init(unchecked base: UnsafeRawPointer) {
        high = UInt64(bigEndian: base.loadUnaligned(as: UInt64.self))
        low = UInt32(bigEndian: base.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    }

    /// The twelve bytes, in order.
    public var bytes: [UInt8] {
        withUnsafeBytes(of: high.bigEndian) { Array($0) } + withUnsafeBytes(of: low.bigEndian) { Array($0) }
    }

    /// The creation time that the id begins with, in Unix seconds.
    public var seconds: UInt32 { UInt32(truncatingIfNeeded: high >> 32) }

    /// 24 lowercase hex digits.
    public var hex: String {
        HexDigits.text(high, digits: 16) + HexDigits.text(UInt64(low), digits: 8)
    }

    public var description: String { hex }
}

/// Hexadecimal digits, both ways.
enum HexDigits {
    static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    static func text(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
