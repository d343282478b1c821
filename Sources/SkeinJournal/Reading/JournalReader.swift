import SkeinPlatform
import Synchronization

/// Follows one shard of a journal and remembers, durably where the journal is, how far its records are done with.
///
/// Two places: up to where it has read (``next(maximumBytes:)``, ``rewindToCursor()``), and the cursor, up to where
/// everything is acknowledged (``advance(past:of:)``). The cursor lets segments be recycled.
///
/// One thread at a time, and one reader for each shard and cursor name.
public final class JournalReader: @unchecked Sendable {
    // Sendable so that it can be made on one thread and used on another. Nothing in it is shared: it belongs to
    // whoever reads, and what it shares with writers is in Segment and SegmentStore.

    /// What was read and is not acknowledged, in order.
    struct Pending {
        let segment: Segment
        var range: Range<Int>
        var first: UInt64
        var last: UInt64
        var isAcknowledged = false
    }

    /// A stretch of whole records.
    struct Cut {
        let segment: Segment
        var range: Range<Int>
        var first: UInt64
        var last: UInt64
        var count: Int
    }

    /// The shard that it reads.
    public let shard: Int
    /// The name of its cursor.
    public let name: String
    let store: SegmentStore
    let liveOpening: UInt64
    let seals: Bool
    let cursorFile: CursorWriter?
    private let liveShard: MappedShard?
    var segment: Segment?
    var offset = SegmentHeader.bytes
    var cursor: CursorRecord
    var pending: [Pending] = []
    var pendingStart = 0

    init(
        store: SegmentStore, shard: Int, name: String, liveOpening: UInt64, seals: Bool, cursor: CursorRecord,
        cursorFile: CursorWriter?, liveShard: MappedShard? = nil
    ) {
        self.store = store
        self.shard = shard
        self.name = name
        self.liveOpening = liveOpening
        self.seals = seals
        self.cursor = cursor
        self.cursorFile = cursorFile
        self.liveShard = liveShard
        rewindToCursor()
    }

    /// Everything up to here is acknowledged.
    public var position: JournalPosition { cursor.position }

    /// The number of the last acknowledged record, in its stream; 0 at the start of one.
    public var acknowledgedNumber: UInt64 { cursor.number }

    // MARK: Reading

    /// The next records of one stream, contiguous and whole.
    ///
    /// Costs a few nanoseconds a record; where the journal has a folder, also their checksum (50 ns for 300 bytes).
    /// - Parameter maximumBytes: at most so many bytes with headers, but at least one record.
    /// - Returns: nil when nothing more can be read now. In a collector's journal that is what fdatasync has not
    ///   yet covered.
    /// - Throws: `damaged` when memory that this process wrote is no run of records any more. What cannot be read
    ///   is passed over; the next call goes on after it.
    public func next(maximumBytes: Int = 256 << 10) throws(JournalError) -> RecordRun? {
        guard let cut = try cut(maximumBytes: maximumBytes, through: .max) else { return nil }
        if seals { cut.segment.seal(cut.range) }
        pending.append(
            Pending(segment: cut.segment, range: cut.range, first: cut.first, last: cut.last))
        return RecordRun(
            segment: cut.segment, range: cut.range, first: cut.first, last: cut.last, count: cut.count)
    }

    /// Asks an app's journal to call ``MappedJournal/wakeUp`` once when more than `bytes` bytes of records are there
    /// to read, or the shard goes on to a new segment. When idle, ask for 0: the next record wakes.
    /// - Returns: false if that is so already, and no call will come: read. Call it when ``next(maximumBytes:)`` has
    ///   returned nil.
    public func armWakeUp(afterBytes bytes: Int = 0) -> Bool {
        if readable() != nil && bytes == 0 { return false }
        guard let liveShard else { return true }
        return liveShard.armWakeUp(
            after: bytes, beyond: JournalPosition(sequence: segment?.sequence ?? 0, offset: UInt64(offset)))
    }

    /// Goes on reading at the cursor: everything that is not acknowledged is read again.
    public func rewindToCursor() {
        pending.removeAll(keepingCapacity: true)
        pendingStart = 0
        segment = store.segment(lane: shard, from: cursor.position.sequence)
        let isSame = segment?.sequence == cursor.position.sequence
        offset = isSame ? Int(cursor.position.offset) : SegmentHeader.bytes
    }

    /// Goes on reading after a record: what was read beyond it, of later streams too, is read again. Nothing is
    /// acknowledged by this. At or below the cursor it is ``rewindToCursor()``; where nothing beyond was read, and for
    /// a stream of which nothing is read, it does nothing.
    public func rewind(toAfter number: UInt64, of stream: JournalStream) {
        let unacknowledged = pending[pendingStart...]
        guard var index = unacknowledged.firstIndex(where: { $0.segment.stream == stream }) else { return }
        while index < pending.count, pending[index].segment.stream == stream, pending[index].last <= number {
            index += 1
        }
        guard index < pending.count else { return }
        var entry = pending[index]
        pending.removeSubrange(index...)
        segment = entry.segment
        offset = entry.range.lowerBound
        guard entry.segment.stream == stream else { return }
        let place = Self.place(after: number, in: entry)
        if place.offset > offset {
            offset = place.offset
            entry.range = entry.range.lowerBound..<place.offset
            entry.last = place.number
            pending.append(entry)
        }
    }

    /// Where in the current segment something can be read, going on to the next segment when one ends.
    func readable() -> (segment: Segment, range: Range<Int>)? {
        if store.isClosed { return nil }
        while true {
            if segment == nil {
                segment = store.segment(lane: shard, from: cursor.position.sequence)
                offset = SegmentHeader.bytes
            }
            guard let segment else { return nil }
            // Once the end is known, the visible length may belong to another use of the same file.
            let end = Int(segment.finalEnd.load(ordering: .acquiring))
            if end != 0 && offset >= end {
                guard let next = store.segment(lane: shard, from: segment.sequence + 1) else { return nil }
                segment.letGo()
                self.segment = next
                offset = SegmentHeader.bytes
                continue
            }
            let visible = Int(segment.visible.pointee.load(ordering: .acquiring))
            let readableEnd = end == 0 ? visible : min(visible, end)
            if let range = segment.readable(from: offset, to: readableEnd) { return (segment, range) }
            guard end != 0 && readableEnd == end else { return nil }
            offset = end
        }
    }

    /// The next stretch, moved past.
    /// - Parameter through: not beyond this number.
    func cut(maximumBytes: Int, through: UInt64) throws(JournalError) -> Cut? {
        while let (segment, range) = readable() {
            let bytes = segment.file.mapping.bytes
            var start = range.lowerBound
            var at = start
            var count = 0
            var first: UInt64 = 0
            var last: UInt64 = 0
            while at < range.upperBound {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[at..<range.upperBound])
                guard let record = RecordView(prefixOf: rest) else {
                    if count > 0 { break }
                    offset = range.upperBound
                    throw JournalError(
                        .damaged,
                        "reading shard \(shard) at \(segment.sequence):\(at): no record stands there. "
                            + "\(range.upperBound - at) bytes are passed over; something in this process "
                            + "writes where it should not.")
                }
                let total = record.totalBytes
                if record.kind == .table {
                    // The journal's own business: passed over, and never inside a run.
                    if count > 0 { break }
                    at += total
                    start = at
                    continue
                }
                if count > 0 && at + total - start > maximumBytes { break }
                let number = record.number
                if number > through { break }
                if count == 0 { first = number }
                last = number
                count += 1
                at += total
            }
            offset = at
            if count > 0 {
                return Cut(segment: segment, range: start..<at, first: first, last: last, count: count)
            }
            if at < range.upperBound { return nil }
        }
        return nil
    }

    /// Where the last record of an entry with at most this number ends, and its number (0 if there is none).
    static func place(after number: UInt64, in entry: Pending) -> (offset: Int, number: UInt64) {
        var records = entry.segment.records(entry.range)
        var place = (offset: entry.range.lowerBound, number: UInt64(0))
        while let record = records.next(), record.number <= number {
            place = (entry.range.lowerBound + records.offset, record.number)
        }
        return place
    }
}
