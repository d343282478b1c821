import SkeinPlatform

/// Where a reader is in one shard, as a cursor's file has it: two alternating copies, so that a torn write leaves
/// the one before.
struct CursorRecord: Equatable {
    static let bytes = 32
    static let pairBytes = 64

    var position: JournalPosition
    /// The last record passed, in the stream of its segment.
    var number: UInt64
    var generation: UInt32

    /// Before everything.
    static let start = CursorRecord(
        position: JournalPosition(sequence: 0, offset: UInt64(SegmentHeader.bytes)), number: 0, generation: 0)

    /// The newer whole copy of a pair.
    init?(pair: UnsafeRawBufferPointer) {
        guard pair.count >= Self.pairBytes, let start = pair.baseAddress else { return nil }
        switch (Self(start), Self(start + Self.bytes)) {
        case (let first?, let second?):
            // Generations wrap: the one that is ahead by less than half the circle is the newer.
            self = Int32(bitPattern: second.generation &- first.generation) > 0 ? second : first
        case (let one?, nil), (nil, let one?):
            self = one
        case (nil, nil):
            return nil
        }
    }

    init(position: JournalPosition, number: UInt64, generation: UInt32) {
        self.position = position
        self.number = number
        self.generation = generation
    }

    private init?(_ start: UnsafeRawPointer) {
        let checksum = UInt32(littleEndian: start.loadUnaligned(as: UInt32.self))
        let covered = UnsafeRawBufferPointer(start: start + 4, count: Self.bytes - 4)
        guard checksum == CRC32C.checksum(covered) else { return nil }
        func word(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        generation = UInt32(littleEndian: start.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        position = JournalPosition(sequence: word(8), offset: word(16))
        number = word(24)
        // A file of zeros has a checksum that does not hold, but make sure: no segment is number 0.
        guard (1..<SegmentHeader.maximumSequence).contains(position.sequence) else { return nil }
    }

    /// The 32 bytes of one copy.
    func encoded() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.bytes)
        bytes.withUnsafeMutableBytes { buffer in
            buffer.storeBytes(of: generation.littleEndian, toByteOffset: 4, as: UInt32.self)
            buffer.storeBytes(of: position.sequence.littleEndian, toByteOffset: 8, as: UInt64.self)
            buffer.storeBytes(of: position.offset.littleEndian, toByteOffset: 16, as: UInt64.self)
            buffer.storeBytes(of: number.littleEndian, toByteOffset: 24, as: UInt64.self)
            let checksum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: buffer[4...]))
            buffer.storeBytes(of: checksum.littleEndian, as: UInt32.self)
        }
        return bytes
    }

    /// Which of the two copies this generation is written to.
    var copyOffset: Int { generation & 1 == 0 ? 0 : Self.bytes }
}
