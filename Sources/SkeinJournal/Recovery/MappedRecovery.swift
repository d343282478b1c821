import SkeinPlatform

/// What an app's journal has left: each shard for itself. Changes nothing but the length of files that end in unused
/// space, so it can be killed and run again.
struct MappedRecovery {
    let contents: FolderContents
    /// By shard, in the order of sequences; those without records too.
    private(set) var lanes: [Int: [FoundSegment]] = [:]

    init(_ contents: FolderContents, boot: JournalID) {
        self.contents = contents
        for (shard, segments) in contents.candidates {
            lanes[shard] = Self.walk(segments, boot, oldest: contents.positions(lane: shard).min())
        }
    }

    private static func walk(
        _ segments: [SegmentCandidate], _ boot: JournalID, oldest: JournalPosition?
    ) -> [FoundSegment] {
        segments.enumerated().map { index, segment in
            let header = segment.header
            let isTrusted = header.boot == boot && !boot.isZero
            var limit = segment.limit
            let next = index + 1 < segments.count ? segments[index + 1].header : nil
            if let next, next.precedingSequence == header.sequence {
                limit = min(limit, Int(clamping: next.precedingEnd))
            }
            let walk = SegmentWalk(
                segment.file.mapping.bytes,
                SegmentWalk.Rules(
                    checksum: header.checksum, trusted: isTrusted ? segment.trusted : 0,
                    durable: segment.committed, limit: limit, firstNumber: header.firstNumber))
            return FoundSegment(
                file: segment.trimmed(to: walk), header: header, walk: walk,
                isPassed: oldest.map { segment.isPassed(by: $0, next: next) } ?? false)
        }
    }

    /// The highest number of each stream that has segments, passed ones too.
    var lastNumbers: [JournalStream: UInt64] {
        var numbers: [JournalStream: UInt64] = [:]
        for (shard, segments) in lanes {
            for segment in segments {
                let stream = JournalStream(
                    journal: segment.header.journal, opening: segment.header.opening, shard: UInt32(shard))
                numbers[stream] = max(numbers[stream] ?? 0, segment.lastNumber)
            }
        }
        return numbers
    }

    /// Shards that have segments in them, at least so many.
    func laneCount(atLeast shards: Int) -> Int {
        max(shards, (lanes.keys.max() ?? -1) + 1)
    }

    /// Records missing between the segments of one lane, where numbers tell.
    func missingRecords(lane: Int) -> Int {
        let segments = (lanes[lane] ?? []).filter { !$0.isPassed }
        return zip(segments, segments.dropFirst()).reduce(0) { sum, pair in
            guard pair.0.header.opening == pair.1.header.opening,
                pair.0.header.sequence + 1 == pair.1.header.sequence,
                pair.1.header.firstNumber > pair.0.lastNumber
            else { return sum }
            let gap = min(
                Int(clamping: pair.1.header.firstNumber - pair.0.lastNumber - 1), SegmentWalk.mostDamaged)
            return sum + max(0, gap - pair.0.walk.holes)
        }
    }
}
