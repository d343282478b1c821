public import SkeinPlatform
public import Synchronization

/// One shard of an app's journal: an order of records of its own. Any thread may append to any shard; threads that
/// keep to different shards never wait for each other.
public final class MappedShard: @unchecked Sendable {
    // Sendable: the state behind the pointer is used under its spin lock, the current segment under `switching`.
    @usableFromInline let state: UnsafeMutablePointer<ShardState>
    /// Its place in ``MappedJournal/shards``.
    public let index: Int
    /// The most bytes that one record may have.
    public let maximumPayload: Int
    private let core: MappedCore
    private let switching = Monitor<Segment?>(nil)
    private let firstSequence: UInt64

    init(index: Int, state: UnsafeMutablePointer<ShardState>, core: MappedCore, firstSequence: UInt64) {
        self.index = index
        self.state = state
        self.core = core
        self.firstSequence = firstSequence
        maximumPayload = MappedShard.maximumPayload(segmentBytes: core.store.configuration.segmentBytes)
    }

    static func maximumPayload(segmentBytes: Int) -> Int {
        segmentBytes - SegmentHeader.bytes - RecordLayout.overhead
    }

    /// Appends one record.
    ///
    /// About 15 ns and the time of `write`, without allocation, system call or reference counting; a few
    /// microseconds each time a segment is full, or as long as making a file takes when no spare was prepared.
    /// Any thread. The record is whole before anyone sees it, and survives a SIGKILL from then on.
    ///
    /// - Parameters:
    ///   - kind: what the record is.
    ///   - flags: ``RecordFlags/log`` or 0.
    ///   - arrival: when the record closed, Unix nanoseconds.
    ///   - capacity: the most bytes that `write` will write. Not above ``maximumPayload``: then nothing is
    ///     appended.
    ///   - slot: the slot of the context that this record closes, to be stamped with shard, opening and number
    ///     before the record is committed; nil if it has none.
    ///   - write: writes the payload, at 8-byte alignment, and returns how many bytes it wrote; a negative count
    ///     gives the append up. It runs under a spin lock: no allocation, no blocking call, and no other append.
    /// - Returns: the number of the record in its stream. 0 when nothing was appended: the journal is full or
    ///   closed, `capacity` is above ``maximumPayload``, or `write` gave up. The caller counts.
    @inlinable @inline(__always)
    public func append(
        kind: RecordKind, flags: UInt8, arrival: Int64, capacity: Int, slot: UnsafeMutableRawPointer?,
        _ write: (UnsafeMutableRawPointer) -> Int
    ) -> UInt64 {
        let state = self.state
        var wakes = false
        var hold = state.pointee.lock.acquire()
        while capacity > state.pointee.softLimit &- state.pointee.offset &- RecordLayout.overhead {
            state.pointee.lock.release(hold)
            let room = makeRoom(capacity)
            if room == 0 { return 0 }
            if room == 2 { wakes = true }
            hold = state.pointee.lock.acquire()
        }
        let base = state.pointee.base
        let record = base + state.pointee.offset
        let count = write(record + RecordLayout.headerBytes)
        if count < 0 {
            state.pointee.lock.release(hold)
            return 0
        }
        precondition(count <= capacity, "an append wrote more bytes than the capacity that it asked for")
        let number = state.pointee.nextNumber
        // The padding, and up to seven bytes beyond it, for which the room was asked.
        (record + RecordLayout.headerBytes + count).storeBytes(of: 0, as: UInt64.self)
        record.storeBytes(of: UInt64(UInt32(truncatingIfNeeded: count)).littleEndian, as: UInt64.self)
        record.storeBytes(
            of: (UInt64(kind.rawValue) | UInt64(flags) << 8).littleEndian, toByteOffset: 8, as: UInt64.self)
        record.storeBytes(of: number.littleEndian, toByteOffset: 16, as: UInt64.self)
        record.storeBytes(of: arrival.littleEndian, toByteOffset: 24, as: Int64.self)
        if let slot {
            slot.storeBytes(of: number.littleEndian, toByteOffset: SlotLayout.stampNumber, as: UInt64.self)
            slot.storeBytes(
                of: state.pointee.shard.littleEndian, toByteOffset: SlotLayout.stampShard, as: UInt32.self)
            slot.storeBytes(
                of: state.pointee.opening.littleEndian, toByteOffset: SlotLayout.stampOpening, as: UInt64.self
            )
            slot.assumingMemoryBound(to: Atomic<UInt32>.self).pointee
                .store(SlotLayout.closing.littleEndian, ordering: .releasing)
        }
        let end = state.pointee.offset &+ RecordLayout.total(count)
        // The record is committed by this store, and so after its content and the slot's stamp.
        (base + 128).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
            .store(UInt64(end).littleEndian, ordering: .releasing)
        state.pointee.offsetWord.store(end, ordering: .relaxed)
        state.pointee.nextNumber = number &+ 1
        // What the next record will be written to: where it takes its lines from is the core that shipped their last use.
        prefetchForWriting(base + end, bytes: 448)
        state.pointee.lock.release(hold)
        if wakes { wake() }
        return number
    }

    /// The number of the last record; 0 before the first.
    public var lastNumber: UInt64 {
        state.pointee.lock.visit { state.pointee.nextNumber &- 1 }
    }

    /// Makes the next segment ready, if this one is more than half full and none is: so that no append has to.
    /// Called by the shipper's thread each time around.
    public func prepareSpare() {
        if isHalfFull { core.store.prepare(1) }
    }

    var isHalfFull: Bool {
        if core.isInert { return false }
        // A hint: nobody is kept waiting for it.
        let limit = state.pointee.limit
        return limit > 0 && state.pointee.offset > limit / 2
    }

    @usableFromInline func wake() { core.wake() }

    /// Makes room for a record whose size the fast path had none for.
    /// - Returns: 0: there is none. 1: try again. 2: try again, and wake the reader when the record is committed.
    @usableFromInline @inline(never)
    func makeRoom(_ capacity: Int) -> Int {
        guard !core.isInert, capacity >= 0, capacity <= maximumPayload else { return 0 }
        // Only the place where a reader wants to be woken?
        let onlyWakes = state.pointee.lock.withLock { () -> Bool in
            guard capacity <= state.pointee.limit &- state.pointee.offset &- RecordLayout.overhead else {
                return false
            }
            state.pointee.softLimit = state.pointee.limit
            return true
        }
        if onlyWakes { return 2 }
        return switching.withLock { current in
            // Another thread may have gone on to the next segment meanwhile.
            let (fits, isClosed) = state.pointee.lock.withLock {
                (
                    capacity <= state.pointee.limit &- state.pointee.offset &- RecordLayout.overhead,
                    state.pointee.isClosed
                )
            }
            if isClosed { return 0 }
            if fits { return 1 }
            guard case .file(let file) = core.store.take() else { return 0 }
            begin(file, after: &current)
            return 2
        }
    }

    /// Goes on to a new segment.
    private func begin(_ file: SegmentFile, after current: inout Segment?) {
        var header = SegmentHeader(
            journal: core.id, boot: core.boot, sequence: current.map { $0.sequence + 1 } ?? firstSequence,
            opening: state.pointee.opening, segmentBytes: file.byteCount,
            begun: SystemClock.wallNanoseconds(),
            shard: UInt32(index), firstNumber: 0, precedingEnd: 0, precedingSequence: current?.sequence ?? 0)
        // What an earlier use left is gone before a reader can come here.
        SegmentHeader.clear(file.base)
        let segment = Segment(file: file, header: header, sharesCommitted: true)
        core.store.install(segment, lane: index)
        let old = current
        state.pointee.lock.withLock {
            header.firstNumber = state.pointee.nextNumber
            header.precedingEnd = old == nil ? 0 : UInt64(state.pointee.offset)
            header.begin(at: file.base)
            segment.firstNumber.store(header.firstNumber, ordering: .relaxed)
            if let old {
                SegmentHeader.sealed(old.file.base).pointee.store(
                    UInt64(1).littleEndian, ordering: .releasing)
                old.lastNumber.store(header.firstNumber &- 1, ordering: .relaxed)
                old.finalEnd.store(UInt64(state.pointee.offset), ordering: .releasing)
            }
            state.pointee.base = file.base
            state.pointee.offsetWord.store(SegmentHeader.bytes, ordering: .relaxed)
            state.pointee.limitWord.store(file.byteCount, ordering: .relaxed)
            state.pointee.softLimit = file.byteCount
        }
        current = segment
    }

    /// Asks that ``MappedJournal/wakeUp`` be called by the append that takes the shard further than `bytes` beyond
    /// a position, or to another segment. One call for each time it is asked for.
    /// - Returns: false if that is so already: read instead of waiting.
    func armWakeUp(after bytes: Int, beyond position: JournalPosition) -> Bool {
        switching.withLock { current in
            // Without a segment the first append makes one, and wakes.
            guard let current else { return true }
            guard current.sequence == position.sequence else {
                return current.sequence < position.sequence
            }
            return state.pointee.lock.visit {
                guard state.pointee.offset <= Int(position.offset) + bytes else { return false }
                state.pointee.softLimit = min(state.pointee.limit, Int(position.offset) + bytes)
                return true
            }
        }
    }

    /// Takes nothing from here on.
    func close() {
        switching.withLock { current in
            state.pointee.lock.withLock {
                if let current {
                    SegmentHeader.sealed(current.file.base).pointee
                        .store(UInt64(1).littleEndian, ordering: .releasing)
                    current.lastNumber.store(state.pointee.nextNumber &- 1, ordering: .relaxed)
                    current.finalEnd.store(UInt64(state.pointee.offset), ordering: .releasing)
                }
                stop()
            }
            current = nil
        }
    }

    /// In the child of a fork: takes nothing, whatever other threads of the parent were doing.
    func abandonAfterFork() {
        stop()
        state.pointee.lock.abandonAfterFork()
    }

    private func stop() {
        state.pointee.isClosed = true
        state.pointee.offsetWord.store(0, ordering: .relaxed)
        state.pointee.limitWord.store(0, ordering: .relaxed)
        state.pointee.softLimit = 0
    }
}
