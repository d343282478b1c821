import SkeinPlatform
import Synchronization

/// A run of whole records, lent by a reader straight out of a segment's memory.
///
/// The memory stays as it is until ``release()``, which may come from any thread: from libzmq's I/O thread when it
/// has sent a message that points here. A run that is dropped without it releases itself.
public final class RecordRun: Sendable {
    /// The stream that numbers these records. In a collector's journal, whose runs mix streams, the log's own;
    /// ask ``RecordView/streamIndex`` there.
    public let stream: JournalStream
    /// Number of the first record.
    public let first: UInt64
    /// Number of the last record.
    public let last: UInt64
    /// How many records. In an app's journal fewer than the numbers say where recovery found gaps.
    public let count: Int
    /// Where the first record begins.
    public let start: JournalPosition
    /// Where the last record ends.
    public let end: JournalPosition
    private let segment: Segment
    private let range: Range<Int>
    private let isReleased = Atomic<Bool>(false)

    init(segment: Segment, range: Range<Int>, first: UInt64, last: UInt64, count: Int) {
        self.segment = segment
        self.range = range
        self.first = first
        self.last = last
        self.count = count
        stream = segment.stream
        start = JournalPosition(sequence: segment.sequence, offset: UInt64(range.lowerBound))
        end = JournalPosition(sequence: segment.sequence, offset: UInt64(range.upperBound))
        segment.lent.wrappingAdd(1, ordering: .relaxed)
    }

    deinit { release() }

    /// The records with their headers and padding. Valid until ``release()``.
    public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: segment.file.mapping.bytes[range])
    }

    /// Walks the records. What it returns is valid until ``release()``.
    public func makeCursor() -> RecordCursor { RecordCursor(bytes) }

    /// Gives the memory back; the second time does nothing. Any thread, no locks.
    public func release() {
        if isReleased.exchange(true, ordering: .relaxed) { return }
        // Release: what was read here was read before the memory is used again.
        segment.lent.wrappingSubtract(1, ordering: .releasing)
    }
}
