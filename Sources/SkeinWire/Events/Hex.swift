/// Lowercase hexadecimal of 64-bit words, without a table.
public enum Hex {
    /// Writes 16 digits, the most significant first.
    @inlinable @inline(__always)
    public static func write(_ word: UInt64, to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: digits(UInt32(truncatingIfNeeded: word >> 32)), as: UInt64.self)
        target.storeBytes(of: digits(UInt32(truncatingIfNeeded: word)), toByteOffset: 8, as: UInt64.self)
    }

    /// Eight digits in the order of memory.
    @inlinable @inline(__always)
    static func digits(_ half: UInt32) -> UInt64 {
        // Spread the nibbles to bytes, the most significant first in memory (little-endian word).
        var word = UInt64(half.byteSwapped)
        word = (word & 0x0000_0000_FFFF_0000) << 16 | (word & 0x0000_0000_0000_FFFF)
        word = (word & 0x0000_FF00_0000_FF00) << 8 | (word & 0x0000_00FF_0000_00FF)
        word = (word & 0x00F0_00F0_00F0_00F0) >> 4 | (word & 0x000F_000F_000F_000F) << 8
        // 10 … 15 become letters: add 39 where the nibble exceeds 9.
        let letters = ((word &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        return (word &+ 0x3030_3030_3030_3030 &+ letters &* 39).littleEndian
    }

    /// 16 digits as a string.
    public static func string(_ word: UInt64) -> String {
        withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { buffer in
            write(word, to: buffer.baseAddress!)
            return String(decoding: buffer, as: UTF8.self)
        }
    }

    /// The word that 1 to 16 lowercase digits spell; nil for any other byte.
    public static func parse(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        guard !bytes.isEmpty, bytes.count <= 16 else { return nil }
        var word: UInt64 = 0
        for byte in bytes {
            switch byte {
            case 0x30...0x39: word = word << 4 | UInt64(byte - 0x30)
            case 0x61...0x66: word = word << 4 | UInt64(byte - 0x61 + 10)
            default: return nil
            }
        }
        return word
    }
}
