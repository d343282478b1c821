import SkeinPlatform

/// What a collector's journal has left: one log over all of its segments.
///
/// What is known to have been durable: everything before the furthest of the committed lengths in the headers and of
/// the cursors (which never go beyond what is durable). A committed length lags by one sync, but for a segment's first:
/// so a segment of which anything was acknowledged says that those before it are whole.
/// Below that, what is not whole is damage, and is passed over. Above it the first thing that is not whole ends the
/// log: what comes later was written later, but may have reached the disk earlier, and nobody was told that it is held.
struct BatchRecovery {
    let contents: FolderContents
    /// In order; the log ends with the last.
    private(set) var segments: [FoundSegment] = []
    /// Segments that are behind every cursor: their files are free.
    private(set) var passed: [SegmentFile] = []
    /// Segments beyond the end: they must never be found again.
    private(set) var dropped: [SegmentFile] = []
    private(set) var table = StreamTable()
    private(set) var damagedRecords = 0
    private(set) var damagedBytes = 0
    private(set) var skippedRecords = 0
    /// Everything before this was known to be durable without having been read.
    let durable: JournalPosition

    init(_ contents: FolderContents) {
        self.contents = contents
        let candidates = contents.candidates[0] ?? []
        let cursors = contents.positions(lane: 0)
        durable =
            (candidates.compactMap(Self.committed) + cursors).max() ?? JournalPosition(sequence: 0, offset: 0)
        table.put(Self.ownRow(contents.journal))
        let chain = Self.chain(candidates, oldest: cursors.min(), durable: durable)
        passed = chain.passed.map(\.file)
        dropped = chain.void.map(\.file)
        // Should the first table be damaged, the last before it is better than none.
        if let last = chain.passed.last {
            table = Self.table(last, table)
            last.file.mapping.letGo()
        }
        let needed = chain.needed
        var hasEnded = false
        for (index, candidate) in needed.enumerated() {
            if !hasEnded && !follows(candidate) { hasEnded = true }
            if hasEnded {
                drop(candidate)
            } else {
                walk(candidate, next: index + 1 < needed.count ? needed[index + 1].header : nil)
            }
            // A backlog of gigabytes is looked at once, and must not count as this process's memory from then on.
            candidate.file.mapping.letGo()
        }
        table.settle()
    }

    /// The row of the journal's own stream.
    static func ownRow(_ journal: JournalID?) -> StreamRow {
        StreamRow(
            stream: JournalStream(journal: journal ?? JournalID(low: 0, high: 0), opening: 0, shard: 0),
            index: 0,
            highest: 0, durable: 0, lastHeard: 0, isDurable: true, isEnded: false)
    }

    /// How far a segment says that it was durable; nil if it never was synced. It says nothing where the first copy of
    /// the header does not hold: that stands in one sector with the committed length, which may be that of an earlier
    /// use.
    private static func committed(_ candidate: SegmentCandidate) -> JournalPosition? {
        guard candidate.committed > SegmentHeader.bytes,
            SegmentHeader.isWholeFirst(candidate.file.mapping.bytes)
        else { return nil }
        return JournalPosition(
            sequence: candidate.header.sequence, offset: UInt64(min(candidate.committed, candidate.limit)))
    }

    /// Sorts the segments.
    /// - Parameter oldest: the furthest behind of the cursors; nil if there are none, and so what belongs together is
    ///   all that is known. A segment that ends there is passed: its file may be in use again, under a header that
    ///   never reached the disk.
    /// - Returns: those that are passed, those that make up the log, and those that were taken back after a failed
    ///   sync: they lie between a segment and the one which that names as its predecessor.
    private static func chain(
        _ candidates: [SegmentCandidate], oldest: JournalPosition?, durable: JournalPosition
    ) -> (passed: [SegmentCandidate], needed: [SegmentCandidate], void: [SegmentCandidate]) {
        var needed: [SegmentCandidate] = []
        var void: [SegmentCandidate] = []
        var passed: [SegmentCandidate] = []
        var next: SegmentHeader?
        for candidate in candidates.reversed() {
            let sequence = candidate.header.sequence
            if let oldest, candidate.isPassed(by: oldest, next: next) {
                passed.append(candidate)
            } else if let next, sequence > next.precedingSequence {
                void.append(candidate)
            } else if oldest == nil, let next, sequence < next.precedingSequence {
                passed.append(candidate)
            } else {
                needed.append(candidate)
                next = candidate.header
            }
        }
        // Until one of them was synced, what is passed holds the only durable table. Where nobody reads, nothing but a
        // header says that it is passed, and that may have reached the disk before what stands between them.
        func isDurable(_ candidate: SegmentCandidate) -> Bool {
            durable
                > JournalPosition(sequence: candidate.header.sequence, offset: UInt64(SegmentHeader.bytes))
        }
        if oldest == nil {
            while let last = passed.first, !needed.contains(where: isDurable) {
                needed.append(last)
                passed.removeFirst()
            }
        } else if let last = passed.first, needed.last.map(isDurable) != true,
            next.map({ $0.precedingSequence == last.header.sequence }) ?? true
        {
            needed.append(last)
            passed.removeFirst()
        }
        return (passed.reversed(), needed.reversed(), void)
    }

    /// What a segment that nobody reads any more says of streams.
    private static func table(_ candidate: SegmentCandidate, _ before: StreamTable) -> StreamTable {
        var table = before
        let rules = SegmentWalk.Rules(
            checksum: candidate.header.checksum, trusted: 0, durable: 0, limit: candidate.limit,
            firstNumber: nil)
        _ = SegmentWalk(candidate.file.mapping.bytes, rules) { record, _ in
            if record.kind == .table {
                table.apply(record.payload)
            } else {
                table.note(record, sequence: candidate.header.sequence)
            }
        }
        return table
    }

    /// Whether everything before a segment is there, or was.
    private func follows(_ candidate: SegmentCandidate) -> Bool {
        let header = candidate.header
        let before = JournalPosition(sequence: header.precedingSequence, offset: header.precedingEnd)
        if header.precedingSequence == 0 || durable >= before { return true }
        return segments.last.map { $0.endPosition == before } ?? false
    }

    private mutating func walk(_ candidate: SegmentCandidate, next: SegmentHeader?) {
        let header = candidate.header
        var limit = candidate.limit
        if let next, next.precedingSequence == header.sequence {
            limit = min(limit, Int(clamping: next.precedingEnd))
        }
        let known =
            header.sequence < durable.sequence
            ? limit : header.sequence == durable.sequence ? Int(clamping: durable.offset) : 0
        var table = table
        let walk = SegmentWalk(
            candidate.file.mapping.bytes,
            SegmentWalk.Rules(
                checksum: header.checksum, trusted: 0, durable: known, limit: limit, firstNumber: nil)
        ) { record, _ in
            if record.kind == .table {
                table.apply(record.payload)
            } else {
                table.note(record, sequence: header.sequence)
            }
        }
        self.table = table
        damagedRecords += walk.damagedRecords
        damagedBytes += walk.damagedBytes
        skippedRecords += walk.skippedRecords
        segments.append(
            FoundSegment(
                file: next == nil ? candidate.trimmed(to: walk) : candidate.file, header: header, walk: walk))
    }

    private mutating func drop(_ candidate: SegmentCandidate) {
        dropped.append(candidate.file)
        let walk = SegmentWalk(
            candidate.file.mapping.bytes,
            SegmentWalk.Rules(
                checksum: candidate.header.checksum, trusted: 0, durable: 0, limit: candidate.limit,
                firstNumber: nil))
        skippedRecords += walk.records + walk.skippedRecords
    }

    /// Where the log ends.
    var end: JournalPosition {
        segments.last?.endPosition ?? contents.positions(lane: 0).max()
            ?? JournalPosition(sequence: 0, offset: 0)
    }
}
