/// Names a stream of records: what one opening of one shard of a journal numbers.
///
/// Bytes on the wire, 28 in all: journal id (16), opening (u64, little-endian), shard (u32, little-endian).
public struct StreamIdentity: Hashable, Sendable, CustomStringConvertible {
    /// How many bytes the encoded form has.
    public static let byteCount = 28

    /// The first eight bytes of the journal's id, read big-endian, so that the hex reads as the bytes lie.
    public var journalHigh: UInt64
    /// The last eight bytes of the journal's id, read big-endian.
    public var journalLow: UInt64
    /// Drawn at random at each opening of the journal.
    public var opening: UInt64
    /// The shard of the journal, from 0.
    public var shard: UInt32

    /// A stream by its parts.
    public init(journalHigh: UInt64, journalLow: UInt64, opening: UInt64, shard: UInt32) {
        self.journalHigh = journalHigh
        self.journalLow = journalLow
        self.opening = opening
        self.shard = shard
    }

    /// - Parameter bytes: as on the wire.
    /// - Returns: nil unless there are exactly 28 bytes.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.byteCount else { return nil }
        journalHigh = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        journalLow = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        opening = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        shard = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt32.self))
    }

    /// Lends the 28 bytes of the wire.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeTemporaryAllocation(byteCount: Self.byteCount, alignment: 8) { buffer in
            buffer.storeBytes(of: journalHigh.bigEndian, as: UInt64.self)
            buffer.storeBytes(of: journalLow.bigEndian, toByteOffset: 8, as: UInt64.self)
            buffer.storeBytes(of: opening.littleEndian, toByteOffset: 16, as: UInt64.self)
            buffer.storeBytes(of: shard.littleEndian, toByteOffset: 24, as: UInt32.self)
            return body(UnsafeRawBufferPointer(buffer))
        }
    }

    /// Journal, opening and shard: `<32 hex>/<16 hex>/<decimal>`.
    public var description: String {
        "\(Hex.string(journalHigh))\(Hex.string(journalLow))/\(Hex.string(opening))/\(shard)"
    }
}
