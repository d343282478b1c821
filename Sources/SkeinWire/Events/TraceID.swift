/// The 16 bytes that name a tree of events: also a W3C trace id (`Docs/EventDocument.md`, Ids).
@frozen
public struct TraceID: Sendable, Hashable, CustomStringConvertible {
    /// Bytes 0 to 7, big-endian; the first four are the Unix time.
    public var high: UInt64
    /// Bytes 8 to 15, big-endian.
    public var low: UInt64

    /// An id by its halves; zero is taken too.
    @inlinable @inline(__always)
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Whether it is not all zero, which is W3C's invalid id.
    @inlinable public var isValid: Bool { high | low != 0 }

    /// From 32 lowercase hex digits; nil for anything else, and for all zero.
    public init?(hex: some StringProtocol) {
        var utf8 = Array(hex.utf8)
        guard utf8.count == 32 else { return nil }
        let parsed: (UInt64, UInt64)? = utf8.withUnsafeMutableBytes { bytes in
            guard let high = Hex.parse(UnsafeRawBufferPointer(rebasing: bytes[0..<16])),
                let low = Hex.parse(UnsafeRawBufferPointer(rebasing: bytes[16..<32]))
            else { return nil }
            return (high, low)
        }
        guard let parsed, parsed.0 | parsed.1 != 0 else { return nil }
        self.init(high: parsed.0, low: parsed.1)
    }

    /// The id that stands for a given id which is no trace id: 128-bit FNV-1a of its bytes.
    public init(derivedFrom givenID: some Sequence<UInt8>) {
        var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
        for byte in givenID {
            hash ^= UInt128(byte)
            hash = hash &* 0x0000_0000_0100_0000_0000_0000_0000_013b
        }
        self.init(high: UInt64(truncatingIfNeeded: hash >> 64), low: UInt64(truncatingIfNeeded: hash))
        if !isValid { low = 1 }
    }

    /// 32 lowercase hex digits.
    public var description: String { Hex.string(high) + Hex.string(low) }

    /// The last 7 bytes as a fraction of 2^56, in 0 ..< 1: what a root is sampled by.
    @inlinable @inline(__always)
    public var fraction: Double {
        // The upper 53 of the 56 bits: a double holds no more, and rounding up could reach the rate.
        Double((low & 0x00FF_FFFF_FFFF_FFFF) >> 3) * 0x1p-53
    }
}
