import SkeinPlatform
import Synchronization

/// A segment file with a whole header.
struct SegmentCandidate {
    let file: SegmentFile
    let handle: any JournalFile
    let header: SegmentHeader
    /// Bytes of the file. The memory goes on to the end of the page, with zeros that nobody wrote.
    let count: Int

    var committed: Int { Int(clamping: SegmentHeader.committed(file.mapping.bytes)) }
    /// Bytes that can hold records: of the last one the padding may be cut off.
    var limit: Int { min((count + 7) & ~7, Int(header.segmentBytes)) }
    /// Bytes that can hold records without checksum.
    var trusted: Int { min(committed, count & ~7) }

    /// Whether a cursor is behind the segment's end.
    /// - Parameter next: the segment after it.
    func isPassed(by cursor: JournalPosition, next: SegmentHeader?) -> Bool {
        if header.sequence < cursor.sequence { return true }
        guard let next, next.precedingSequence == header.sequence else { return false }
        return cursor >= JournalPosition(sequence: header.sequence, offset: next.precedingEnd)
    }

    /// Cuts the unused end off: nothing is written to it any more, and it should cost what it holds. Not for a few
    /// pages, since a file that is cut cannot be recycled.
    func trimmed(to walk: SegmentWalk) -> SegmentFile {
        let bytes = (walk.end + 4095) & ~4095
        let isWhole = walk.skippedRecords == 0 && walk.damagedRecords == 0 && walk.records > 0
        guard isWhole, file.byteCount - bytes > file.byteCount / 4, (try? handle.resize(bytes)) != nil else {
            return file
        }
        return SegmentFile(
            number: file.number, file: file.file, mapping: Mapping(file.mapping, byteCount: bytes))
    }
}

/// A segment that an earlier opening left, walked.
struct FoundSegment {
    let file: SegmentFile
    let header: SegmentHeader
    let walk: SegmentWalk
    /// Every cursor is behind it: what it holds matters to nobody, and its file may have been in use again.
    var isPassed = false

    var lastNumber: UInt64 { (walk.nextNumber ?? header.firstNumber) &- 1 }
    var end: UInt64 { UInt64(walk.end) }
    var endPosition: JournalPosition { JournalPosition(sequence: header.sequence, offset: end) }
}

/// The files of a journal's folder, opened: segments by their headers, cursors by their content. Reads only, but for
/// files that were made and never got their space: those go.
struct FolderContents {
    struct Cursor {
        let file: any JournalFile
        /// By lane; nil where both copies are damaged, or nothing was ever written.
        let records: [CursorRecord?]
        /// Lanes of which nothing was ever written.
        let blank: Set<Int>
    }

    let storage: any JournalStorage
    let folder: String
    /// Segments are stored into; else they are read through mappings and written with calls.
    let isMapped: Bool
    /// The id in the head; where that is new or damaged, the segments' own.
    private(set) var journal: JournalID?
    /// By shard, in the order of sequences.
    private(set) var candidates: [Int: [SegmentCandidate]] = [:]
    /// Files that hold no segment of this journal.
    private(set) var unused: [SegmentFile] = []
    /// The numbers of files are below this.
    private(set) var nextFileNumber = 0
    private(set) var cursors: [String: Cursor] = [:]

    init(
        storage: any JournalStorage, folder: String, journal: JournalID?, isMapped: Bool
    ) throws(JournalError) {
        self.storage = storage
        self.folder = folder
        self.journal = journal
        self.isMapped = isMapped
        let names: [String]
        do throws(SystemError) {
            names = try storage.names(in: folder)
        } catch {
            throw JournalError("listing the journal \(folder)", error)
        }
        var found: [SegmentCandidate] = []
        for number in names.compactMap(SegmentFile.number(of:)).sorted() {
            nextFileNumber = max(nextFileNumber, number + 1)
            if let candidate = try open(number) { found.append(candidate) }
        }
        if self.journal == nil { self.journal = found.first?.header.journal }
        for (shard, found) in Dictionary(grouping: found, by: { Int($0.header.shard) }) {
            candidates[shard] = inOrder(found)
        }
        for name in names.sorted() {
            if let cursor = CursorName.of(file: name) { try readCursor(cursor, name) }
        }
    }

    private mutating func open(_ number: Int) throws(JournalError) -> SegmentCandidate? {
        let path = "\(folder)/\(SegmentFile.name(number))"
        do throws(SystemError) {
            let handle = try storage.open(path, create: false)
            let count = try handle.byteCount()
            guard count >= SegmentHeader.bytes else {
                try storage.remove(path)
                return nil
            }
            // A file that was cut short ends in a page of which the rest is zero.
            let size = (count + 4095) & ~4095
            // One that was copied may have holes, which a store would have to fill. What was cut off stays cut off: it
            // must not be taken for zeros that were written.
            if isMapped { try handle.reserve(count) }
            let file = SegmentFile(
                number: number, file: isMapped ? nil : handle,
                mapping: try handle.map(size, writable: isMapped))
            if size != count { file.isSuspect.store(true, ordering: .relaxed) }
            guard let header = SegmentHeader(page: file.mapping.bytes) else {
                unused.append(file)
                return nil
            }
            return SegmentCandidate(file: file, handle: handle, header: header, count: count)
        } catch {
            throw JournalError("opening the segment \(path)", error)
        }
    }

    /// Segments of this journal in the order of writing, one for each sequence.
    private mutating func inOrder(_ found: [SegmentCandidate]) -> [SegmentCandidate] {
        // Another journal's segment in this folder is nobody's: its records cannot be told apart by number.
        for foreign in found where foreign.header.journal != journal { unused.append(foreign.file) }
        let sorted = found.filter { $0.header.journal == journal }.sorted {
            ($0.header.sequence, $0.header.begun) < ($1.header.sequence, $1.header.begun)
        }
        var result: [SegmentCandidate] = []
        for candidate in sorted {
            if let last = result.last, last.header.sequence == candidate.header.sequence {
                // After a power cut a sequence can come again, if the header of its first use was not on the disk
                // when the second began. What was begun later was written later.
                result.removeLast()
                unused.append(last.file)
            }
            result.append(candidate)
        }
        return result
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
        let (records, blank) = try writer.read(lanes: lanes)
        cursors[cursor] = Cursor(file: file, records: records, blank: blank)
    }

    /// What a cursor says of a lane.
    func record(_ cursor: String, lane: Int) -> CursorRecord? {
        guard let records = cursors[cursor]?.records, records.indices.contains(lane) else { return nil }
        return records[lane]
    }

    /// Where all cursors are in a lane.
    func positions(lane: Int) -> [JournalPosition] {
        cursors.keys.map { record($0, lane: lane)?.position ?? CursorRecord.start.position }
    }

    /// The sequence of the next segment of a lane: above every one that was ever seen.
    func nextSequence(lane: Int) -> UInt64 {
        max(
            candidates[lane]?.last?.header.sequence ?? 0, positions(lane: lane).map(\.sequence).max() ?? 0)
            + 1
    }

    /// Where a cursor goes on in a lane, and what had to be changed about it.
    func place(
        _ name: String, lane: Int, among segments: [FoundSegment]
    ) -> (CursorRecord, MovedCursor?) {
        guard let record = record(name, lane: lane) else {
            let wasWritten =
                cursors[name].map {
                    $0.records.indices.contains(lane) && !$0.blank.contains(lane)
                } ?? false
            let position = CursorRecord.start.position
            return (
                .start,
                wasWritten
                    ? MovedCursor(name: name, shard: lane, from: position, to: position, reason: .damaged)
                    : nil
            )
        }
        guard let first = segments.first, let last = segments.last else { return (record, nil) }
        var placed = record
        let position = record.position
        var reason: MovedCursor.Reason?
        if position > last.endPosition {
            placed.position = last.endPosition
            reason = .beyondEnd
        } else if position.sequence < first.header.sequence {
            placed.position = JournalPosition(
                sequence: first.header.sequence, offset: UInt64(SegmentHeader.bytes))
            if position.sequence > 0 && position.sequence + 1 < first.header.sequence {
                reason = .beforeOldest
            }
        } else if let segment = segments.first(where: { $0.header.sequence == position.sequence }) {
            placed.position.offset = Self.boundary(
                segment.file.mapping.bytes, segment.walk.extents, atOrAfter: position.offset)
        }
        return (
            placed,
            reason.map {
                MovedCursor(name: name, shard: lane, from: position, to: placed.position, reason: $0)
            }
        )
    }

    /// ``place(_:lane:among:)``, written to the cursor's file if it changed: what is recycled from now on must lie
    /// behind what the file says.
    func settle(
        _ name: String, lane: Int, among segments: [FoundSegment], writer: CursorWriter
    ) throws(JournalError) -> (CursorRecord, MovedCursor?) {
        var (placed, moved) = place(name, lane: lane, among: segments)
        if let record = record(name, lane: lane), record.position != placed.position {
            placed.generation &+= 1
            try writer.write(placed, lane: lane)
        }
        return (placed, moved)
    }

    /// The first place between two records at or after an offset.
    static func boundary(
        _ bytes: UnsafeRawBufferPointer, _ extents: [Range<Int>], atOrAfter offset: UInt64
    ) -> UInt64 {
        for extent in extents where UInt64(extent.upperBound) >= offset {
            guard UInt64(extent.lowerBound) < offset else { return UInt64(extent.lowerBound) }
            var records = RecordCursor(UnsafeRawBufferPointer(rebasing: bytes[extent]))
            while UInt64(extent.lowerBound + records.offset) < offset, records.next() != nil {}
            return UInt64(extent.lowerBound + records.offset)
        }
        return UInt64(extents.last?.upperBound ?? SegmentHeader.bytes)
    }
}
