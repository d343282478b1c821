import SkeinPlatform
public import Synchronization

/// An app's journal: its threads store records into mapped segments, a shipper reads them.
///
/// With a folder, everything appended survives a SIGKILL at any instruction (not a power cut: nothing is ever
/// synced). Without one the same code runs on anonymous memory. A full journal refuses what arrives, and never
/// gives up what it has.
///
/// ```swift
/// let journal = try MappedJournal(.init(shards: 2))
/// let number = journal.shards[0].append(
///     kind: .event, flags: 0, arrival: 0, capacity: 5, slot: nil
/// ) { memory in
///     memory.storeBytes(of: 5, as: Int32.self)
///     memory.storeBytes(of: 0, toByteOffset: 4, as: UInt8.self)
///     return 5
/// }
/// let reader = try journal.reader(shard: 0)
/// if let run = try reader.next() {
///     // … send run.bytes …
///     try reader.advance(past: number, of: run.stream)
/// }
/// ```
public final class MappedJournal: @unchecked Sendable {
    // Sendable: everything is constant or has its own lock; the memory is stored into by atomics, under a shard's
    // lock, or by the owner of a slot.

    /// How to open a journal.
    public struct Configuration: Sendable {
        /// The spool: the journal takes `<folder>/<n>/` with the first n that no living process has. Nil: anonymous
        /// memory.
        public var folder: String?
        /// How many orders of records there are. One for each thread that appends much is best.
        public var shards: Int
        /// 64 KiB to 1 GiB, a multiple of 4 KiB. The largest record is a little smaller.
        public var segmentBytes: Int
        /// The most bytes that all segments of all shards take together: at least one segment more than shards.
        public var budgetBytes: Int
        /// How many contexts can be open in slots of 4 KiB at once, besides the budget.
        public var slots: Int
        /// Where the records go, at most 1,024 bytes: for whoever finds the spool of a dead process.
        public var endpoint: String
        /// The machine's name, at most 255 bytes: for the same.
        public var host = ""
        /// The name of the service that writes, at most 255 bytes: for the same.
        public var service = ""

        /// The default sizes. Opening the journal checks them.
        public init(
            folder: String? = nil, shards: Int, segmentBytes: Int = 4 << 20, budgetBytes: Int = 256 << 20,
            slots: Int = 1024, endpoint: String = ""
        ) {
            self.folder = folder
            self.shards = shards
            self.segmentBytes = segmentBytes
            self.budgetBytes = budgetBytes
            self.slots = slots
            self.endpoint = endpoint
        }
    }

    /// Drawn when the folder, or the anonymous memory, was made.
    public let id: JournalID
    /// Drawn by this opening.
    public let opening: UInt64
    /// Where it lies; nil on anonymous memory.
    public let folder: String?
    /// What numbers and orders the records.
    public let shards: [MappedShard]
    /// How many readers it takes to read everything: earlier openings may have had more shards.
    public let readableShards: Int
    /// What was left by earlier openings.
    public let recovered: RecoveredJournal
    /// Why the journal is on anonymous memory although a folder was asked for; nil if it is not.
    public let fallback: JournalError?

    let core: MappedCore
    let head: JournalHead
    let slots: SlotArray
    private let arena: Monitor<HeldArena?>
    private let lock: any JournalLock
    private let states: UnsafeMutableRawPointer
    private let cursors: Monitor<[String: CursorWriter?]>

    /// Opens what ``MappedJournal`` needs to run. See ``MappedOpening``.
    init(_ opening: MappedOpening) {
        id = opening.id
        self.opening = opening.opening
        folder = opening.storage.isPersistent ? opening.folder : nil
        readableShards = opening.store.configuration.lanes
        recovered = opening.recovered
        fallback = opening.fallback
        core = MappedCore(id: opening.id, boot: opening.boot, store: opening.store)
        head = opening.head
        slots = opening.slots
        arena = Monitor(opening.held)
        lock = opening.lock
        cursors = Monitor(opening.cursors)
        let count = opening.configuration.shards
        let states = UnsafeMutableRawPointer.allocate(byteCount: count * ShardState.stride, alignment: 128)
        self.states = states
        let core = core
        let drawn = opening.opening
        let sequences = opening.firstSequences
        shards = (0..<count).map { index in
            let place = states + index * ShardState.stride
            let state = place.bindMemory(to: ShardState.self, capacity: 1)
            state.initialize(to: ShardState(shard: UInt32(index), opening: drawn, nowhere: place))
            return MappedShard(index: index, state: state, core: core, firstSequence: sequences[index])
        }
    }

    deinit {
        close(clean: false)
        states.deallocate()
    }

    /// Installs what a journal needs when the process forks, before other handlers that need it. Once is enough.
    public static func expectForks() { _ = HeldLocks.shared }

    // MARK: Reading

    /// A reader of one shard, from 0 to ``readableShards``. It begins where the cursor of that name is, or else at
    /// the oldest record. From its first reader on, a name holds back the segments of all shards.
    /// - Throws: `configuration` for a name that cannot be a file's; `system` when the cursor's file cannot be made.
    public func reader(shard: Int, cursor name: String = "shipper") throws(JournalError) -> JournalReader {
        precondition((0..<readableShards).contains(shard), "the journal has no shard \(shard)")
        guard !core.isInert else {
            throw JournalError(.closed, "reading shard \(shard): the journal is closed")
        }
        try CursorName.check(name)
        let writer = try cursors.withLock { cursors throws(JournalError) -> CursorWriter? in
            if let known = cursors[name] { return known }
            let made = try CursorWriter.make(
                storage: core.store.storage, folder: core.store.configuration.folder, name)
            cursors.updateValue(made, forKey: name)
            core.store.setCursors(name, Array(repeating: .start, count: readableShards))
            return made
        }
        return JournalReader(
            store: core.store, shard: shard, name: name, liveOpening: opening,
            seals: core.store.storage.isPersistent, cursor: core.store.cursor(name, lane: shard) ?? .start,
            cursorFile: writer,
            liveShard: shard < shards.count ? shards[shard] : nil)
    }

    /// Called, on the thread of an append, when a shard goes on to a new segment, and when it passes the place that
    /// a reader asked for (``JournalReader/armWakeUp(afterBytes:)``). It must be quick and must not append.
    public var wakeUp: (@Sendable () -> Void)? {
        get { core.wakeUp }
        set { core.wakeUp = newValue }
    }

    /// Makes segments ready for the shards whose current one is more than half full. The shipper calls it each
    /// time around; it costs nothing when there is nothing to do.
    public func prepareSpares() {
        let needed = shards.reduce(0) { $0 + ($1.isHalfFull ? 1 : 0) }
        if needed > 0 { core.store.prepare(needed) }
    }

    // MARK: Counters and slots

    /// One of 128 counters in the head, which outlive the process where the journal has a folder. They go on from
    /// what the last owner left. Valid as long as the journal.
    public func counter(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> { head.counter(index) }

    /// A slot of 4,096 bytes for an open context, free and with its first 88 bytes zero; nil if all are taken.
    /// Some 20 ns. Any thread.
    public func claimSlot() -> UnsafeMutableRawPointer? { core.isInert ? nil : slots.claim() }

    /// Gives a slot back, as free. Any thread. In the child of a fork, and after ``close(clean:)``, it does nothing.
    public func releaseSlot(_ slot: UnsafeMutableRawPointer) {
        if !core.isInert { slots.release(slot) }
    }

    /// Memory for detail that is held back; made at the first call, which takes a file's space and about a millisecond. Any thread.
    /// - Parameter bytes: how much, if there is none yet.
    /// - Throws: `noSpace` when the disk has no room for it; `closed` after the end.
    public func heldArena(bytes: Int) throws(JournalError) -> HeldArena {
        try arena.withLock { arena throws(JournalError) in
            if let arena { return arena }
            guard !core.isInert else {
                throw JournalError(.closed, "making room for held detail: the journal is closed")
            }
            guard let folder else {
                let made = try HeldArena(anonymousBytes: bytes)
                arena = made
                return made
            }
            let path = "\(folder)/\(JournalFiles.held)"
            let count = max(1, bytes / HeldChunk.bytes)
            do throws(SystemError) {
                let file = try core.store.storage.open(path, create: true)
                try file.reserve(count * HeldChunk.bytes)
                let made = HeldArena(
                    mapping: try file.map(count * HeldChunk.bytes, writable: true), count: count,
                    opening: opening, taken: [])
                arena = made
                return made
            } catch {
                throw JournalError("making \(path)", error)
            }
        }
    }

    /// The same, if it was made already.
    public var heldArena: HeldArena? { arena.withLock { $0 } }

    /// Says that the owner lives, and gives idle segments back: about each second.
    public func signOfLife(_ unixNanoseconds: Int64) {
        guard !core.isInert else { return }
        head.signOfLife.pointee.store(unixNanoseconds.littleEndian, ordering: .relaxed)
        core.store.trim()
    }

    /// What the segments cost.
    public var usage: JournalUsage { core.store.usage }

    /// Why no segment could be made when one was last needed: a full disk, for one. Nil if nothing is wrong.
    public var failure: JournalError? { core.isInert ? nil : core.store.failure }

    // MARK: Ending

    /// Ends the journal: appends return 0 from here on, and the next owner may take the folder. Slots and counters
    /// may still be written to, to no effect; runs that were lent stay valid. Stop its readers first.
    /// - Parameter clean: whether everything was delivered that should be. The next owner is told.
    public func close(clean: Bool) {
        guard core.makeInert() else { return }
        for shard in shards { shard.close() }
        if core.store.storage.isPersistent {
            let records = shards.reduce(UInt64(0)) { $0 &+ $1.lastNumber }
            head.closedRecords.pointee.store(records.littleEndian, ordering: .relaxed)
            if clean {
                core.store.removeFree()
                if heldArena?.forget() ?? false, let folder {
                    try? core.store.storage.remove("\(folder)/\(JournalFiles.held)")
                }
            }
            head.clean.pointee.store(UInt64(clean ? 1 : 0).littleEndian, ordering: .releasing)
        }
        core.store.close()
        detach(keepingCounters: true)
        lock.release()
    }

    /// Ends the journal and removes its folder: when everything in it was delivered, and it will not be needed
    /// again. What cannot be removed stays, and is found by the next owner.
    public func closeAndRemove() {
        guard core.makeInert() else { return }
        for shard in shards { shard.close() }
        core.store.close()
        detach(keepingCounters: true)
        let storage = core.store.storage
        if let folder, let names = try? storage.names(in: folder) {
            let isOurs = { (name: String) in
                SegmentFile.number(of: name) != nil || name.hasSuffix(CursorName.suffix)
                    || name == JournalFiles.slots || name == JournalFiles.held
            }
            // Cursors go after the segments that they say are done with: a kill in between must not bring those back.
            let segments = names.filter { SegmentFile.number(of: $0) != nil }
            let others = names.filter { isOurs($0) && SegmentFile.number(of: $0) == nil }
            for name in segments + others { try? storage.remove("\(folder)/\(name)") }
            // The head goes after what it describes, and the lock last.
            try? storage.remove("\(folder)/\(JournalFiles.head)")
            try? storage.remove("\(folder)/\(JournalFiles.lock)")
            try? storage.removeFolder(folder)
        }
        lock.release()
    }

    /// For the child of a fork, in an atfork handler: makes the journal inert and forgets its lock, which the parent
    /// keeps. Appends return 0, no slot is to be had, and what is still written to slots and counters goes to
    /// memory that only the child has. Takes no lock and allocates nothing.
    ///
    /// In the child only ``counter(_:)``, ``claimSlot()``, ``releaseSlot(_:)`` and appending may be called from then
    /// on; the object is to be kept, not released, since other threads of the parent may have held its locks.
    public func abandonAfterFork() {
        _ = core.makeInert()
        for shard in shards { shard.abandonAfterFork() }
        detach(keepingCounters: false)
        lock.forgetInChild()
    }

    /// Takes the head, the slots and the held detail out of the files, at the same addresses: the next owner's must not be
    /// written.
    private func detach(keepingCounters: Bool) {
        guard folder != nil else { return }
        slots.mapping.detach()
        if keepingCounters {
            heldArena?.detach()
        } else {
            // In the child of a fork no lock is taken: who makes the arena does so once, and the child's copy is what it was.
            arena.unguarded?.detach()
        }
        guard keepingCounters else { return head.mapping.detach() }
        withUnsafeTemporaryAllocation(byteCount: JournalHead.bytes, alignment: 16) { copy in
            copy.copyMemory(from: head.mapping.bytes)
            head.mapping.detach()
            head.mapping.base.copyMemory(from: copy.baseAddress!, byteCount: copy.count)
        }
    }
}
