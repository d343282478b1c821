import SkeinPlatform

/// A segment that an earlier opening left, walked.
struct FoundSegment {
    let file: SegmentFile
    let header: SegmentHeader
    let walk: SegmentWalk

    var lastNumber: UInt64 { (walk.nextNumber ?? header.firstNumber) &- 1 }
    var end: UInt64 { UInt64(walk.end) }
}

/// The segments and cursors of a folder, as they were left. Changes nothing but the length of files that end in
/// unused space, so it can be killed and run again.
struct FolderRecovery {
    let storage: any JournalStorage
    let folder: String
    let boot: JournalID
    /// Segments are stored into; else only read.
    let isMapped: Bool

    private(set) var journal: JournalID?
    /// By shard, in the order of sequences; those without records too.
    private(set) var lanes: [Int: [FoundSegment]] = [:]
    /// Files that hold no segment.
    private(set) var unused: [SegmentFile] = []
    /// The numbers of files are below this.
    private(set) var nextFileNumber = 0
    private(set) var cursors: [String: (file: any JournalFile, records: [CursorRecord?])] = [:]
    private(set) var skippedRecords = 0

    /// What opening a file and reading its first page gave.
    private struct Candidate {
        let file: SegmentFile
        let handle: any JournalFile
        let header: SegmentHeader
    }

    /// - Parameter journal: the id in the head; nil if that is new or damaged, and then the segments' own counts.
    init(
        storage: any JournalStorage, folder: String, journal: JournalID?, boot: JournalID, isMapped: Bool
    ) throws(JournalError) {
        self.storage = storage
        self.folder = folder
        self.journal = journal
        self.boot = boot
        self.isMapped = isMapped
        let names: [String]
        do throws(SystemError) {
            names = try storage.names(in: folder)
        } catch {
            throw JournalError("listing the journal \(folder)", error)
        }
        var candidates: [Candidate] = []
        for number in names.compactMap(SegmentFile.number(of:)).sorted() {
            nextFileNumber = max(nextFileNumber, number + 1)
            if let candidate = try open(number) { candidates.append(candidate) }
        }
        if self.journal == nil { self.journal = candidates.first?.header.journal }
        for (shard, candidates) in Dictionary(grouping: candidates, by: { Int($0.header.shard) }) {
            lanes[shard] = walk(inOrder(candidates))
        }
        for name in names.sorted() {
            if let cursor = CursorName.of(file: name) { try readCursor(cursor, name) }
        }
    }

    private mutating func open(_ number: Int) throws(JournalError) -> Candidate? {
        let path = "\(folder)/\(SegmentFile.name(number))"
        do throws(SystemError) {
            let handle = try storage.open(path, create: false)
            let size = try handle.byteCount() & ~4095
            guard size >= SegmentHeader.bytes else {
                // Made, but its space was never reserved.
                try storage.remove(path)
                return nil
            }
            let file = SegmentFile(
                number: number, file: isMapped ? nil : handle,
                mapping: try handle.map(size, writable: isMapped))
            guard let header = SegmentHeader(page: file.mapping.bytes) else {
                unused.append(file)
                return nil
            }
            return Candidate(file: file, handle: handle, header: header)
        } catch {
            throw JournalError("opening the segment \(path)", error)
        }
    }

    /// Segments of this journal in the order of writing, one for each sequence.
    private mutating func inOrder(_ candidates: [Candidate]) -> [Candidate] {
        let own = candidates.filter { $0.header.journal == journal }
        // Another journal's segment in this folder is nobody's: its records cannot be told apart by number.
        for foreign in candidates where foreign.header.journal != journal { unused.append(foreign.file) }
        let sorted = own.sorted {
            ($0.header.sequence, $0.header.begun) < ($1.header.sequence, $1.header.begun)
        }
        var result: [Candidate] = []
        for candidate in sorted {
            if let last = result.last, last.header.sequence == candidate.header.sequence {
                // After a power cut a sequence can come again: the header of its first use never reached the
                // disk in time to be seen. What was begun later is what was written later.
                result.removeLast()
                unused.append(last.file)
            }
            result.append(candidate)
        }
        return result
    }

    private mutating func walk(_ segments: [Candidate]) -> [FoundSegment] {
        var found: [FoundSegment] = []
        for (index, segment) in segments.enumerated() {
            let header = segment.header
            let next = index + 1 < segments.count ? segments[index + 1].header : nil
            let bytes = segment.file.mapping.bytes
            let committed = Int(clamping: SegmentHeader.committed(bytes))
            var limit = min(bytes.count, Int(header.segmentBytes))
            if let next, next.sequence == header.sequence + 1, next.precedingEnd >= SegmentHeader.bytes {
                limit = min(limit, Int(clamping: next.precedingEnd))
            }
            let isTrusted = isMapped && header.boot == boot && !boot.isZero
            let walk = SegmentWalk(
                bytes,
                SegmentWalk.Rules(
                    checksum: header.checksum, trusted: isTrusted ? committed : 0, durable: committed,
                    limit: limit, firstNumber: isMapped ? header.firstNumber : nil))
            skippedRecords += walk.skippedRecords
            found.append(
                FoundSegment(file: trimmed(segment, walk), header: header, walk: walk))
        }
        return found
    }

    /// Cuts the unused end off a file: nothing is written to it any more, and it should cost what it holds.
    private func trimmed(_ segment: Candidate, _ walk: SegmentWalk) -> SegmentFile {
        let bytes = (walk.end + 4095) & ~4095
        let isWhole = walk.skippedRecords == 0 && walk.damagedRecords == 0 && walk.records > 0
        guard isWhole, bytes < segment.file.byteCount, (try? segment.handle.resize(bytes)) != nil else {
            return segment.file
        }
        return SegmentFile(
            number: segment.file.number, file: segment.file.file,
            mapping: Mapping(segment.file.mapping, byteCount: bytes))
    }

    private mutating func readCursor(_ cursor: String, _ name: String) throws(JournalError) {
        let path = "\(folder)/\(name)"
        let file: any JournalFile
        do throws(SystemError) {
            file = try storage.open(path, create: false)
        } catch {
            throw JournalError("opening the cursor \(path)", error)
        }
        let writer = CursorWriter(file: file, path: path, syncs: false)
        let lanes = min(writer.lanes(), Int(SegmentHeader.maximumShard) + 1)
        cursors[cursor] = (file, try writer.read(lanes: lanes))
    }

    // MARK: What follows from it

    /// Lanes that have segments or cursors in them, at least so many.
    func laneCount(atLeast shards: Int) -> Int {
        max(shards, (lanes.keys.max() ?? -1) + 1)
    }

    /// The sequence of the next segment of a lane: above every one that was ever seen.
    func nextSequence(lane: Int) -> UInt64 {
        let cursors = cursors.values.compactMap { $0.records.indices.contains(lane) ? $0.records[lane] : nil }
        return max(
            lanes[lane]?.last?.header.sequence ?? 0, cursors.map(\.position.sequence).max() ?? 0) + 1
    }

    /// Where a cursor goes on in a lane, if not where its record says.
    func place(_ record: CursorRecord, name: String, lane: Int) -> (CursorRecord, MovedCursor?) {
        let segments = (lanes[lane] ?? []).filter { $0.walk.records > 0 || !$0.walk.extents.isEmpty }
        guard let first = segments.first, let last = segments.last else { return (record, nil) }
        var placed = record
        let position = record.position
        var reason: MovedCursor.Reason?
        if position > JournalPosition(sequence: last.header.sequence, offset: last.end) {
            placed.position = JournalPosition(sequence: last.header.sequence, offset: last.end)
            reason = .beyondEnd
        } else if position.sequence < first.header.sequence {
            placed.position = JournalPosition(
                sequence: first.header.sequence, offset: UInt64(SegmentHeader.bytes))
            if position.sequence + 1 < first.header.sequence { reason = .beforeOldest }
        } else if let segment = segments.first(where: { $0.header.sequence == position.sequence }) {
            placed.position.offset = boundary(in: segment, atOrAfter: position.offset)
        }
        return (
            placed,
            reason.map {
                MovedCursor(name: name, shard: lane, from: position, to: placed.position, reason: $0)
            }
        )
    }

    /// The first place between two records at or after an offset.
    private func boundary(in segment: FoundSegment, atOrAfter offset: UInt64) -> UInt64 {
        for extent in segment.walk.extents where UInt64(extent.upperBound) >= offset {
            guard UInt64(extent.lowerBound) < offset else { return max(offset, UInt64(SegmentHeader.bytes)) }
            var records = RecordCursor(UnsafeRawBufferPointer(rebasing: segment.file.mapping.bytes[extent]))
            while UInt64(extent.lowerBound + records.offset) < offset, records.next() != nil {}
            return UInt64(extent.lowerBound + records.offset)
        }
        return segment.end
    }

    /// Records missing between the segments of one lane, where numbers tell.
    func missingRecords(lane: Int) -> Int {
        let segments = lanes[lane] ?? []
        return zip(segments, segments.dropFirst()).reduce(0) { sum, pair in
            guard pair.0.header.opening == pair.1.header.opening,
                pair.0.header.sequence + 1 == pair.1.header.sequence,
                pair.1.header.firstNumber > pair.0.lastNumber &+ 1
            else { return sum }
            let gap = Int(clamping: pair.1.header.firstNumber - pair.0.lastNumber - 1)
            return sum + max(0, gap - pair.0.walk.holes)
        }
    }
}
