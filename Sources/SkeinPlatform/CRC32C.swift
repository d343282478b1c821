internal import CSkeinPlatform

/// The Castagnoli CRC (RFC 3720, appendix B.4): polynomial 0x1EDC6F41, reflected, initial value and
/// final xor 0xFFFFFFFF. Uses the processor's instruction where it has one (8 bytes in 3 cycles),
/// else a table.
public struct CRC32C: Sendable {
    private var state: UInt32 = 0xFFFF_FFFF

    /// The checksum of no bytes.
    public init() {}

    /// The checksum of everything fed so far.
    public var value: UInt32 { state ^ 0xFFFF_FFFF }

    /// Feeds bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        if Self.hasInstruction {
            state = skein_crc32c(state, bytes.baseAddress, UInt64(bytes.count))
        } else {
            for byte in bytes {
                state = Self.table[Int((state ^ UInt32(byte)) & 0xFF)] ^ (state >> 8)
            }
        }
    }

    /// Feeds eight bytes, little-endian.
    public mutating func update(_ word: UInt64) {
        withUnsafeBytes(of: word.littleEndian) { update($0) }
    }

    /// The checksum of one buffer.
    public static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var crc = CRC32C()
        crc.update(bytes)
        return crc.value
    }

    private static let hasInstruction = skein_has_crc32c() != 0

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { crc, _ in
            crc & 1 == 0 ? crc >> 1 : (crc >> 1) ^ 0x82F6_3B78
        }
    }
}
