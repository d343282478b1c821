import SkeinBSON
import SkeinJournal

/// Journals as documents, for `--json`. Keys are stable; times are Unix seconds, sizes bytes.
enum JournalDocument {
    static func of(_ inspection: JournalInspection) -> BSONDocument {
        var document: BSONDocument = [
            "path": .string(inspection.folder), "writer": .string(inspection.writer.rawValue),
            "alive": .bool(inspection.isOwnerAlive), "whole": .bool(inspection.isWhole),
            "records": .int64(Int64(inspection.records)),
            "damaged_records": .int64(Int64(inspection.damagedRecords)),
            "damaged_bytes": .int64(Int64(inspection.damagedBytes)),
            "skipped_records": .int64(Int64(inspection.skippedRecords)),
        ]
        if let head = inspection.head {
            document["head"] = .document([
                "id": .string(head.journal.description), "opening": .string(String(head.opening, radix: 16)),
                "pid": .int64(Int64(head.pid)), "same_boot": .bool(head.isSameBoot),
                "clean": .bool(head.wasClosed), "opened": seconds(head.opened),
                "last_sign_of_life": seconds(head.lastSignOfLife), "endpoint": .string(head.endpoint),
                "segment_bytes": .int64(Int64(clamping: head.segmentBytes)),
            ])
        }
        document["segments"] = .array(.array(inspection.segments.map { .document(of($0)) }))
        document["streams"] = .array(.array(inspection.streams.map { .document(of($0)) }))
        document["cursors"] = .array(.array(inspection.cursors.map { .document(of($0)) }))
        document["slots"] = .document([
            "total": .int64(Int64(inspection.slots.total)), "open": .int64(Int64(inspection.slots.open)),
            "closing": .int64(Int64(inspection.slots.closing)),
            "types": .array(
                .array(
                    inspection.slots.types.map { type, count in
                        .document([
                            "type": .string(String(decoding: type, as: UTF8.self)),
                            "count": .int64(Int64(count)),
                        ])
                    })),
        ])
        document["damage"] = faults(inspection)
        return document
    }

    static func of(_ record: InspectedRecord, in folder: String) -> BSONDocument {
        var document: BSONDocument = [
            "path": .string(folder), "file": .string(record.file), "shard": .int64(Int64(record.shard)),
            "sequence": .int64(Int64(clamping: record.position.sequence)),
            "offset": .int64(Int64(clamping: record.position.offset)),
            "number": .int64(Int64(bitPattern: record.record.number)),
            "kind": .string("\(record.record.kind)"),
            "log": .bool(record.record.flags & RecordFlags.log != 0),
            "arrival": seconds(record.record.arrival), "bytes": .int64(Int64(record.record.payload.count)),
        ]
        if let stream = record.stream { document["stream"] = .string(stream.description) }
        return document
    }

    static func of(_ outcome: JournalRepair.Outcome) -> BSONDocument {
        var document: BSONDocument = [
            "path": .string(outcome.before.folder), "needed": .bool(outcome.before.needsRepair),
            "done": .bool(outcome.after != nil),
            "records": .int64(Int64((outcome.after ?? outcome.before).records)),
            "lost_records": .int64(Int64(outcome.before.damagedRecords)),
            "closed_places": .int64(Int64(outcome.filledPlaces)),
            "rescued_segments": .array(.array(outcome.rescuedSegments.map { .string($0) })),
            "omitted_files": .array(.array(outcome.omittedFiles.map { .string($0) })),
            "moved_cursors": .array(
                .array(
                    outcome.movedCursors.map { cursor in
                        .document([
                            "name": .string(cursor.name), "shard": .int64(Int64(cursor.shard)),
                            "sequence": .int64(Int64(clamping: cursor.to.sequence)),
                            "offset": .int64(Int64(clamping: cursor.to.offset)),
                        ])
                    })),
            "damage": faults(outcome.before),
        ]
        if let damaged = outcome.damagedFolder { document["damaged"] = .string(damaged) }
        return document
    }

    private static func of(_ segment: JournalInspection.Segment) -> BSONDocument {
        var document: BSONDocument = [
            "file": .string(segment.file), "role": .string(segment.role.rawValue),
            "file_bytes": .int64(Int64(segment.fileBytes)),
        ]
        guard segment.sequence > 0 else { return document }
        document["shard"] = .int64(Int64(segment.shard))
        document["sequence"] = .int64(Int64(clamping: segment.sequence))
        document["opening"] = .string(String(segment.opening, radix: 16))
        document["begun"] = seconds(segment.begun)
        document["same_boot"] = .bool(segment.isSameBoot)
        document["committed"] = .int64(Int64(segment.committed))
        document["sealed"] = .bool(segment.isSealed)
        guard segment.role == .log else { return document }
        document["end"] = .int64(Int64(segment.end))
        document["records"] = .int64(Int64(segment.records - segment.tables))
        document["bytes"] = .int64(Int64(segment.bytes))
        if let first = segment.firstNumber { document["first"] = .int64(Int64(bitPattern: first)) }
        if let last = segment.lastNumber { document["last"] = .int64(Int64(bitPattern: last)) }
        if let oldest = segment.oldest { document["oldest"] = seconds(oldest) }
        if let newest = segment.newest { document["newest"] = seconds(newest) }
        document["damaged_records"] = .int64(Int64(segment.damagedRecords))
        document["damaged_bytes"] = .int64(Int64(segment.damagedBytes))
        document["skipped_records"] = .int64(Int64(segment.skippedRecords))
        if segment.isChanging { document["changing"] = .bool(true) }
        return document
    }

    private static func of(_ stream: JournalInspection.Stream) -> BSONDocument {
        var document: BSONDocument = [
            "stream": .string(stream.stream.description), "records": .int64(Int64(stream.records)),
        ]
        if let first = stream.first { document["first"] = .int64(Int64(bitPattern: first)) }
        if let last = stream.last { document["last"] = .int64(Int64(bitPattern: last)) }
        if let highest = stream.highest { document["highest"] = .int64(Int64(bitPattern: highest)) }
        if stream.isEnded { document["ended"] = .bool(true) }
        return document
    }

    private static func of(_ cursor: JournalInspection.Cursor) -> BSONDocument {
        var document: BSONDocument = ["name": .string(cursor.name), "shard": .int64(Int64(cursor.shard))]
        if let position = cursor.position {
            document["sequence"] = .int64(Int64(clamping: position.sequence))
            document["offset"] = .int64(Int64(clamping: position.offset))
            document["number"] = .int64(Int64(bitPattern: cursor.number))
        }
        document["records_behind"] = .int64(Int64(cursor.recordsBehind))
        document["bytes_behind"] = .int64(Int64(cursor.bytesBehind))
        if let oldest = cursor.oldestBehind { document["oldest_behind"] = seconds(oldest) }
        return document
    }

    private static func faults(_ inspection: JournalInspection) -> BSONValue {
        .array(
            .array(
                inspection.faults.map { fault in
                    var document: BSONDocument = ["file": .string(fault.file)]
                    if let offset = fault.offset { document["offset"] = .int64(Int64(offset)) }
                    document["reason"] = .string(fault.reason)
                    document["repairable"] = .bool(fault.isRepairable)
                    return .document(document)
                }))
    }

    private static func seconds(_ nanoseconds: Int64) -> BSONValue { .double(Double(nanoseconds) / 1e9) }
}
