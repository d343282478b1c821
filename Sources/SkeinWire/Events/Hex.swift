public import SkeinPlatform

/// Lowercase hexadecimal of 64-bit words.
public enum Hex {
    /// Writes 16 digits, the most significant first.
    @inlinable @inline(__always)
    public static func write(_ word: UInt64, to target: UnsafeMutableRawPointer) {
        writeHex(word, to: target)
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
