import SkeinPlatform

/// What a repaired journal consists of, and its files.
struct RepairedFolder {
    private let survey: JournalSurvey
    private var mendings: [SegmentMending] = []
    var outcome: JournalRepair.Outcome

    /// Decides; changes nothing but private memory.
    init(_ survey: JournalSurvey) throws(JournalError) {
        self.survey = survey
        outcome = JournalRepair.Outcome(before: survey.inspection)
        guard survey.inspection.needsRepair else { return }
        try checkFiles()
        let sources = survey.sources
        for (index, source) in sources.enumerated() {
            let header = source.found.header
            let next = index + 1 < sources.count ? sources[index + 1].found.header : nil
            let isNext = next.map { $0.shard == header.shard && $0.opening == header.opening } ?? false
            var mending = SegmentMending(
                source, isApp: survey.inspection.writer == .app,
                nextFirstNumber: isNext && source.statedEnd != nil ? next?.firstNumber : nil)
            try mending.mend()
            outcome.filledPlaces += mending.filledPlaces
            mendings.append(mending)
        }
        outcome.rescuedSegments = survey.rescued.keys.sorted().map(SegmentFile.name)
        for segment in survey.inspection.segments where segment.role == .foreign || segment.role == .headless
        {
            outcome.omittedFiles.append(segment.file)
        }
        for (name, records) in survey.placed.sorted(by: { $0.key < $1.key }) {
            for (shard, record) in records.enumerated() {
                guard let record, survey.contents.record(name, lane: shard)?.position != record.position
                else {
                    continue
                }
                outcome.movedCursors.append((name, shard, record.position))
            }
        }
    }

    /// Nothing but files can be copied, and nothing is left behind that somebody may have put there.
    private func checkFiles() throws(JournalError) {
        let folder = survey.inspection.folder
        let names: [String]
        do throws(SystemError) {
            names = try DiskStorage().names(in: folder)
        } catch {
            throw JournalError("listing the journal \(folder)", error)
        }
        for name in names where isCopied(name) {
            var status = stat()
            guard lstat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                throw JournalError(
                    .damaged,
                    "repairing the journal \(folder): \(name) is no file, and none of a journal's. Move it away."
                )
            }
        }
    }

    /// Writes everything, durably, into an empty folder.
    func write(to folder: String) throws(JournalError) {
        let storage = DiskStorage()
        do throws(SystemError) {
            try write([], to: "\(folder)/\(JournalFiles.lock)", storage)
            try write(headPage, to: "\(folder)/\(JournalFiles.head)", storage)
            for mending in mendings {
                let name = SegmentFile.name(mending.source.found.file.number)
                try write(mending, to: "\(folder)/\(name)", storage)
            }
            for (name, records) in survey.placed {
                try write(
                    Self.cursorFile(records), to: "\(folder)/\(name)\(CursorName.suffix)", storage)
            }
            for name in try storage.names(in: survey.inspection.folder).sorted() where isCopied(name) {
                try copy(name, to: folder, storage)
            }
            try storage.syncFolder(folder)
        } catch {
            throw JournalError("writing the repaired journal \(folder)", error)
        }
    }

    /// Whether a file goes over as it is: slots, segments that are behind every cursor or beyond the end, and what is
    /// none of the journal's.
    private func isCopied(_ name: String) -> Bool {
        if name == JournalFiles.lock || name == JournalFiles.head || CursorName.of(file: name) != nil {
            return false
        }
        guard let segment = survey.inspection.segments.first(where: { $0.file == name }) else {
            return SegmentFile.number(of: name) == nil
        }
        return segment.role == .passed || segment.role == .dropped
    }

    private func write(
        _ mending: SegmentMending, to path: String, _ storage: DiskStorage
    ) throws(SystemError) {
        let memory = mending.source.found.file.mapping
        let file = try storage.open(path, create: true)
        try file.write(mending.page, at: 0)
        let bytes = min(mending.end, memory.byteCount)
        if bytes > SegmentHeader.bytes {
            try file.write(
                UnsafeRawBufferPointer(rebasing: memory.bytes[SegmentHeader.bytes..<bytes]),
                at: SegmentHeader.bytes)
        }
        if let tail = mending.tail { try file.write(tail.bytes, at: tail.offset) }
        // What is left of the last page, and no more: nothing is added to it any more.
        try file.resize((mending.end + 4095) & ~4095)
        try file.sync()
    }

    private func write(_ bytes: [UInt8], to path: String, _ storage: DiskStorage) throws(SystemError) {
        let file = try storage.open(path, create: true)
        try file.write(bytes, at: 0)
        try file.sync()
    }

    private func copy(_ name: String, to folder: String, _ storage: DiskStorage) throws(SystemError) {
        let source = try InspectionStorage().open("\(survey.inspection.folder)/\(name)", create: false)
        let target = try storage.open("\(folder)/\(name)", create: true)
        let count = try source.byteCount()
        var offset = 0
        while offset < count {
            let bytes = try source.read(min(1 << 20, count - offset), at: offset)
            try target.write(bytes, at: offset)
            offset += bytes.count
        }
        try target.sync()
    }

    private static func cursorFile(_ records: [CursorRecord?]) -> [UInt8] {
        let last = records.lastIndex { $0 != nil } ?? -1
        var bytes = [UInt8](repeating: 0, count: (last + 1) * CursorRecord.pairBytes)
        for (lane, record) in records.enumerated() {
            // One that never passed anything stays without a place.
            guard var record, record.position.sequence > 0 else { continue }
            record.generation &+= 1
            let start = lane * CursorRecord.pairBytes + record.copyOffset
            bytes.replaceSubrange(start..<start + CursorRecord.bytes, with: record.encoded())
        }
        return bytes
    }

    /// The head: as it was, or, where its checksum does not hold, made anew of what the segments say; the counters, which
    /// no checksum covers, stay.
    private var headPage: [UInt8] {
        let bytes = survey.headPage ?? [UInt8](repeating: 0, count: JournalHead.bytes)
        if survey.inspection.head != nil { return bytes }
        guard let base = try? MemoryMap.anonymous(bytes: JournalHead.bytes) else { return bytes }
        let head = JournalHead(mapping: Mapping(base: base, byteCount: JournalHead.bytes))
        bytes.withUnsafeBytes { page in
            if let from = page.baseAddress { base.copyMemory(from: from, byteCount: page.count) }
        }
        let raw = Array(head.mapping.bytes)
        func word(_ offset: Int) -> UInt64 {
            raw.withUnsafeBytes {
                UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            }
        }
        // The lengths may be what is damaged: texts end at the first zero.
        func text(_ offset: Int, room: Int) -> String {
            let bytes = raw[offset..<offset + room].prefix { $0 != 0 }
            return bytes.allSatisfy({ (0x20...0x7E).contains($0) })
                ? String(decoding: bytes, as: UTF8.self) : ""
        }
        let newest = survey.sources.map(\.found.header).max { $0.begun < $1.begun }
        head.write(
            JournalHead.Opening(
                journal: survey.contents.journal ?? JournalID(low: word(16), high: word(24)),
                opening: newest?.opening ?? word(32), boot: newest?.boot ?? JournalID(low: 0, high: 0),
                shards: survey.sources.map(\.found.header.shard).max().map { $0 + 1 } ?? 1,
                slots: UInt32(clamping: survey.inspection.slots.total),
                segmentBytes: newest?.segmentBytes ?? 0, opened: Int64(bitPattern: word(72)),
                pid: UInt32(truncatingIfNeeded: word(80)),
                endpoint: text(1280, room: JournalHead.maximumEndpointBytes),
                host: text(2304, room: JournalHead.maximumNameBytes),
                service: text(2560, room: JournalHead.maximumNameBytes), isAdopted: raw[92] & 1 != 0,
                earlierRecords: word(96)))
        // What was counted when the opening began is not what is counted now.
        raw[2816..<3072].withUnsafeBytes { counters in
            if let from = counters.baseAddress {
                (head.mapping.base + 2816).copyMemory(from: from, byteCount: counters.count)
            }
        }
        return Array(head.mapping.bytes)
    }
}
