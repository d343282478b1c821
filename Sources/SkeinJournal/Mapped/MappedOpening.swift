import SkeinPlatform
import Synchronization

/// The names of a journal's files beside segments and cursors.
enum JournalFiles {
    static let lock = "lock"
    static let head = "journal"
    static let slots = "slots"
    static let held = "held"
}

/// Everything that opening an app's journal finds and makes.
struct MappedOpening {
    let configuration: MappedJournal.Configuration
    let storage: any JournalStorage
    let folder: String
    let lock: any JournalLock
    let boot: JournalID
    let fallback: JournalError?
    let id: JournalID
    let opening: UInt64
    let head: JournalHead
    let slots: SlotArray
    /// What earlier openings held back; nil if none ever did.
    let held: HeldArena?
    let store: SegmentStore
    let cursors: [String: CursorWriter?]
    let firstSequences: [UInt64]
    let recovered: RecoveredJournal

    /// Opens a journal whose lock is held. Until the last step, the new head, nothing is changed that an opening
    /// after a kill would miss.
    init(
        _ configuration: MappedJournal.Configuration, storage: any JournalStorage, folder: String,
        lock: any JournalLock, boot: JournalID, fallback: JournalError? = nil, keepsEndpoint: Bool = false
    ) throws(JournalError) {
        self.storage = storage
        self.folder = folder
        self.lock = lock
        self.boot = boot
        self.fallback = fallback
        head = JournalHead(
            mapping: try Self.map("\(folder)/\(JournalFiles.head)", bytes: JournalHead.bytes, storage))
        let previous = head.read()
        let contents = try FolderContents(
            storage: storage, folder: folder, journal: previous?.journal, isMapped: true)
        let recovery = MappedRecovery(contents, boot: boot)
        id = contents.journal ?? .random()
        opening = KernelRandom.word()
        var configuration = configuration
        if keepsEndpoint, let previous {
            configuration.endpoint = previous.endpoint
            configuration.host = previous.host
            configuration.service = previous.service
        }

        let slotsFound = try Self.slotCount("\(folder)/\(JournalFiles.slots)", storage)
        configuration.slots = max(configuration.slots, slotsFound)
        self.configuration = configuration
        let slotMapping = try Self.map(
            "\(folder)/\(JournalFiles.slots)", bytes: max(configuration.slots, 1) * SlotLayout.bytes, storage)

        let lanes = recovery.laneCount(atLeast: configuration.shards)
        store = SegmentStore(
            storage: storage,
            configuration: SegmentStore.Configuration(
                folder: folder, segmentBytes: configuration.segmentBytes,
                budgetBytes: configuration.budgetBytes, lanes: lanes, isMapped: true, keepsWithoutCursor: true
            ))
        firstSequences = (0..<configuration.shards).map { contents.nextSequence(lane: $0) }

        var found = RecoveredJournal()
        if let previous { found.settleOwner(previous, head, recovery, boot: boot) }
        found.settle(recovery, in: store)
        cursors = try found.settleCursors(recovery, in: store)
        let heldMapping = try Self.held("\(folder)/\(JournalFiles.held)", storage)
        let stamps = StampJudge(
            journal: contents.journal, lastNumbers: recovery.lastNumbers,
            held: heldMapping.map { HeldOrdinals($0, count: $0.byteCount / HeldChunk.bytes) }
                ?? HeldOrdinals())
        found.resolveSlots(slotMapping, count: slotsFound, stamps)
        let taken = Set(found.openSlots.map { ($0.slot - slotMapping.base) / SlotLayout.bytes })
        slots = SlotArray(
            mapping: slotMapping, count: configuration.slots,
            taken: taken)
        if let heldMapping {
            let count = heldMapping.byteCount / HeldChunk.bytes
            let taken = found.resolveHeld(heldMapping, count: count, stamps)
            held = HeldArena(mapping: heldMapping, count: count, opening: opening, taken: taken)
        } else {
            held = nil
        }
        recovered = found

        let now = SystemClock.wallNanoseconds()
        head.write(
            JournalHead.Opening(
                journal: id, opening: opening, boot: boot, shards: UInt32(configuration.shards),
                slots: UInt32(configuration.slots), segmentBytes: UInt64(configuration.segmentBytes),
                opened: now, pid: UInt32(bitPattern: getpid()), endpoint: configuration.endpoint,
                host: configuration.host, service: configuration.service, isAdopted: keepsEndpoint,
                earlierRecords: found.earlierRecords))
        head.clean.pointee.store(0, ordering: .releasing)
        head.closedRecords.pointee.store(0, ordering: .relaxed)
        head.signOfLife.pointee.store(now.littleEndian, ordering: .relaxed)
    }

    private static func map(
        _ path: String, bytes: Int, _ storage: any JournalStorage
    ) throws(JournalError) -> Mapping {
        do throws(SystemError) {
            let file = try storage.open(path, create: true)
            // Also where the file is long enough: a copy may have holes in it.
            try file.reserve(bytes)
            return try file.map(bytes, writable: true)
        } catch {
            throw JournalError("making \(path)", error)
        }
    }

    private static func held(
        _ path: String, _ storage: any JournalStorage
    ) throws(JournalError) -> Mapping? {
        let file: any JournalFile
        do throws(SystemError) {
            file = try storage.open(path, create: false)
        } catch {
            guard error.code == ENOENT else { throw JournalError("opening \(path)", error) }
            return nil
        }
        do throws(SystemError) {
            let count = try file.byteCount() / HeldChunk.bytes
            guard count > 0 else { return nil }
            // Also where the file is long enough: a copy may have holes in it.
            try file.reserve(count * HeldChunk.bytes)
            return try file.map(count * HeldChunk.bytes, writable: true)
        } catch {
            throw JournalError("reading \(path)", error)
        }
    }

    private static func slotCount(
        _ path: String, _ storage: any JournalStorage
    ) throws(JournalError) -> Int {
        do throws(SystemError) {
            return try (storage.open(path, create: true).byteCount() + SlotLayout.bytes - 1)
                / SlotLayout.bytes
        } catch {
            throw JournalError("opening \(path)", error)
        }
    }
}

extension RecoveredJournal {
    /// Who had the journal before, and whether its end is to be told. Takes a process that did not close the journal
    /// down beside the head before that is written anew. Idempotent.
    mutating func settleOwner(
        _ previous: JournalHead.Opening, _ head: JournalHead, _ recovery: MappedRecovery, boot: JournalID
    ) {
        let wasClean = head.clean.pointee.load(ordering: .relaxed) != 0
        let lastNumbers = recovery.lastNumbers
        let derived = lastNumbers.reduce(into: UInt64(0)) { sum, entry in
            if entry.key.opening == previous.opening { sum &+= entry.value }
        }
        let closed = UInt64(littleEndian: head.closedRecords.pointee.load(ordering: .relaxed))
        let records = max(derived, closed)
        earlierRecords = previous.earlierRecords &+ records

        let block = DeadOwnerBlock(head)
        let stamp = block.stamp(previous.journal)
        if block.state == SlotLayout.closing {
            let isTold = lastNumbers[stamp.stream].map { stamp.number <= $0 } ?? false
            block.state = isTold ? SlotLayout.free : SlotLayout.open
        }
        let last = RecoveredJournal.owner(previous, head, boot, records: records)
        if !wasClean, !previous.isAdopted, block.read() == nil {
            block.write(
                DeadOwnerBlock.Owner(
                    pid: last.pid, opening: previous.opening, opened: last.opened,
                    lastSignOfLife: last.lastSignOfLife, records: records, boot: previous.boot,
                    host: last.host, service: last.service, counted: last.counted))
        }
        guard let dead = block.read() else {
            owner = last
            return
        }
        owner = DeadOwner(
            wasClean: false, isSameBoot: dead.boot == boot && !boot.isZero, pid: dead.pid,
            endpoint: last.endpoint, host: dead.host, service: dead.service, opened: dead.opened,
            lastSignOfLife: dead.lastSignOfLife, records: dead.records, counters: last.counters,
            counted: dead.counted, isUnreported: true)
    }

    /// The owner that the head names.
    static func owner(
        _ previous: JournalHead.Opening, _ head: JournalHead, _ boot: JournalID, records: UInt64 = 0
    ) -> RecoveredJournal.DeadOwner {
        let counters = (0..<JournalHead.counters).map { head.counter($0).pointee.load(ordering: .relaxed) }
        let counted = (0..<JournalHead.rememberedCounters).map { index in
            counters[index] &- min(counters[index], head.counterAtOpening(index))
        }
        return RecoveredJournal.DeadOwner(
            wasClean: head.clean.pointee.load(ordering: .relaxed) != 0,
            isSameBoot: previous.boot == boot && !boot.isZero, pid: previous.pid, endpoint: previous.endpoint,
            host: previous.host, service: previous.service, opened: previous.opened,
            lastSignOfLife: Int64(littleEndian: head.signOfLife.pointee.load(ordering: .relaxed)),
            records: records, counters: counters, counted: counted, isUnreported: false)
    }

    /// Hands what was found to the store that goes on with it.
    mutating func settle(_ recovery: MappedRecovery, in store: SegmentStore) {
        store.startNumbers(at: recovery.contents.nextFileNumber)
        for file in recovery.contents.unused { store.adopt(file) }
        var byStream: [JournalStream: RecoveredStream] = [:]
        for lane in recovery.lanes.keys.sorted() {
            damagedRecords += recovery.missingRecords(lane: lane)
            for found in recovery.lanes[lane] ?? [] {
                if !found.isPassed {
                    damagedRecords += found.walk.damagedRecords
                    damagedBytes += found.walk.damagedBytes
                    skippedRecords += found.walk.skippedRecords
                }
                guard !found.walk.extents.isEmpty, !found.isPassed else {
                    store.adopt(found.file)
                    continue
                }
                let segment = Segment(
                    file: found.file, header: found.header, extents: found.walk.extents,
                    lastNumber: found.lastNumber)
                store.adopt(segment, lane: lane)
                let known = byStream[segment.stream]
                var records = segment.records(found.walk.extents[0])
                byStream[segment.stream] = RecoveredStream(
                    stream: segment.stream, first: known?.first ?? records.next()?.number ?? 0,
                    last: found.lastNumber, records: (known?.records ?? 0) + found.walk.records)
            }
        }
        streams = Array(byStream.values)
    }

    /// Puts every cursor where it can go on.
    mutating func settleCursors(
        _ recovery: MappedRecovery, in store: SegmentStore
    ) throws(JournalError) -> [String: CursorWriter?] {
        var result: [String: CursorWriter?] = [:]
        for (name, cursor) in recovery.contents.cursors {
            let path = "\(recovery.contents.folder)/\(name)\(CursorName.suffix)"
            let writer = CursorWriter(file: cursor.file, path: path, syncs: false)
            var records: [CursorRecord] = []
            for lane in 0..<store.configuration.lanes {
                let segments = (recovery.lanes[lane] ?? []).filter {
                    !$0.walk.extents.isEmpty && !$0.isPassed
                }
                let (placed, moved) = try recovery.contents.settle(
                    name, lane: lane, among: segments, writer: writer)
                if let moved { movedCursors.append(moved) }
                records.append(placed)
            }
            result[name] = writer
            store.setCursors(name, records)
        }
        return result
    }

    /// Finds the slots whose context never became a record. Done before anything is recycled, and idempotent: a
    /// slot whose stamped record is committed becomes free, one whose record is not loses its stamp.
    mutating func resolveSlots(_ mapping: Mapping, count: Int, _ stamps: StampJudge) {
        for index in 0..<count {
            let slot = mapping.base + index * SlotLayout.bytes
            let state = UInt32(littleEndian: slot.load(as: UInt32.self))
            guard state == SlotLayout.open || state == SlotLayout.closing else { continue }
            if state == SlotLayout.closing {
                let opening = UInt64(
                    littleEndian: slot.load(fromByteOffset: SlotLayout.stampOpening, as: UInt64.self))
                let shard = UInt32(
                    littleEndian: slot.load(fromByteOffset: SlotLayout.stampShard, as: UInt32.self))
                let number = UInt64(
                    littleEndian: slot.load(fromByteOffset: SlotLayout.stampNumber, as: UInt64.self))
                if stamps.isCommitted(opening: opening, shard: shard, number: number) {
                    slot.storeBytes(of: SlotLayout.free, as: UInt32.self)
                    continue
                }
                slot.storeBytes(of: SlotLayout.open.littleEndian, as: UInt32.self)
            }
            openSlots.append(RecoveredSlot(slot: slot))
        }
    }
}
