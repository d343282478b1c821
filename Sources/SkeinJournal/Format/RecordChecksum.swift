import SkeinPlatform

/// The checksum of the records of one use of one segment: CRC32C over the segment's sequence and opening, the
/// header with its checksum as zero, and the payload. Beginning with sequence and opening, it tells a record of
/// this use from what an earlier use of the same file left behind.
struct RecordChecksum: Sendable {
    private let seed: CRC32C

    init(sequence: UInt64, opening: UInt64) {
        var seed = CRC32C()
        seed.update(sequence)
        seed.update(opening)
        self.seed = seed
    }

    /// The checksum that a record should have, were its flag for it set.
    func of(_ record: RecordView) -> UInt32 {
        var crc = seed
        let start = record.start
        let first = start.loadUnaligned(as: UInt64.self) & UInt64(0xFFFF_FFFF).littleEndian
        let second =
            start.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            | (UInt64(RecordFlags.checksum) << 8).littleEndian
        crc.update(UInt64(littleEndian: first))
        crc.update(UInt64(littleEndian: second))
        crc.update(
            UnsafeRawBufferPointer(
                start: start + 16, count: RecordLayout.headerBytes - 16 + record.payload.count))
        return crc.value
    }

    /// The checksum of a record whose header says that it has one, and whose field for it is still zero: in one
    /// pass over contiguous bytes.
    func ofPrepared(_ start: UnsafeRawPointer, payload: Int) -> UInt32 {
        var crc = seed
        crc.update(UnsafeRawBufferPointer(start: start, count: RecordLayout.headerBytes + payload))
        return crc.value
    }
}
