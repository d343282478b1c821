import SkeinPlatform

/// Finds the header that a segment lost: of which sequence and opening it was shows in its records' checksums.
///
/// Candidates are what is left of the two copies, and each sequence that is missing between others or next to them,
/// under each opening that others or the head tell of. The first records in the file decide. An app's records that no
/// reader has passed have no checksum, and cannot.
struct HeaderRescue {
    /// Headers that hold, of this journal.
    let known: [SegmentHeader]
    let journal: JournalID
    let openings: Set<UInt64>

    private static let mostRecords = 64
    private static let mostCandidates = 4096

    init(known: [SegmentHeader], journal: JournalID, opening: UInt64?) {
        self.known = known
        self.journal = journal
        var openings = Set(known.map(\.opening))
        if let opening { openings.insert(opening) }
        self.openings = openings
    }

    /// The first page of a file as it should be; nil if no record in it decides for one.
    /// - Parameter wholeEnd: where the last whole record of another segment ends.
    func page(
        _ bytes: UnsafeRawBufferPointer, isMapped: Bool, wholeEnd: (SegmentHeader) -> Int
    ) -> [UInt8]? {
        guard let (found, record, offset) = match(bytes, candidates(bytes)) else { return nil }
        var header = found
        let isRemnant = header.journal == journal
        header.journal = journal
        header.segmentBytes = UInt64(max(Int(known.last?.segmentBytes ?? 0), bytes.count))
        let before = known.filter { $0.shard == header.shard && $0.sequence < header.sequence }
            .max { $0.sequence < $1.sequence }
        header.precedingSequence = before?.sequence ?? 0
        // Where the one before ends, only this header said.
        header.precedingEnd = before.map { UInt64(wholeEnd($0)) } ?? 0
        if !isMapped {
            header.firstNumber = 0
        } else if !isRemnant || header.firstNumber == 0 || header.firstNumber > record.number {
            header.firstNumber = offset == SegmentHeader.bytes ? record.number : 1
        }
        var page = header.page()
        // What was committed is told beside the header. Was nothing ever synced, that decides whether it is part of
        // the log, so it stays as it is.
        let committed = SegmentHeader.committed(bytes)
        if committed % 8 == 0, (UInt64(SegmentHeader.bytes)...UInt64(bytes.count)).contains(committed) {
            page.replaceSubrange(
                SegmentHeader.committedOffset..<SegmentHeader.committedOffset + 16,
                with: bytes[SegmentHeader.committedOffset..<SegmentHeader.committedOffset + 16])
        }
        return page
    }

    private func candidates(_ bytes: UnsafeRawBufferPointer) -> [SegmentHeader] {
        var result = SegmentHeader.unchecked(bytes)
        let taken = Set(known.map { [UInt64($0.shard), $0.sequence] })
        for (shard, headers) in Dictionary(grouping: known, by: \.shard).sorted(by: { $0.key < $1.key }) {
            let sequences = headers.map(\.sequence)
            guard let lowest = sequences.min(), let highest = sequences.max() else { continue }
            var sequence = max(1, lowest > 64 ? lowest - 64 : 1)
            while sequence <= highest + 64, result.count < Self.mostCandidates {
                if !taken.contains([UInt64(shard), sequence]) {
                    for opening in openings.sorted() { result.append(plain(sequence, opening, shard)) }
                }
                sequence += 1
            }
        }
        // A journal of one segment, whose head still tells the opening.
        if known.isEmpty {
            for sequence in UInt64(1)...64 {
                for opening in openings { result.append(plain(sequence, opening, 0)) }
            }
        }
        return result
    }

    private func plain(_ sequence: UInt64, _ opening: UInt64, _ shard: UInt32) -> SegmentHeader {
        SegmentHeader(
            journal: journal, boot: JournalID(low: 0, high: 0), sequence: sequence, opening: opening,
            segmentBytes: 0, begun: 0, shard: shard, firstNumber: 0, precedingEnd: 0, precedingSequence: 0)
    }

    private func match(
        _ bytes: UnsafeRawBufferPointer, _ candidates: [SegmentHeader]
    ) -> (SegmentHeader, RecordView, Int)? {
        var offset = SegmentHeader.bytes
        var looked = 0
        var effort = 64 << 20
        while offset + RecordLayout.headerBytes <= bytes.count, looked < Self.mostRecords, effort > 0 {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            if let record = RecordView(prefixOf: rest), record.flags & RecordFlags.checksum != 0 {
                looked += 1
                for candidate in candidates where effort > 0 {
                    effort -= record.totalBytes
                    if candidate.checksum.of(record) == record.checksum { return (candidate, record, offset) }
                }
            }
            effort -= 1
            offset += 8
        }
        return nil
    }
}
