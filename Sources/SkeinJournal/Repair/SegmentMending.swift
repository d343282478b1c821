import SkeinPlatform

/// Makes one segment whole: every whole record stays where it is, and where others were, records of the journal's own
/// stand, which no reader sees. So no place moves, and what anybody remembers of places stays true.
///
/// In an app's segment each of those has the number of a record that is lost, so that numbers go on rising by one.
struct SegmentMending {
    let source: JournalSurvey.Source
    let isApp: Bool
    /// Of an app's segment of the same opening that follows.
    let nextFirstNumber: UInt64?
    /// Where the segment ends from now on.
    let end: Int
    private(set) var filledPlaces = 0
    /// Fillers that lie beyond the memory of the file: it was cut off there.
    private(set) var tail: (offset: Int, bytes: [UInt8])?

    private var found: FoundSegment { source.found }
    private var memory: Mapping { found.file.mapping }

    init(_ source: JournalSurvey.Source, isApp: Bool, nextFirstNumber: UInt64?) {
        self.source = source
        self.isApp = isApp
        self.nextFirstNumber = nextFirstNumber
        let whole = source.found.walk.wholeEnd
        // Where a later segment says that this one ends, it must.
        let stated = source.statedEnd.map { min($0, Int(source.found.header.segmentBytes)) }
        end = stated.map { $0 >= whole && $0 % 8 == 0 ? $0 : whole } ?? whole
    }

    /// Whether the records of this segment have to be written anew.
    var gaps: [Range<Int>] { found.walk.gaps(to: end) }

    /// Changes the private memory of the file: fills gaps, gives records without checksum theirs.
    mutating func mend() throws(JournalError) {
        for gap in gaps {
            let filler = try filler(gap)
            if gap.upperBound <= memory.byteCount {
                filler.withUnsafeBytes { bytes in
                    if let from = bytes.baseAddress {
                        (memory.base + gap.lowerBound).copyMemory(from: from, byteCount: bytes.count)
                    }
                }
            } else {
                tail = (gap.lowerBound, filler)
            }
            filledPlaces += 1
        }
        for extent in found.walk.extents { seal(extent) }
    }

    /// The first page: both copies of the header, and the end.
    var page: [UInt8] {
        var page = found.header.page()
        let isSealed =
            memory.bytes.loadUnaligned(fromByteOffset: SegmentHeader.sealedOffset, as: UInt64.self) != 0
        page.replaceSubrange(
            SegmentHeader.committedOffset..<SegmentHeader.committedOffset + 16,
            with: SegmentHeader.progress(committed: UInt64(end), isSealed: isSealed || !source.isLast))
        return page
    }

    /// Records of the journal's own over a whole gap.
    private func filler(_ gap: Range<Int>) throws(JournalError) -> [UInt8] {
        guard gap.count >= RecordLayout.headerBytes, gap.count % 8 == 0 else {
            throw JournalError(
                .damaged,
                "repairing segment \(found.header.sequence): the \(gap.count) bytes at \(gap.lowerBound) "
                    + "are too few for a record; two records overlap, which no writer makes. It stays as it is."
            )
        }
        let (first, count) = isApp ? missing(gap) : (0, 1)
        let fitting = max(1, min(count, UInt64(gap.count / RecordLayout.headerBytes)))
        var bytes: [UInt8] = []
        for index in 0..<fitting {
            let isLast = index + 1 == fitting
            let payload = isLast ? gap.count - bytes.count - RecordLayout.headerBytes : 0
            // The last stands for all that do not fit.
            let number = isLast ? first &+ (max(count, 1) - 1) : first &+ index
            bytes += BatchWriter.record(
                [UInt8](repeating: 0, count: payload), kind: .table, number: isApp ? number : 0,
                arrival: found.header.begun, found.header.checksum)
        }
        return bytes
    }

    /// The first number that is missing in a gap of an app's segment, and how many are.
    private func missing(_ gap: Range<Int>) -> (UInt64, UInt64) {
        let before = lastNumber(before: gap.lowerBound) ?? (found.header.firstNumber &- 1)
        var after: UInt64?
        if gap.upperBound < found.walk.wholeEnd {
            after =
                RecordView(prefixOf: UnsafeRawBufferPointer(rebasing: memory.bytes[gap.upperBound...]))?
                .number
        } else {
            after = nextFirstNumber
        }
        guard let after, after > before &+ 1 else { return (before &+ 1, 1) }
        return (before &+ 1, after - before - 1)
    }

    private func lastNumber(before offset: Int) -> UInt64? {
        guard let extent = found.walk.extents.last(where: { $0.upperBound <= offset }) else { return nil }
        var records = RecordCursor(UnsafeRawBufferPointer(rebasing: memory.bytes[extent]))
        var number: UInt64?
        while let record = records.next() { number = record.number }
        return number
    }

    /// What was trusted for the committed length's sake speaks for itself from now on.
    private func seal(_ extent: Range<Int>) {
        var offset = extent.lowerBound
        while offset < extent.upperBound,
            let record = RecordView(
                prefixOf: UnsafeRawBufferPointer(rebasing: memory.bytes[offset..<extent.upperBound]))
        {
            let start = memory.base + offset
            if record.flags & RecordFlags.checksum == 0 {
                start.storeBytes(
                    of: found.header.checksum.of(record).littleEndian,
                    toByteOffset: RecordLayout.checksumOffset, as: UInt32.self)
                start.storeBytes(
                    of: record.flags | RecordFlags.checksum, toByteOffset: RecordLayout.flagsOffset,
                    as: UInt8.self)
            }
            offset += record.totalBytes
        }
    }
}
