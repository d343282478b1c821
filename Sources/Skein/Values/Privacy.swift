internal import SkeinBSON
internal import SkeinWire

/// What of a value may leave the process.
public enum FieldPrivacy: Sendable, Hashable {
    /// The value as it is.
    case `public`
    /// The text `<private>` instead of the value: that there was one, nothing else.
    case `private`
    /// 16 hex digits that are equal for equal values within one pipeline, and tell nothing else: SipHash-2-4 of the value's
    /// BSON bytes under a random key of the pipeline (Aumasson and Bernstein, 2012).
    case hashed
}

/// SipHash-2-4 with a 128-bit key.
enum SipHash {
    static func hash(_ bytes: UnsafeRawBufferPointer, key: (UInt64, UInt64)) -> UInt64 {
        var v0 = key.0 ^ 0x736f_6d65_7073_6575
        var v1 = key.1 ^ 0x646f_7261_6e64_6f6d
        var v2 = key.0 ^ 0x6c79_6765_6e65_7261
        var v3 = key.1 ^ 0x7465_6462_7974_6573
        func rotate(_ word: UInt64, _ bits: UInt64) -> UInt64 { word << bits | word >> (64 - bits) }
        func round() {
            v0 = v0 &+ v1
            v1 = rotate(v1, 13) ^ v0
            v0 = rotate(v0, 32)
            v2 = v2 &+ v3
            v3 = rotate(v3, 16) ^ v2
            v0 = v0 &+ v3
            v3 = rotate(v3, 21) ^ v0
            v2 = v2 &+ v1
            v1 = rotate(v1, 17) ^ v2
            v2 = rotate(v2, 32)
        }
        func absorb(_ word: UInt64) {
            v3 ^= word
            round()
            round()
            v0 ^= word
        }
        var offset = 0
        while offset + 8 <= bytes.count {
            absorb(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            offset += 8
        }
        var last = UInt64(truncatingIfNeeded: bytes.count) << 56
        for (shift, byte) in bytes[offset...].enumerated() { last |= UInt64(byte) << UInt64(8 * shift) }
        absorb(last)
        v2 ^= 0xff
        for _ in 0..<4 { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }
}

extension FieldPrivacy {
    func apply(_ value: BSONValue, key: (UInt64, UInt64)) -> BSONValue {
        switch self {
        case .public: return value
        case .private: return .string("<private>")
        case .hashed:
            let encoded = EncodedValue(value)
            return .string(encoded.withBytes { Hex.string(SipHash.hash($0, key: key)) })
        }
    }
}
