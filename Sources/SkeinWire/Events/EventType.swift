/// The rules of an event's type (`Docs/EventDocument.md`): 1 to 200 bytes of UTF-8, no `/`, no control character, no
/// leading dot.
public enum EventType {
    /// Whether the bytes may be a type. Does not check that they are UTF-8.
    public static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !bytes.isEmpty, bytes.count <= EventLimits.typeBytes, bytes[0] != 0x2E else { return false }
        for byte in bytes where byte < 0x20 || byte == 0x2F || byte == 0x7F { return false }
        return true
    }

    /// FNV-1a, 64 bits: the word of the type in a sampling decision.
    public static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes {
            hash ^= UInt64(byte)
            hash = hash &* 0x0000_0100_0000_01b3
        }
        return hash
    }
}

/// The decision of a sampled child, repeatable by anybody who has the ids (`Docs/EventDocument.md`, Sampling).
public enum SamplingHash {
    /// A fraction in 0 ..< 1: sampled if it is below the rate.
    @inlinable
    public static func fraction(trace: TraceID, span: UInt64, typeHash: UInt64) -> Double {
        let hash = mix(mix(mix(typeHash ^ trace.high) ^ trace.low) ^ span)
        return Double(hash >> 11) * 0x1p-53
    }

    @inlinable @inline(__always)
    static func mix(_ word: UInt64) -> UInt64 {
        var word = word
        word ^= word >> 33
        word = word &* 0xff51_afd7_ed55_8ccd
        word ^= word >> 33
        word = word &* 0xc4ce_b9fe_1a85_ec53
        word ^= word >> 33
        return word
    }
}
