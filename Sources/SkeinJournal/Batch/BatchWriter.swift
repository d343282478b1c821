import SkeinPlatform
import Synchronization

/// The end of a collector's journal: the segment that is being written, and what is gathered for the next call.
/// Used by the one writing thread.
final class BatchWriter: @unchecked Sendable {
    // Sendable: everything but the store belongs to the writing thread.

    /// Pieces below this size are gathered; larger ones are written from where they are.
    static let gatherBelow = 32 << 10
    private static let bufferBytes = 1 << 20

    let store: SegmentStore
    private let id: JournalID
    private let boot: JournalID
    private let opening: UInt64
    private let buffer: UnsafeMutableRawBufferPointer
    private var buffered = 0
    private(set) var segment: Segment?
    /// The segment is the one that is kept for the collector's own events.
    private var isReserve = false
    /// Where the next record begins, what is gathered included.
    private(set) var offset = 0
    private var nextSequence: UInt64
    /// The end of the log before the segment: what a new one's header says.
    private var before: JournalPosition

    init(
        store: SegmentStore, id: JournalID, boot: JournalID, opening: UInt64, nextSequence: UInt64,
        before: JournalPosition
    ) {
        self.store = store
        self.id = id
        self.boot = boot
        self.opening = opening
        self.nextSequence = nextSequence
        self.before = before
        buffer = .allocate(byteCount: Self.bufferBytes, alignment: 4096)
    }

    deinit { buffer.deallocate() }

    /// Where the log ends.
    var position: JournalPosition {
        segment.map { JournalPosition(sequence: $0.sequence, offset: UInt64(offset)) } ?? before
    }

    /// Bytes that the segment still has room for.
    /// - Parameter useReserve: whether for what may go into the segment kept for the collector's own events.
    func room(useReserve: Bool) -> Int {
        segment == nil || isReserve && !useReserve ? 0 : store.configuration.segmentBytes - offset
    }

    /// Writes bytes at the end; there is room for them.
    func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        guard let file = segment?.file.file else { throw SystemError(code: EBADF) }
        if bytes.count < Self.gatherBelow {
            if buffered + bytes.count > buffer.count { try flush() }
            UnsafeMutableRawBufferPointer(rebasing: buffer[buffered...]).copyMemory(from: bytes)
            buffered += bytes.count
        } else {
            try flush()
            try file.write(bytes, at: offset)
        }
        offset += bytes.count
    }

    /// Gathers a record without an intermediate copy; there is room for it, and it is below ``gatherBelow``.
    func gather(_ total: Int, _ fill: (UnsafeMutableRawPointer) -> Void) throws(SystemError) {
        if buffered + total > buffer.count { try flush() }
        fill(buffer.baseAddress! + buffered)
        buffered += total
        offset += total
    }

    /// Hands what was gathered to the kernel.
    func flush() throws(SystemError) {
        guard buffered > 0, let file = segment?.file.file else { return }
        try file.write(UnsafeRawBufferPointer(rebasing: buffer[..<buffered]), at: offset - buffered)
        buffered = 0
    }

    /// Goes on to a new segment, which begins with a record of all streams.
    /// - Parameters:
    ///   - table: the record's payload.
    ///   - useReserve: whether it may be the last that the budget allows.
    func begin(table: [UInt8], useReserve: Bool) throws(JournalError) -> Segment {
        do throws(SystemError) {
            try flush()
        } catch {
            throw JournalError("writing segment \(segment?.sequence ?? 0)", error)
        }
        let file: SegmentFile
        var isReserve = false
        var taken = store.take(extra: -store.configuration.segmentBytes)
        if useReserve, case .full = taken {
            taken = store.take()
            isReserve = true
        }
        switch taken {
        case .file(let taken):
            file = taken
        case .full:
            throw JournalError(
                .full,
                "the journal \(store.configuration.folder) holds its budget of "
                    + "\(store.configuration.budgetBytes) bytes; it goes on when its readers do")
        case .failed(let error):
            throw error
        }
        let end = position
        let header = SegmentHeader(
            journal: id, boot: boot, sequence: nextSequence, opening: opening,
            segmentBytes: file.byteCount, begun: SystemClock.wallNanoseconds(), shard: 0, firstNumber: 0,
            precedingEnd: end.sequence == 0 ? 0 : end.offset, precedingSequence: end.sequence)
        do throws(SystemError) {
            try file.file?.write(header.page(), at: 0)
        } catch {
            store.discard(file)
            throw JournalError("beginning segment \(nextSequence)", error)
        }
        let next = Segment(file: file, header: header, sharesCommitted: false)
        store.install(next, lane: 0)
        if let segment { segment.finalEnd.store(UInt64(offset), ordering: .releasing) }
        before = end
        segment = next
        self.isReserve = isReserve
        offset = SegmentHeader.bytes
        nextSequence += 1
        do throws(SystemError) {
            let record = Self.record(table, kind: .table, number: 0, arrival: header.begun, next.checksum)
            try record.withUnsafeBufferPointer { bytes throws(SystemError) in
                try write(UnsafeRawBufferPointer(bytes))
            }
        } catch {
            throw JournalError("beginning segment \(next.sequence)", error)
        }
        return next
    }

    /// Forgets the segment and what was gathered for it. The log ends at `end`, and goes on in a new segment.
    func abandon(end: JournalPosition) {
        segment = nil
        buffered = 0
        offset = 0
        before = end
    }

    /// A whole record of the journal's own.
    static func record(
        _ payload: [UInt8], kind: RecordKind, number: UInt64, arrival: Int64, _ checksum: RecordChecksum
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: RecordLayout.total(payload.count))
        bytes.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            payload.withUnsafeBytes { source in
                if let from = source.baseAddress {
                    (start + RecordLayout.headerBytes).copyMemory(from: from, byteCount: source.count)
                }
            }
            complete(
                start, payload: payload.count, kind: kind, flags: 0, stream: 0, number: number,
                arrival: arrival,
                checksum)
        }
        return bytes
    }

    /// Writes the header before a payload that is in place, and the padding after it.
    @inline(__always)
    static func complete(
        _ start: UnsafeMutableRawPointer, payload: Int, kind: RecordKind, flags: UInt8, stream: UInt32,
        number: UInt64, arrival: Int64, _ checksum: RecordChecksum
    ) {
        let flags = flags | RecordFlags.checksum
        var padding = RecordLayout.headerBytes + payload
        while padding & 7 != 0 {
            (start + padding).storeBytes(of: 0, as: UInt8.self)
            padding += 1
        }
        start.storeBytes(of: UInt64(UInt32(truncatingIfNeeded: payload)).littleEndian, as: UInt64.self)
        let word = UInt64(kind.rawValue) | UInt64(flags) << 8 | UInt64(stream) << 32
        start.storeBytes(of: word.littleEndian, toByteOffset: 8, as: UInt64.self)
        start.storeBytes(of: number.littleEndian, toByteOffset: 16, as: UInt64.self)
        start.storeBytes(of: arrival.littleEndian, toByteOffset: 24, as: Int64.self)
        start.storeBytes(
            of: checksum.ofPrepared(start, payload: payload).littleEndian,
            toByteOffset: RecordLayout.checksumOffset, as: UInt32.self)
    }
}
