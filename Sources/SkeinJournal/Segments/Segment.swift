import SkeinPlatform
import Synchronization

/// The file under a segment, and its mapping. It outlives the segment: a recycled file becomes another one.
final class SegmentFile: @unchecked Sendable {
    // Sendable: all constant; the memory is written by the one writer of the segment that holds the file.
    let number: Int
    /// A sync of it failed, or it was cut inside a page: it is not used again.
    let isSuspect = Atomic<Bool>(false)
    /// Kept only by a writer that writes with calls.
    let file: (any JournalFile)?
    let mapping: Mapping

    init(number: Int, file: (any JournalFile)?, mapping: Mapping) {
        self.number = number
        self.file = file
        self.mapping = mapping
    }

    var base: UnsafeMutableRawPointer { mapping.base }
    var byteCount: Int { mapping.byteCount }

    static func name(_ number: Int) -> String { "\(number).seg" }

    /// The number in the name of a segment's file.
    static func number(of name: String) -> Int? {
        guard name.hasSuffix(".seg"), let number = Int(name.dropLast(4)), number >= 0,
            name == Self.name(number)
        else { return nil }
        return number
    }
}

/// One use of one segment file: a run of records that a writer adds to and readers follow.
///
/// `visible` and `finalEnd` are all that writer and readers share, stored with release order. A reader loads
/// `finalEnd` first: once it is set nothing is added. It only ever goes back, to `visible`, when a sync failed.
final class Segment: @unchecked Sendable {
    // Sendable: constants, atomics and a mutex. The memory below `visible` is constant but for checksums, which
    // are stored under `sealing`.
    let file: SegmentFile
    let journal: JournalID
    let opening: UInt64
    let shard: UInt32
    let sequence: UInt64
    let checksum: RecordChecksum
    /// How far readers may read.
    let visible: UnsafeMutablePointer<Atomic<UInt64>>
    /// Where the segment ended when its writer went on; 0 while it writes.
    let finalEnd = Atomic<UInt64>(0)
    /// Runs into this segment that were lent and not yet released.
    let lent = Atomic<Int>(0)
    /// The number of the first record in its stream, and of the last if that is known. Of an app's segments.
    let firstNumber = Atomic<UInt64>(0)
    let lastNumber = Atomic<UInt64>(0)
    /// What recovery found to be whole; empty: everything.
    let extents: [Range<Int>]
    private let sealing: Monitor<Int>
    private let ownsVisible: Bool

    /// A segment that is being written. `visible` belongs to the writer's mapping, or else to this object.
    init(file: SegmentFile, header: SegmentHeader, sharesCommitted: Bool) {
        self.file = file
        journal = header.journal
        opening = header.opening
        shard = header.shard
        sequence = header.sequence
        checksum = header.checksum
        extents = []
        sealing = Monitor(SegmentHeader.bytes)
        ownsVisible = !sharesCommitted
        if sharesCommitted {
            visible = SegmentHeader.committed(file.base)
        } else {
            visible = .allocate(capacity: 1)
            visible.initialize(to: Atomic(UInt64(SegmentHeader.bytes)))
        }
    }

    /// A segment of an earlier opening, over which nothing is written any more.
    init(file: SegmentFile, header: SegmentHeader, extents: [Range<Int>], lastNumber: UInt64) {
        self.file = file
        journal = header.journal
        opening = header.opening
        shard = header.shard
        sequence = header.sequence
        checksum = header.checksum
        self.extents = extents
        sealing = Monitor(SegmentHeader.bytes)
        ownsVisible = true
        let end = UInt64(extents.last?.upperBound ?? SegmentHeader.bytes)
        visible = .allocate(capacity: 1)
        visible.initialize(to: Atomic(end))
        finalEnd.store(end, ordering: .relaxed)
        firstNumber.store(header.firstNumber, ordering: .relaxed)
        self.lastNumber.store(lastNumber, ordering: .relaxed)
    }

    deinit {
        if ownsVisible {
            visible.deinitialize(count: 1)
            visible.deallocate()
        }
    }

    var stream: JournalStream { JournalStream(journal: journal, opening: opening, shard: shard) }

    /// The whole records at or after an offset and below an end; nil if none.
    func readable(from offset: Int, to end: Int) -> Range<Int>? {
        if extents.isEmpty { return offset < end ? offset..<end : nil }
        for extent in extents where extent.upperBound > offset {
            let range = max(offset, extent.lowerBound)..<min(end, extent.upperBound)
            return range.isEmpty ? nil : range
        }
        return nil
    }

    /// A reader goes on to the next one: what it read counts no longer as the process's memory. Not where the owner stores
    /// through the mapping, and would have to fault its pages in again.
    func letGo() {
        if file.file != nil { file.mapping.letGo() }
    }

    /// Records of some range, which begins and ends between two records.
    func records(_ range: Range<Int>) -> RecordCursor {
        RecordCursor(UnsafeRawBufferPointer(rebasing: file.mapping.bytes[range]))
    }

    /// Gives records that have none their checksum. Each is done once, by whichever reader comes first.
    func seal(_ range: Range<Int>) {
        sealing.withLock { done in
            var offset = max(done, range.lowerBound)
            guard offset < range.upperBound else { return }
            done = range.upperBound
            while offset < range.upperBound {
                let rest = UnsafeRawBufferPointer(rebasing: file.mapping.bytes[offset..<range.upperBound])
                guard let record = RecordView(prefixOf: rest) else { return }
                if record.flags & RecordFlags.checksum == 0 {
                    let start = file.base + offset
                    start.storeBytes(
                        of: checksum.of(record).littleEndian, toByteOffset: RecordLayout.checksumOffset,
                        as: UInt32.self)
                    // The flag goes last. A kill in between leaves a checksum without flag, which recovery
                    // checks as if it had one.
                    (start + RecordLayout.flagsOffset).assumingMemoryBound(to: Atomic<UInt8>.self)
                        .pointee.store(record.flags | RecordFlags.checksum, ordering: .releasing)
                }
                offset += record.totalBytes
            }
        }
    }
}
