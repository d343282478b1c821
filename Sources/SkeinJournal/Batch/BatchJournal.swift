import SkeinPlatform
public import Synchronization

/// A collector's journal: batches from many producers, written with calls and made durable before anything is
/// acknowledged.
///
/// One thread writes (``append(_:stream:numbers:arrival:accepting:)``, ``append(_:kind:flags:arrival:useReserve:)``,
/// streams, ``beginMark()``, ``rollBack()``), one at a time syncs (``sync(_:)``), and each reader has a thread of its
/// own. Readers see only what a sync has covered.
///
/// ```swift
/// let journal = try BatchJournal(.init(folder: "/var/lib/skein/journal"))
/// // The writing thread, each 100 ms or when half a window is in:
/// let mark = try journal.beginMark()
/// // The syncing thread:
/// try journal.sync(mark)
/// for held in mark.held { print("acknowledge", held.stream, "up to", held.number) }
/// ```
public final class BatchJournal: @unchecked Sendable {
    // Sendable: the writer belongs to the writing thread; the rest is constant, or has its own lock.

    /// How to open a collector's journal.
    public struct Configuration: Sendable {
        /// The journal's own folder, made if it is not there.
        public var folder: String
        /// 16 KiB to 1 GiB, a multiple of 4 KiB. No record may be larger.
        public var segmentBytes: Int
        /// The most bytes of disk that all segments take together; at least four segments. One is kept for the
        /// collector's own events.
        public var budgetBytes: Int

        /// A folder with the default sizes. Opening the journal checks them.
        public init(folder: String, segmentBytes: Int = 64 << 20, budgetBytes: Int = 4 << 30) {
            self.folder = folder
            self.segmentBytes = segmentBytes
            self.budgetBytes = budgetBytes
        }
    }

    /// What the syncing thread and the writing thread share.
    struct SyncState {
        /// Everything before this is durable.
        var durable: JournalPosition
        /// Segments that may hold more than is durable, in order.
        var unsynced: [Segment] = []
        /// Raised by each ``rollBack()``: marks from before it are void.
        var generation = 0
        /// Why what was written since `durable` can never be acknowledged.
        var failure: JournalError?
    }

    /// Drawn when the folder was made.
    public let id: JournalID
    /// Drawn by this opening.
    public let opening: UInt64
    /// Where it lies.
    public let folder: String
    /// The most bytes that one record may have.
    public let maximumPayload: Int
    /// What was left by earlier openings.
    public let recovered: RecoveredJournal

    let store: SegmentStore
    let writer: BatchWriter
    let streams: Monitor<StreamTable>
    let syncState: Monitor<SyncState>
    /// Held while a sync runs, or what it would cover is taken back.
    let syncTurn = Monitor(())
    let cursors: Monitor<[String: CursorWriter]>
    /// Streams of which something may not be durable. Of the writing thread.
    var touched: Set<UInt32> = []
    /// The journal's own stream since it was last put into the table: of the writing thread, so that an event of its
    /// own takes no lock.
    var own: (number: UInt64, arrival: Int64, sequence: UInt64)
    /// A sync or a write failed; ``SyncState/failure`` says which.
    let hasFailed = Atomic<Bool>(false)
    private let head: JournalHead
    /// Where counters are saved, when they cannot be mapped.
    private let headFile: (any JournalFile)?
    private let lock: any JournalLock
    private let closed = Atomic<Bool>(false)

    /// The most streams that the journal remembers: all of them stand at the start of each segment.
    let maximumStreams: Int

    init(_ opening: BatchOpening) {
        id = opening.id
        self.opening = opening.opening
        folder = opening.folder
        recovered = opening.recovered
        store = opening.store
        writer = opening.writer
        streams = Monitor(opening.table)
        own = (opening.table[0]?.highest ?? 0, 0, 0)
        syncState = Monitor(SyncState(durable: opening.writer.position))
        cursors = Monitor(opening.cursors)
        head = opening.head
        headFile = opening.headFile
        lock = opening.lock
        let segmentBytes = opening.store.configuration.segmentBytes
        maximumStreams = (segmentBytes / 4 - 256) / StreamTable.rowBytes
        // A new segment's table must leave room for the record that it was begun for.
        maximumPayload = segmentBytes - segmentBytes / 4 - SegmentHeader.bytes - RecordLayout.overhead
    }

    deinit { close() }

    /// One of 128 counters that outlive the process. They go on from what the last owner left. Valid as long as the
    /// journal.
    public func counter(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> { head.counter(index) }

    /// Says that the owner lives. Any thread.
    public func signOfLife(_ unixNanoseconds: Int64) {
        head.signOfLife.pointee.store(unixNanoseconds.littleEndian, ordering: .relaxed)
    }

    /// What the segments cost. Any thread.
    public var usage: JournalUsage { store.usage }

    /// Gives segments back to the disk that were not needed since the last call, but for one. Any thread; each
    /// minute, say.
    public func releaseIdleSegments() { store.trim() }

    /// Makes the next segments, so that the writing thread does not have to. Any thread.
    public func prepareSpares() { store.prepare(1) }

    /// Syncs what was appended and ends the journal; the next owner may take the folder. Stop the readers and the
    /// syncing thread first. Runs that were lent stay valid.
    public func close() {
        guard !closed.exchange(true, ordering: .sequentiallyConsistent) else { return }
        var isClean = false
        if !needsRollBack, let mark = try? mark(), (try? sync(mark)) != nil {
            // The length that this sync made durable goes in behind it.
            isClean = (try? syncCommitted()) != nil
        }
        head.clean.pointee.store(UInt64(isClean ? 1 : 0).littleEndian, ordering: .releasing)
        saveCounters()
        store.close()
        lock.release()
    }

    var isClosed: Bool { closed.load(ordering: .relaxed) }

    /// Writes the counters to the file, where they are not mapped.
    func saveCounters() {
        let bytes = UnsafeRawBufferPointer(rebasing: head.mapping.bytes[128..<1280])
        // They are accounts, not events: what this loses at a full disk, the next time saves.
        try? headFile?.write(bytes, at: 128)
    }
}
