import SkeinPlatform

extension JournalSurvey {
    /// Where cursors are, what they have before them, and which streams the records are of: one pass over the headers
    /// of all records.
    mutating func surveyCursors() {
        var cursors: [JournalInspection.Cursor] = []
        let shards = Set(sources.map { Int($0.found.header.shard) })
        for (name, cursor) in contents.cursors.sorted(by: { $0.key < $1.key }) {
            var records: [CursorRecord?] = []
            for lane in 0..<max(cursor.records.count, (shards.max() ?? -1) + 1) {
                let segments = sources.filter { Int($0.found.header.shard) == lane }.map(\.found)
                var (placed, moved) = contents.place(name, lane: lane, among: segments)
                // What recovery passes over at the end is no place to go on at.
                if let last = segments.last, placed.position > last.wholeEndPosition {
                    moved = MovedCursor(
                        name: name, shard: lane,
                        from: contents.record(name, lane: lane)?.position ?? placed.position,
                        to: last.wholeEndPosition, reason: .beyondEnd)
                    placed.position = last.wholeEndPosition
                }
                let record = contents.record(name, lane: lane)
                records.append(record == nil && moved == nil ? nil : placed)
                if record != nil || shards.contains(lane) {
                    cursors.append(
                        JournalInspection.Cursor(
                            name: name, shard: lane, position: record?.position, number: record?.number ?? 0))
                }
                noteCursor(name, lane, moved)
            }
            setPlaced(name, records)
        }
        update { $0.cursors = cursors }
        var streams: [SIMD2<UInt64>: JournalInspection.Stream] = [:]
        var order: [SIMD2<UInt64>] = []
        for index in sources.indices { survey(sources[index].found, &streams, &order) }
        if inspection.writer == .collector {
            for (index, row) in table.rows.sorted(by: { $0.key < $1.key })
            where streams[[UInt64(index), 0]] == nil {
                streams[[UInt64(index), 0]] = JournalInspection.Stream(
                    stream: row.stream, index: index, highest: row.highest, isEnded: row.isEnded)
                order.append([UInt64(index), 0])
            }
        }
        update { $0.streams = order.compactMap { streams[$0] } }
    }

    private mutating func noteCursor(_ name: String, _ lane: Int, _ moved: MovedCursor?) {
        guard let moved, !inspection.isOwnerAlive else { return }
        let reason =
            switch moved.reason {
            case .damaged: "neither copy of shard \(lane)'s place holds"
            case .beyondEnd: "shard \(lane)'s place \(moved.from) lies beyond the end, \(moved.to)"
            case .beforeOldest: "shard \(lane)'s place \(moved.from) lies before the oldest segment"
            }
        // A place behind which segments are gone reads on at the oldest: nothing is to be made whole.
        update {
            $0.faults.append(
                .init(
                    file: name + CursorName.suffix, offset: lane * CursorRecord.pairBytes, reason: reason))
        }
    }

    private mutating func survey(
        _ found: FoundSegment, _ streams: inout [SIMD2<UInt64>: JournalInspection.Stream],
        _ order: inout [SIMD2<UInt64>]
    ) {
        let name = SegmentFile.name(found.file.number)
        guard let at = inspection.segments.firstIndex(where: { $0.file == name }) else { return }
        var segment = inspection.segments[at]
        let isApp = inspection.writer == .app
        var cursors = inspection.cursors
        let readers = cursors.indices.filter { cursors[$0].shard == segment.shard }
        for extent in found.walk.extents {
            var records = RecordCursor(UnsafeRawBufferPointer(rebasing: found.file.mapping.bytes[extent]))
            var offset = extent.lowerBound
            while let record = records.next() {
                defer { offset = extent.lowerBound + records.offset }
                segment.records += 1
                segment.bytes += record.totalBytes
                if record.kind == .table {
                    segment.tables += 1
                    continue
                }
                let (number, arrival) = (record.number, record.arrival)
                segment.oldest = min(segment.oldest ?? arrival, arrival)
                segment.newest = max(segment.newest ?? arrival, arrival)
                if isApp {
                    segment.firstNumber = segment.firstNumber ?? number
                    segment.lastNumber = number
                }
                let position = JournalPosition(sequence: segment.sequence, offset: UInt64(offset))
                for index in readers where cursors[index].position.map({ position >= $0 }) ?? true {
                    cursors[index].recordsBehind += 1
                    cursors[index].bytesBehind += record.totalBytes
                    cursors[index].oldestBehind = min(cursors[index].oldestBehind ?? arrival, arrival)
                }
                let key: SIMD2<UInt64> =
                    isApp ? [segment.opening, UInt64(segment.shard)] : [UInt64(record.streamIndex), 0]
                if streams[key] == nil {
                    streams[key] = stream(found.header, record)
                    order.append(key)
                }
                streams[key]?.note(number)
            }
        }
        update {
            $0.segments[at] = segment
            $0.cursors = cursors
        }
    }

    private func stream(_ header: SegmentHeader, _ record: RecordView) -> JournalInspection.Stream {
        if inspection.writer == .app {
            return JournalInspection.Stream(
                stream: JournalStream(journal: header.journal, opening: header.opening, shard: header.shard),
                index: 0)
        }
        let row = table[record.streamIndex]
        return JournalInspection.Stream(
            stream: row?.stream
                ?? JournalStream(journal: JournalID(low: 0, high: 0), opening: 0, shard: 0),
            index: record.streamIndex, highest: row?.highest, isEnded: row?.isEnded ?? false)
    }

    /// Open contexts.
    mutating func surveySlots(_ path: String, _ storage: InspectionStorage) {
        guard let file = try? storage.open(path, create: false), let count = try? file.byteCount() else {
            return
        }
        var slots = JournalInspection.Slots()
        slots.total = min((count + SlotLayout.bytes - 1) / SlotLayout.bytes, 1 << 20)
        var types: [[UInt8]: Int] = [:]
        for index in 0..<slots.total {
            guard let slot = try? file.read(512, at: index * SlotLayout.bytes) else { return }
            slot.withUnsafeBytes { bytes in
                let state = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
                guard state == SlotLayout.open || state == SlotLayout.closing else { return }
                if state == SlotLayout.open { slots.open += 1 } else { slots.closing += 1 }
                let length = Int(
                    UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 80, as: UInt16.self)))
                types[Array(bytes[88..<88 + min(length, 200)]), default: 0] += 1
            }
        }
        slots.types = types.map { (type: $0.key, count: $0.value) }
            .sorted {
                ($1.count, $0.type.map(UInt32.init).description) < (
                    $0.count, $1.type.map(UInt32.init).description
                )
            }
        update { $0.slots = slots }
    }
}

extension FoundSegment {
    /// Where its last whole record ends.
    fileprivate var wholeEndPosition: JournalPosition {
        JournalPosition(sequence: header.sequence, offset: UInt64(walk.wholeEnd))
    }
}

extension JournalInspection.Stream {
    mutating func note(_ number: UInt64) {
        records += 1
        first = min(first ?? number, number)
        last = max(last ?? number, number)
    }
}

/// A record of a journal that is looked at. Valid only while it is shown.
package struct InspectedRecord {
    package let file: String
    package let shard: Int
    package let position: JournalPosition
    /// Its stream; nil where a collector's table does not have it.
    package let stream: JournalStream?
    package let record: RecordView
}

extension JournalSurvey {
    /// Shows each whole record of the log in order, shard by shard, without those of the journal's own.
    package func forEachRecord<Failure: Error>(
        _ body: (InspectedRecord) throws(Failure) -> Void
    ) throws(Failure) {
        for source in sources {
            let header = source.found.header
            let own = JournalStream(journal: header.journal, opening: header.opening, shard: header.shard)
            for extent in source.found.walk.extents {
                var records = RecordCursor(
                    UnsafeRawBufferPointer(rebasing: source.found.file.mapping.bytes[extent]))
                var offset = extent.lowerBound
                while let record = records.next() {
                    defer { offset = extent.lowerBound + records.offset }
                    if record.kind == .table { continue }
                    try body(
                        InspectedRecord(
                            file: SegmentFile.name(source.found.file.number), shard: Int(header.shard),
                            position: JournalPosition(sequence: header.sequence, offset: UInt64(offset)),
                            stream: inspection.writer == .app ? own : table[record.streamIndex]?.stream,
                            record: record))
                }
            }
        }
    }
}
