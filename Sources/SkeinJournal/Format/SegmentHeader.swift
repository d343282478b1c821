import SkeinPlatform
import Synchronization

/// The first page of a segment: who wrote it, which use of the file this is, and how far it goes. It stands there
/// twice, so that one damaged byte does not take a whole segment away.
struct SegmentHeader: Equatable {
    static let bytes = 4096
    static let committedOffset = 128
    static let sealedOffset = 136
    /// The largest shard taken from a file; more is damage.
    static let maximumShard: UInt32 = 4095
    /// No journal gets this far: a sequence at or above it is damage, and adding to one below cannot overflow.
    static let maximumSequence: UInt64 = 1 << 48

    private static let magic = UInt64(littleEndian: 0x4745_534E_4945_4B53)  // "SKEINSEG"
    private static let version: UInt32 = 1
    private static let copyOffset = 2048
    private static let covered = 16..<120

    var journal: JournalID
    var boot: JournalID
    var sequence: UInt64
    var opening: UInt64
    var segmentBytes: UInt64
    /// Unix nanoseconds.
    var begun: Int64
    var shard: UInt32
    /// In an app's journal, the number that the first record has or will have.
    var firstNumber: UInt64
    /// Where the segment before this one ends: nothing there at or beyond this offset counts. 0 if there is none.
    var precedingEnd: UInt64
    /// The sequence of the segment before this one; 0 if there is none.
    var precedingSequence: UInt64

    /// Makes the page that of a free segment, without records.
    static func clear(_ page: UnsafeMutableRawPointer) {
        let first = page.assumingMemoryBound(to: Atomic<UInt64>.self)
        let second = (page + Self.copyOffset).assumingMemoryBound(to: Atomic<UInt64>.self)
        first.pointee.store(0, ordering: .sequentiallyConsistent)
        second.pointee.store(0, ordering: .sequentiallyConsistent)
        Self.committed(page).pointee.store(UInt64(Self.bytes).littleEndian, ordering: .relaxed)
        Self.sealed(page).pointee.store(0, ordering: .relaxed)
    }

    /// Makes a cleared page that of a new use. Killed at any instruction, it leaves a page that is either no header,
    /// and so a free segment, or this one.
    func begin(at page: UnsafeMutableRawPointer) {
        let first = page.assumingMemoryBound(to: Atomic<UInt64>.self)
        let second = (page + Self.copyOffset).assumingMemoryBound(to: Atomic<UInt64>.self)
        encodeFields(at: page)
        encodeFields(at: page + Self.copyOffset)
        first.pointee.store(Self.magic.littleEndian, ordering: .releasing)
        second.pointee.store(Self.magic.littleEndian, ordering: .releasing)
    }

    /// The whole page of a new use, for writers that write with calls.
    func page() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.bytes)
        bytes.withUnsafeMutableBytes { buffer in
            for start in [0, Self.copyOffset] {
                let copy = UnsafeMutableRawBufferPointer(rebasing: buffer[start..<start + 256])
                if let base = copy.baseAddress { encodeFields(at: base) }
                copy.storeBytes(of: Self.magic.littleEndian, as: UInt64.self)
            }
            buffer.storeBytes(
                of: UInt64(Self.bytes).littleEndian, toByteOffset: Self.committedOffset, as: UInt64.self)
        }
        return bytes
    }

    /// The end of a segment as it is written over the header: two words at ``committedOffset``.
    static func progress(committed: UInt64, isSealed: Bool) -> [UInt8] {
        withUnsafeBytes(of: (committed.littleEndian, UInt64(isSealed ? 1 : 0).littleEndian)) { Array($0) }
    }

    /// The header of a page, by whichever copy is whole.
    init?(page: UnsafeRawBufferPointer) {
        guard page.count >= Self.bytes, let start = page.baseAddress else { return nil }
        guard let header = Self.decode(start) ?? Self.decode(start + Self.copyOffset) else { return nil }
        self = header
    }

    /// Whether the first copy of the header is whole.
    static func isWholeFirst(_ page: UnsafeRawBufferPointer) -> Bool {
        guard page.count >= bytes, let start = page.baseAddress else { return false }
        return decode(start) != nil
    }

    /// Whether both copies of the header are whole and say the same.
    static func isWholeTwice(_ page: UnsafeRawBufferPointer) -> Bool {
        guard page.count >= bytes, let start = page.baseAddress, let first = decode(start) else {
            return false
        }
        return first == decode(start + copyOffset)
    }

    /// Whether the page was ever that of a segment, and not that of a free one.
    static func isMarked(_ page: UnsafeRawBufferPointer) -> Bool {
        guard page.count >= bytes else { return false }
        return [0, copyOffset].contains { page.loadUnaligned(fromByteOffset: $0, as: UInt64.self) != 0 }
    }

    /// What the two copies say, whether their checksums hold or not. For the search for a header that fits.
    static func unchecked(_ page: UnsafeRawBufferPointer) -> [SegmentHeader] {
        guard page.count >= bytes, let start = page.baseAddress else { return [] }
        return [fields(start), fields(start + copyOffset)].compactMap(\.self)
    }

    init(
        journal: JournalID, boot: JournalID, sequence: UInt64, opening: UInt64, segmentBytes: Int,
        begun: Int64,
        shard: UInt32, firstNumber: UInt64, precedingEnd: UInt64, precedingSequence: UInt64
    ) {
        self.journal = journal
        self.boot = boot
        self.sequence = sequence
        self.opening = opening
        self.segmentBytes = UInt64(segmentBytes)
        self.begun = begun
        self.shard = shard
        self.firstNumber = firstNumber
        self.precedingEnd = precedingEnd
        self.precedingSequence = precedingSequence
    }

    static func committed(_ page: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Atomic<UInt64>> {
        (page + committedOffset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    static func sealed(_ page: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Atomic<UInt64>> {
        (page + sealedOffset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    static func committed(_ page: UnsafeRawBufferPointer) -> UInt64 {
        UInt64(littleEndian: page.loadUnaligned(fromByteOffset: committedOffset, as: UInt64.self))
    }

    var checksum: RecordChecksum { RecordChecksum(sequence: sequence, opening: opening) }

    private func encodeFields(at start: UnsafeMutableRawPointer) {
        (start + 84).initializeMemory(as: UInt8.self, repeating: 0, count: 36)
        start.storeBytes(of: Self.version.littleEndian, toByteOffset: 8, as: UInt32.self)
        start.storeBytes(of: journal.low.littleEndian, toByteOffset: 16, as: UInt64.self)
        start.storeBytes(of: journal.high.littleEndian, toByteOffset: 24, as: UInt64.self)
        start.storeBytes(of: boot.low.littleEndian, toByteOffset: 32, as: UInt64.self)
        start.storeBytes(of: boot.high.littleEndian, toByteOffset: 40, as: UInt64.self)
        start.storeBytes(of: sequence.littleEndian, toByteOffset: 48, as: UInt64.self)
        start.storeBytes(of: opening.littleEndian, toByteOffset: 56, as: UInt64.self)
        start.storeBytes(of: segmentBytes.littleEndian, toByteOffset: 64, as: UInt64.self)
        start.storeBytes(of: begun.littleEndian, toByteOffset: 72, as: Int64.self)
        start.storeBytes(of: shard.littleEndian, toByteOffset: 80, as: UInt32.self)
        start.storeBytes(of: firstNumber.littleEndian, toByteOffset: 88, as: UInt64.self)
        start.storeBytes(of: precedingEnd.littleEndian, toByteOffset: 96, as: UInt64.self)
        start.storeBytes(of: precedingSequence.littleEndian, toByteOffset: 104, as: UInt64.self)
        let covered = UnsafeRawBufferPointer(
            start: start + Self.covered.lowerBound, count: Self.covered.count)
        start.storeBytes(of: CRC32C.checksum(covered).littleEndian, toByteOffset: 12, as: UInt32.self)
    }

    private static func decode(_ start: UnsafeRawPointer) -> SegmentHeader? {
        let magic = UInt64(littleEndian: start.loadUnaligned(as: UInt64.self))
        let version = UInt32(littleEndian: start.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        let checksum = UInt32(littleEndian: start.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        let covered = UnsafeRawBufferPointer(start: start + covered.lowerBound, count: covered.count)
        guard magic == Self.magic, version == Self.version, checksum == CRC32C.checksum(covered) else {
            return nil
        }
        return fields(start)
    }

    /// The fields of one copy, if they can be meant.
    private static func fields(_ start: UnsafeRawPointer) -> SegmentHeader? {
        func word(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        let shard = UInt32(littleEndian: start.loadUnaligned(fromByteOffset: 80, as: UInt32.self))
        guard shard <= maximumShard, (1..<maximumSequence).contains(word(48)), word(104) < maximumSequence,
            let segmentBytes = Int(exactly: word(64))
        else { return nil }
        return SegmentHeader(
            journal: JournalID(low: word(16), high: word(24)), boot: JournalID(low: word(32), high: word(40)),
            sequence: word(48), opening: word(56), segmentBytes: segmentBytes,
            begun: Int64(bitPattern: word(72)), shard: shard, firstNumber: word(88),
            precedingEnd: word(96), precedingSequence: word(104))
    }
}
