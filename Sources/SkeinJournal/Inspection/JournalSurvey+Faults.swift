import SkeinPlatform

extension JournalSurvey {
    /// What is wrong with a segment of the log.
    mutating func noteFaults(_ segment: JournalInspection.Segment, _ found: FoundSegment, stated: Int?) {
        let bytes = found.file.mapping.bytes
        let name = segment.file
        var faults: [JournalInspection.Fault] = []
        if rescued[found.file.number] != nil {
            faults.append(
                .init(
                    file: name, offset: 0,
                    reason: "neither copy of its header holds; its records tell that it was "
                        + "sequence \(segment.sequence)"))
        } else if !inspection.isOwnerAlive, !SegmentHeader.isWholeTwice(bytes) {
            faults.append(
                .init(file: name, offset: 0, reason: "one of the two copies of its header does not hold"))
        }
        let limit = limit(of: found)
        // In a collector's journal only the next segment tells for certain where one ends; where there is none, what it
        // has committed lies before.
        let isEndKnown = inspection.writer == .app || stated != nil
        let bad = found.walk.gaps(
            to: isEndKnown ? found.walk.end : max(found.walk.wholeEnd, min(segment.committed, limit)))
        if let first = bad.first {
            faults.append(
                .init(
                    file: name, offset: first.lowerBound,
                    reason: RecordFault.reason(
                        bytes, at: first.lowerBound, limit: limit, found.header.checksum)
                        + (bad.count > 1 ? "; \(bad.count - 1) more places after it" : "")))
        }
        if !inspection.isOwnerAlive, let reason = committedFault(segment, found, limit: limit) {
            faults.append(.init(file: name, offset: SegmentHeader.committedOffset, reason: reason))
        }
        // Below a later segment nothing is unwritten: what is not there was cut off, or overwritten at the end.
        if let stated, stated > found.walk.end, bad.isEmpty {
            faults.append(
                .init(
                    file: name, offset: found.walk.end,
                    reason: stated > limit
                        ? "the file ends here, and went on to \(stated)"
                        : RecordFault.reason(
                            bytes, at: found.walk.end, limit: limit, found.header.checksum)))
        }
        update { $0.faults += faults }
    }

    /// Bytes of a segment's file that can hold records.
    func limit(of found: FoundSegment) -> Int {
        contents.candidates[Int(found.header.shard)]?.first { $0.header.sequence == found.header.sequence }?
            .limit
            ?? min(found.file.byteCount, Int(found.header.segmentBytes))
    }

    /// What is wrong with a committed length.
    private func committedFault(
        _ segment: JournalInspection.Segment, _ found: FoundSegment, limit: Int
    ) -> String? {
        let committed = segment.committed
        if committed < SegmentHeader.bytes || committed % 8 != 0 {
            return "the committed length of \(committed) is none"
        }
        if committed > limit {
            return "the committed length of \(committed) lies beyond the file's \(limit) bytes"
        }
        if committed < found.walk.wholeEnd {
            let boundary = FolderContents.boundary(
                found.file.mapping.bytes, found.walk.extents, atOrAfter: UInt64(committed))
            if boundary != UInt64(committed),
                !found.walk.gaps(to: found.walk.end).contains(where: {
                    $0.contains(committed) || $0.upperBound == committed
                })
            {
                return "the committed length of \(committed) lies inside a record"
            }
        }
        return nil
    }

    /// Segments that are missing between others.
    mutating func noteMissing(_ segments: [FoundSegment], isNumbered: Bool) {
        if inspection.isOwnerAlive { return }
        for (before, after) in zip(segments, segments.dropFirst()) {
            let expected = after.header.precedingSequence
            let name = SegmentFile.name(after.file.number)
            if expected > before.header.sequence {
                var lost = ""
                if isNumbered, before.header.opening == after.header.opening,
                    after.header.firstNumber > before.lastNumber
                {
                    let count = after.header.firstNumber - before.lastNumber - 1
                    lost =
                        ", and with it the records \(before.lastNumber &+ 1) to \(before.lastNumber &+ count)"
                }
                update {
                    $0.faults.append(
                        .init(
                            file: name, offset: nil,
                            reason:
                                "segment \(expected) of shard \(after.header.shard), before it, is missing\(lost)",
                            isRepairable: false))
                }
            }
        }
    }
}
