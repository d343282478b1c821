import SkeinPlatform
import Synchronization

/// Everything that opening a collector's journal finds and makes.
struct BatchOpening {
    let folder: String
    let lock: any JournalLock
    let id: JournalID
    let opening: UInt64
    let head: JournalHead
    let headFile: (any JournalFile)?
    let store: SegmentStore
    let writer: BatchWriter
    let table: StreamTable
    let cursors: [String: CursorWriter]
    let recovered: RecoveredJournal

    init(
        _ configuration: BatchJournal.Configuration, storage: any JournalStorage, lock: any JournalLock,
        boot: JournalID
    ) throws(JournalError) {
        folder = configuration.folder
        self.lock = lock
        (head, headFile) = try Self.head(folder, storage, mapped: lock.keepsReservations)
        let previous = head.read()
        let contents = try FolderContents(
            storage: storage, folder: folder, journal: previous?.journal, isMapped: false)
        let recovery = BatchRecovery(contents)
        id = contents.journal ?? .random()
        opening = KernelRandom.word()
        store = SegmentStore(
            storage: storage,
            configuration: SegmentStore.Configuration(
                folder: folder, segmentBytes: configuration.segmentBytes,
                budgetBytes: configuration.budgetBytes, lanes: 1, isMapped: false, keepsWithoutCursor: false))

        for segment in recovery.segments where segment.endPosition > recovery.durable {
            try Self.makeDurable(segment, from: recovery.durable, folder)
        }
        for segment in recovery.segments
        where segment.endPosition <= recovery.durable
            && !SegmentHeader.isWholeFirst(segment.file.mapping.bytes)
        {
            try Self.restoreHeader(segment, folder)
        }
        try Self.invalidate(recovery.dropped, folder)

        var found = RecoveredJournal()
        if let previous { found.owner = RecoveredJournal.owner(previous, head, boot) }
        found.damagedRecords = recovery.damagedRecords
        found.damagedBytes = recovery.damagedBytes
        found.skippedRecords = recovery.skippedRecords
        store.startNumbers(at: contents.nextFileNumber)
        var cursors: [String: CursorWriter] = [:]
        for (name, cursor) in contents.cursors {
            let path = "\(folder)/\(name)\(CursorName.suffix)"
            let writer = CursorWriter(file: cursor.file, path: path, syncs: true)
            let (record, moved) = try contents.settle(name, lane: 0, among: recovery.segments, writer: writer)
            if let moved { found.movedCursors.append(moved) }
            cursors[name] = writer
            store.setCursors(name, [record])
        }
        self.cursors = cursors
        for segment in recovery.segments {
            store.adopt(
                Segment(
                    file: segment.file, header: segment.header, extents: segment.walk.extents, lastNumber: 0),
                lane: 0)
        }
        for file in contents.unused + recovery.passed + recovery.dropped { store.adopt(file) }
        recovered = found

        var table = recovery.table
        if let own = table[0], own.stream.journal != id {
            var row = BatchRecovery.ownRow(id)
            row.highest = own.highest
            row.durable = own.durable
            table.put(row)
        }
        self.table = table
        writer = BatchWriter(
            store: store, id: id, boot: boot, opening: opening,
            nextSequence: max(contents.nextSequence(lane: 0), recovery.end.sequence + 1), before: recovery.end
        )

        head.write(
            JournalHead.Opening(
                journal: id, opening: opening, boot: boot, shards: 1, slots: 0,
                segmentBytes: UInt64(configuration.segmentBytes), opened: SystemClock.wallNanoseconds(),
                pid: UInt32(bitPattern: getpid()), endpoint: ""))
        head.clean.pointee.store(0, ordering: .releasing)
        do throws(SystemError) {
            try headFile?.write(head.mapping.bytes, at: 0)
        } catch {
            throw JournalError("writing \(folder)/\(JournalFiles.head)", error)
        }
    }

    /// What was written and never acknowledged counts as taken once it is durable. It is written again before it is
    /// synced: a sync that failed in the last life may have left it in memory and not on the disk, as clean.
    private static func makeDurable(
        _ segment: FoundSegment, from durable: JournalPosition, _ folder: String
    ) throws(JournalError) {
        let known = segment.header.sequence == durable.sequence ? Int(clamping: durable.offset) : 0
        do throws(SystemError) {
            guard let file = segment.file.file else { return }
            var offset = known
            while offset < segment.walk.end {
                // By way of a copy: the source is a mapping of the pages that are written.
                let bytes = try file.read(min(1 << 20, segment.walk.end - offset), at: offset)
                try file.write(bytes, at: offset)
                offset += bytes.count
            }
            try file.sync()
            // From here on it may be acknowledged, and what is before it recycled: its header says that it may.
            try writeHeader(segment, file)
        } catch {
            throw JournalError("syncing what segment \(segment.header.sequence) of \(folder) holds", error)
        }
    }

    /// Makes a header whole of which one copy was: what it says of the committed length must hold again.
    private static func restoreHeader(_ segment: FoundSegment, _ folder: String) throws(JournalError) {
        do throws(SystemError) {
            if let file = segment.file.file { try writeHeader(segment, file) }
        } catch {
            throw JournalError(
                "restoring the header of segment \(segment.header.sequence) of \(folder)", error)
        }
    }

    /// Writes how far a segment is durable, with its header where that is not whole, and makes it durable.
    private static func writeHeader(
        _ segment: FoundSegment, _ file: any JournalFile
    ) throws(SystemError) {
        let progress = SegmentHeader.progress(committed: segment.end, isSealed: true)
        if SegmentHeader.isWholeTwice(segment.file.mapping.bytes) {
            try file.write(progress, at: SegmentHeader.committedOffset)
        } else {
            var page = segment.header.page()
            page.replaceSubrange(
                SegmentHeader.committedOffset..<SegmentHeader.committedOffset + progress.count, with: progress
            )
            try file.write(page, at: 0)
        }
        try file.sync()
    }

    /// The head: mapped, or, where a store into a mapping could meet a full disk, copied and saved by calls.
    private static func head(
        _ folder: String, _ storage: any JournalStorage, mapped: Bool
    ) throws(JournalError) -> (JournalHead, (any JournalFile)?) {
        do throws(SystemError) {
            let file = try storage.open("\(folder)/\(JournalFiles.head)", create: true)
            if mapped {
                try file.reserve(JournalHead.bytes)
                return (JournalHead(mapping: try file.map(JournalHead.bytes, writable: true)), nil)
            }
            let mapping = Mapping(
                base: try MemoryMap.anonymous(bytes: JournalHead.bytes), byteCount: JournalHead.bytes)
            _ = try file.read(
                into: UnsafeMutableRawBufferPointer(start: mapping.base, count: JournalHead.bytes), at: 0)
            return (JournalHead(mapping: mapping), file)
        } catch {
            throw JournalError("making \(folder)/\(JournalFiles.head)", error)
        }
    }

    /// Takes the headers off segments that are no part of the log, durably: the next opening must not find them when
    /// what is written from now on makes them look like a part of it. From the last to the first, so that what a kill
    /// leaves of them still does not.
    private static func invalidate(_ files: [SegmentFile], _ folder: String) throws(JournalError) {
        for file in files.reversed() {
            do throws(SystemError) {
                try file.file?.write([UInt8](repeating: 0, count: SegmentHeader.bytes), at: 0)
                try file.file?.sync()
            } catch {
                throw JournalError("clearing \(folder)/\(SegmentFile.name(file.number))", error)
            }
        }
    }
}

extension BatchJournal {
    /// Opens a collector's journal, made if there is none. Reads what no reader has passed, some 2 GB/s.
    /// - Throws: `configuration` for a setting out of range; `locked` when a living process owns the folder;
    ///   `noSpace` and `system` with the path.
    public convenience init(_ configuration: Configuration) throws(JournalError) {
        try self.init(configuration, storage: DiskStorage(), boot: .boot)
    }

    convenience init(
        _ configuration: Configuration, storage: any JournalStorage, boot: JournalID
    ) throws(JournalError) {
        try configuration.check()
        let folder = configuration.folder
        let lock: (any JournalLock)?
        do throws(SystemError) {
            try storage.createFolder(folder)
            lock = try storage.lock("\(folder)/\(JournalFiles.lock)")
        } catch {
            throw JournalError("opening the journal \(folder)", error)
        }
        guard let lock else {
            throw JournalError(.locked, "opening the journal \(folder): a living process owns it")
        }
        do throws(JournalError) {
            self.init(try BatchOpening(configuration, storage: storage, lock: lock, boot: boot))
        } catch {
            lock.release()
            throw error
        }
    }
}

extension BatchJournal.Configuration {
    /// Names the first setting that is out of range.
    func check() throws(JournalError) {
        guard (16 << 10...1 << 30).contains(segmentBytes), segmentBytes % 4096 == 0 else {
            throw JournalError(
                .configuration,
                "segmentBytes is \(segmentBytes): a multiple of 4,096 from 16,384 to 1,073,741,824")
        }
        guard budgetBytes >= 4 * segmentBytes else {
            throw JournalError(
                .configuration,
                "budgetBytes is \(budgetBytes): at least four segments, \(4 * segmentBytes) with these settings"
            )
        }
    }
}
