import SkeinJournal
import SkeinPlatform

/// The records of an outlet's backlog, as `Docs/Journal.md` has them: copies of records of the main journal, numbered by
/// their places there, and tallies of records of which there is no copy.
enum BacklogRecord {
    /// Bytes behind the document of a copy: who numbered the record, and how many before it were not for the outlet.
    static let originBytes = 40
    /// Bytes of a tally: how many records were not for the outlet, and how many were dropped.
    static let tallyBytes = 16

    private static let headerBytes = 32

    /// Where in the main journal everything that a record stands for ends; not necessarily between two records there.
    static func end(ofNumber number: UInt64) -> JournalPosition { JournalPosition(ordinal: number + 1) }

    /// Adds the copy of a record.
    /// - Parameters:
    ///   - position: where the record begins in the main journal.
    ///   - stream: who numbered it.
    ///   - passed: how many records since the last copy or tally were not for the outlet.
    static func append(
        _ record: RecordView, at position: JournalPosition, of stream: JournalStream, passed: UInt32,
        to memory: BacklogMemory
    ) {
        let count = record.payload.count
        let start = memory.grow(count + originBytes)
        header(
            start, payload: count + originBytes, kind: record.kind, flags: record.flags,
            number: position.ordinal, arrival: record.arrival)
        if let payload = record.payload.baseAddress {
            (start + headerBytes).copyMemory(from: payload, byteCount: count)
        }
        let origin = start + headerBytes + count
        origin.storeBytes(of: stream.journal.low.littleEndian, as: UInt64.self)
        origin.storeBytes(of: stream.journal.high.littleEndian, toByteOffset: 8, as: UInt64.self)
        origin.storeBytes(of: stream.opening.littleEndian, toByteOffset: 16, as: UInt64.self)
        origin.storeBytes(of: stream.shard.littleEndian, toByteOffset: 24, as: UInt32.self)
        origin.storeBytes(of: passed.littleEndian, toByteOffset: 28, as: UInt32.self)
        origin.storeBytes(of: record.number.littleEndian, toByteOffset: 32, as: UInt64.self)
    }

    /// Adds a tally of what lies between the last copy and a place, that of the last record it stands for.
    static func append(
        tally passed: UInt64, dropped: UInt64, through position: JournalPosition, to memory: BacklogMemory
    ) {
        let start = memory.grow(tallyBytes)
        // A record takes at least four such steps, so the number is no other record's.
        header(
            start, payload: tallyBytes, kind: .dropNotice, flags: 0, number: position.ordinal + 1,
            arrival: SystemClock.wallNanoseconds())
        start.storeBytes(of: passed.littleEndian, toByteOffset: headerBytes, as: UInt64.self)
        start.storeBytes(of: dropped.littleEndian, toByteOffset: headerBytes + 8, as: UInt64.self)
    }

    private static func header(
        _ start: UnsafeMutableRawPointer, payload: Int, kind: RecordKind, flags: UInt8, number: UInt64,
        arrival: Int64
    ) {
        start.storeBytes(of: UInt64(UInt32(truncatingIfNeeded: payload)).littleEndian, as: UInt64.self)
        let word = UInt64(kind.rawValue) | UInt64(flags & ~RecordFlags.checksum) << 8
        start.storeBytes(of: word.littleEndian, toByteOffset: 8, as: UInt64.self)
        start.storeBytes(of: number.littleEndian, toByteOffset: 16, as: UInt64.self)
        start.storeBytes(of: arrival.littleEndian, toByteOffset: 24, as: Int64.self)
    }

    /// How many records before a copy were not for the outlet; 0 for one that is too short to be a copy.
    @inline(__always)
    static func passed(_ copy: RecordView) -> Int {
        guard copy.payload.count >= originBytes else { return 0 }
        return Int(
            UInt32(
                littleEndian: copy.payload.loadUnaligned(
                    fromByteOffset: copy.payload.count - originBytes + 28, as: UInt32.self)))
    }

    /// What a tally says; nil if it is none.
    static func tally(_ record: RecordView) -> (passed: UInt64, dropped: UInt64)? {
        // A copy of any kind is longer.
        guard record.kind == .dropNotice, record.payload.count == tallyBytes else { return nil }
        return (
            UInt64(littleEndian: record.payload.loadUnaligned(as: UInt64.self)),
            UInt64(littleEndian: record.payload.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        )
    }
}

/// Where records are put together before they are appended. One thread.
final class BacklogMemory {
    private var base: UnsafeMutableRawPointer = .allocate(byteCount: 1 << 16, alignment: 16)
    private var capacity = 1 << 16
    private var used = 0

    deinit { base.deallocate() }

    var isEmpty: Bool { used == 0 }

    /// The records so far, to be changed in place.
    var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: base, count: used) }

    func removeAll() { used = 0 }

    /// Gives back what one large record took.
    func shrink() {
        guard capacity > 4 << 20, used == 0 else { return }
        base.deallocate()
        capacity = 1 << 16
        base = .allocate(byteCount: capacity, alignment: 16)
    }

    /// Adds an event with a header of which only number and arrival count.
    /// - Returns: where it stands in ``bytes``.
    func add(_ event: UnsafeRawBufferPointer, number: UInt64, arrival: Int64) -> EventPlace {
        let offset = used + RecordFrame.headerBytes
        let start = grow(event.count)
        start.storeBytes(of: number.littleEndian, toByteOffset: RecordFrame.headerBytes - 16, as: UInt64.self)
        start.storeBytes(of: arrival.littleEndian, toByteOffset: RecordFrame.headerBytes - 8, as: Int64.self)
        if let source = event.baseAddress {
            (start + RecordFrame.headerBytes).copyMemory(from: source, byteCount: event.count)
        }
        return EventPlace(
            offset: UInt32(truncatingIfNeeded: offset), count: UInt32(truncatingIfNeeded: event.count))
    }

    /// Room for a header, a payload of so many bytes, and zeroes up to the next multiple of eight.
    /// - Returns: where the header goes; until the next call.
    func grow(_ payload: Int) -> UnsafeMutableRawPointer {
        let total = (32 + payload + 7) & ~7
        if used + total > capacity {
            capacity = max(capacity * 2, used + total)
            let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
            larger.copyMemory(from: base, byteCount: used)
            base.deallocate()
            base = larger
        }
        let start = base + used
        (start + total - 8).storeBytes(of: 0, as: UInt64.self)
        used += total
        return start
    }
}
