import SkeinPlatform
import Synchronization

/// An inspection with what it was made of: the memory of the segments, to list records from or to repair.
package struct JournalSurvey {
    /// A segment of the log.
    struct Source {
        let found: FoundSegment
        /// What a later segment's header says of its end.
        let statedEnd: Int?
        /// Whether it is the last of its shard.
        let isLast: Bool
    }

    let contents: FolderContents
    let headPage: [UInt8]?
    /// Headers that were found by their records, by file number.
    let rescued: [Int: [UInt8]]
    private(set) var sources: [Source] = []
    /// Of a collector's journal.
    private(set) var table = StreamTable()
    /// Cursors as the next opening would place them; nil where none was ever written.
    private(set) var placed: [String: [CursorRecord?]] = [:]
    /// What was found.
    package private(set) var inspection: JournalInspection

    /// Looks at a journal.
    /// - Parameter isLockMine: the caller holds the journal's lock, so its owner is dead.
    /// - Throws: `system` where there is no journal, or it cannot be read.
    package init(_ folder: String, isLockMine: Bool = false) throws(JournalError) {
        let boot = JournalID.boot
        var storage = InspectionStorage()
        let names: [String]
        do throws(SystemError) {
            names = try Self.names(ofJournal: folder)
        } catch {
            throw JournalError("looking at the journal \(folder)", error)
        }
        // Before anything is read: who dies meanwhile is taken for living, not the other way round.
        let isAlive = !isLockMine && InspectionStorage.isLocked("\(folder)/\(JournalFiles.lock)")
        headPage = Self.page("\(folder)/\(JournalFiles.head)", storage)
        let head = headPage.flatMap(Self.head)
        var found = try FolderContents(
            storage: storage, folder: folder, journal: head?.read()?.journal, isMapped: false)
        let isApp =
            names.contains(JournalFiles.slots)
            || found.candidates.values.contains { $0.contains { $0.header.firstNumber > 0 } }
        let rescued = Self.rescue(found, head?.read(), isApp: isApp)
        if !rescued.isEmpty {
            for (number, page) in rescued { storage.headers["\(folder)/\(SegmentFile.name(number))"] = page }
            found = try FolderContents(
                storage: storage, folder: folder, journal: found.journal, isMapped: false)
        }
        contents = found
        self.rescued = rescued
        inspection = JournalInspection(
            folder: folder, writer: isApp ? .app : .collector,
            head: head.flatMap { head in
                head.read().map { JournalInspection.Head($0, head, boot) }
            }, isOwnerAlive: isAlive)
        if names.contains(JournalFiles.head) ? head?.read() == nil : true {
            inspection.faults.append(
                .init(
                    file: JournalFiles.head, offset: nil,
                    reason: names.contains(JournalFiles.head)
                        ? "the head's checksum does not hold" : "the head is missing"))
        }
        if isApp { surveyApp(boot) } else { surveyCollector(boot) }
        surveyOthers(boot)
        surveyStumps(names, storage)
        surveyCursors()
        surveySlots("\(folder)/\(JournalFiles.slots)", storage)
    }

    /// The names in a journal's folder; `ENOENT` where there is no journal.
    static func names(ofJournal folder: String) throws(SystemError) -> [String] {
        let names = try InspectionStorage().names(in: folder)
        // A collector's folder has a folder of that name, and is no journal.
        var status = stat()
        let hasHead =
            names.contains(JournalFiles.head) && lstat("\(folder)/\(JournalFiles.head)", &status) == 0
            && status.st_mode & S_IFMT != S_IFDIR
        guard hasHead || names.contains(where: { SegmentFile.number(of: $0) != nil })
        else { throw SystemError(code: ENOENT) }
        return names
    }

    private static func page(_ path: String, _ storage: InspectionStorage) -> [UInt8]? {
        guard let file = try? storage.open(path, create: false), let count = try? file.byteCount(),
            count > 0
        else { return nil }
        return try? file.read(JournalHead.bytes, at: 0)
    }

    private static func head(_ page: [UInt8]) -> JournalHead? {
        guard let base = try? MemoryMap.anonymous(bytes: JournalHead.bytes) else { return nil }
        page.withUnsafeBytes { bytes in
            if let from = bytes.baseAddress { base.copyMemory(from: from, byteCount: bytes.count) }
        }
        return JournalHead(mapping: Mapping(base: base, byteCount: JournalHead.bytes))
    }

    private static func rescue(
        _ contents: FolderContents, _ head: JournalHead.Opening?, isApp: Bool
    ) -> [Int: [UInt8]] {
        guard let journal = contents.journal else { return [:] }
        let candidates = contents.candidates.values.flatMap(\.self)
        let rescue = HeaderRescue(
            known: candidates.map(\.header), journal: journal, opening: head?.opening)
        let wholeEnd = { (header: SegmentHeader) -> Int in
            guard let candidate = candidates.first(where: { $0.header == header }) else {
                return SegmentHeader.bytes
            }
            let isTrusted = isApp && header.boot == .boot && !header.boot.isZero
            return SegmentWalk(
                candidate.file.mapping.bytes,
                SegmentWalk.Rules(
                    checksum: header.checksum, trusted: isTrusted ? candidate.trusted : 0,
                    durable: candidate.limit, limit: candidate.limit,
                    firstNumber: isApp ? header.firstNumber : nil)
            ).wholeEnd
        }
        var rescued: [Int: [UInt8]] = [:]
        for file in contents.unused
        where SegmentHeader(page: file.mapping.bytes) == nil && SegmentHeader.isMarked(file.mapping.bytes) {
            rescued[file.number] = rescue.page(file.mapping.bytes, isMapped: isApp, wholeEnd: wholeEnd)
        }
        return rescued
    }

    // MARK: Segments

    private mutating func surveyApp(_ boot: JournalID) {
        let recovery = MappedRecovery(contents, boot: boot)
        for shard in recovery.lanes.keys.sorted() {
            let lane = recovery.lanes[shard] ?? []
            for (index, found) in lane.enumerated() {
                let next = index + 1 < lane.count ? lane[index + 1] : nil
                // Passed, or never written to.
                guard !found.isPassed, !found.walk.extents.isEmpty || found.walk.holes > 0 else {
                    add(found, .passed, boot)
                    continue
                }
                take(found, next: next?.header, boot)
            }
            let missing = recovery.missingRecords(lane: shard)
            inspection.damagedRecords += missing
            noteMissing(lane.filter { !$0.isPassed }, isNumbered: true)
        }
    }

    private mutating func surveyCollector(_ boot: JournalID) {
        let recovery = BatchRecovery(contents)
        table = recovery.table
        let segments = recovery.segments
        for (index, found) in segments.enumerated() {
            take(found, next: index + 1 < segments.count ? segments[index + 1].header : nil, boot)
        }
        noteMissing(segments, isNumbered: false)
        for file in recovery.passed { add(file, .passed, boot) }
        for file in recovery.dropped { add(file, .dropped, boot) }
        inspection.skippedRecords +=
            recovery.skippedRecords - segments.reduce(0) { $0 + $1.walk.skippedRecords }
    }

    private mutating func surveyOthers(_ boot: JournalID) {
        for file in contents.unused {
            let bytes = file.mapping.bytes
            if SegmentHeader(page: bytes) != nil {
                add(file, .foreign, boot)
            } else if SegmentHeader.isMarked(bytes) {
                add(file, .headless, boot)
                if !inspection.isOwnerAlive {
                    inspection.faults.append(
                        .init(
                            file: SegmentFile.name(file.number), offset: 0,
                            reason: "neither copy of its header holds, and no record in it tells what it was",
                            isRepairable: false))
                }
            } else {
                add(file, .free, boot)
            }
        }
    }

    /// Files that are too short for a header. An empty one was made and got no space before its process died.
    private mutating func surveyStumps(_ names: [String], _ storage: InspectionStorage) {
        for name in names.sorted() where SegmentFile.number(of: name) != nil {
            guard !inspection.segments.contains(where: { $0.file == name }),
                let file = try? storage.open("\(inspection.folder)/\(name)", create: false),
                let count = try? file.byteCount(), count < SegmentHeader.bytes
            else { continue }
            inspection.segments.append(
                JournalInspection.Segment(file: name, role: .free, fileBytes: count))
            if count > 0, !inspection.isOwnerAlive {
                inspection.faults.append(
                    .init(file: name, offset: count, reason: "the file ends inside its header"))
            }
        }
    }

    private mutating func take(_ found: FoundSegment, next: SegmentHeader?, _ boot: JournalID) {
        let found = next == nil ? beyondDamage(found, boot) : found
        let stated =
            next.flatMap {
                $0.precedingSequence == found.header.sequence ? Int(clamping: $0.precedingEnd) : nil
            }
        sources.append(Source(found: found, statedEnd: stated, isLast: next == nil))
        var segment = add(found, .log, boot)
        segment.skippedRecords = found.walk.skippedRecords
        segment.damagedRecords = found.walk.damagedRecords
        segment.damagedBytes = found.walk.damagedBytes
        segment.end = found.walk.wholeEnd
        inspection.segments[inspection.segments.count - 1] = segment
        if segment.isChanging { return }
        inspection.damagedRecords += found.walk.damagedRecords
        inspection.damagedBytes += found.walk.damagedBytes
        inspection.skippedRecords += found.walk.skippedRecords
        noteFaults(segment, found, stated: stated)
    }

    /// In this boot nothing is lost between two whole records but by damage: whole ones beyond the end of the last
    /// segment are part of the log. Recovery cannot know that the kernel never failed it, and ends the log before them.
    private func beyondDamage(_ found: FoundSegment, _ boot: JournalID) -> FoundSegment {
        guard !inspection.isOwnerAlive, found.walk.skippedRecords > 0, found.header.boot == boot, !boot.isZero
        else { return found }
        let limit = limit(of: found)
        let isApp = inspection.writer == .app
        let committed = Int(clamping: SegmentHeader.committed(found.file.mapping.bytes))
        let whole = { (durable: Int) in
            SegmentWalk(
                found.file.mapping.bytes,
                SegmentWalk.Rules(
                    checksum: found.header.checksum, trusted: isApp ? committed : 0, durable: durable,
                    limit: limit, firstNumber: isApp ? found.header.firstNumber : nil))
        }
        // What follows the last whole record was never one.
        return FoundSegment(file: found.file, header: found.header, walk: whole(whole(limit).wholeEnd))
    }

    @discardableResult
    private mutating func add(
        _ found: FoundSegment, _ role: JournalInspection.Role, _ boot: JournalID
    ) -> JournalInspection.Segment {
        var segment = JournalInspection.Segment(
            file: SegmentFile.name(found.file.number), role: role, fileBytes: found.file.byteCount)
        segment.describe(found.header, found.file.mapping.bytes, boot)
        segment.isChanging =
            inspection.isOwnerAlive && rescued[found.file.number] == nil
            && SegmentHeader(page: found.file.mapping.bytes) != found.header
        inspection.segments.append(segment)
        return segment
    }

    private mutating func add(_ file: SegmentFile, _ role: JournalInspection.Role, _ boot: JournalID) {
        var segment = JournalInspection.Segment(
            file: SegmentFile.name(file.number), role: role, fileBytes: file.byteCount)
        if let header = SegmentHeader(page: file.mapping.bytes) {
            segment.describe(header, file.mapping.bytes, boot)
        }
        inspection.segments.append(segment)
    }

    // MARK: Changing what was found

    mutating func update(_ change: (inout JournalInspection) -> Void) { change(&inspection) }

    mutating func setPlaced(_ name: String, _ records: [CursorRecord?]) { placed[name] = records }
}

extension JournalInspection.Segment {
    mutating func describe(_ header: SegmentHeader, _ bytes: UnsafeRawBufferPointer, _ boot: JournalID) {
        shard = Int(header.shard)
        sequence = header.sequence
        opening = header.opening
        begun = header.begun
        isSameBoot = header.boot == boot && !boot.isZero
        committed = Int(clamping: SegmentHeader.committed(bytes))
        isSealed = bytes.loadUnaligned(fromByteOffset: SegmentHeader.sealedOffset, as: UInt64.self) != 0
    }
}

extension JournalInspection.Head {
    init(_ opening: JournalHead.Opening, _ head: JournalHead, _ boot: JournalID) {
        self.init(
            journal: opening.journal, opening: opening.opening,
            isSameBoot: opening.boot == boot && !boot.isZero, pid: opening.pid, opened: opening.opened,
            lastSignOfLife: Int64(littleEndian: head.signOfLife.pointee.load(ordering: .relaxed)),
            wasClosed: head.clean.pointee.load(ordering: .relaxed) != 0, endpoint: opening.endpoint,
            segmentBytes: opening.segmentBytes)
    }
}
