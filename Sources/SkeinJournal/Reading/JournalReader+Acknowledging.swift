import SkeinPlatform
import Synchronization

extension JournalReader {
    /// Acknowledges a run and everything before it. See ``advance(past:of:)``.
    public func advance(past run: RecordRun) throws(JournalError) {
        let end = run.end
        guard end > cursor.position else { return }
        for index in pendingStart..<pending.count {
            let entry = pending[index]
            guard
                JournalPosition(
                    sequence: entry.segment.sequence, offset: UInt64(entry.range.upperBound)) <= end
            else { break }
            pending[index].isAcknowledged = true
        }
        try moveCursor()
    }

    /// Acknowledges every record of a stream up to a number, whether it was read or not, and moves the cursor as
    /// far as everything is acknowledged. Reading goes on behind it.
    ///
    /// In a journal with a folder this is one small write; in a collector's, an fdatasync. Cumulative: a number at
    /// or below an earlier one does nothing, and one above the last record ends there.
    /// - Throws: `system` or `noSpace` when the cursor cannot be written. It has then not moved: the same call may
    ///   be made again.
    public func advance(past number: UInt64, of stream: JournalStream) throws(JournalError) {
        var isSplit = false
        for index in pendingStart..<pending.count where pending[index].segment.stream == stream {
            var entry = pending[index]
            if entry.last <= number {
                pending[index].isAcknowledged = true
                continue
            }
            let place = Self.place(after: number, in: entry)
            if place.offset > entry.range.lowerBound {
                var rest = entry
                rest.range = place.offset..<entry.range.upperBound
                rest.first = place.number + 1
                entry.range = entry.range.lowerBound..<place.offset
                entry.last = place.number
                entry.isAcknowledged = true
                pending[index] = entry
                pending.insert(rest, at: index + 1)
            }
            isSplit = true
            break
        }
        // What was acknowledged in an earlier life of the process has not been read in this one.
        while !isSplit, let (segment, _) = readable(), segment.stream == stream,
            let cut = try cut(maximumBytes: .max, through: number)
        {
            pending.append(
                Pending(
                    segment: cut.segment, range: cut.range, first: cut.first, last: cut.last,
                    isAcknowledged: true))
        }
        try moveCursor()
    }

    /// Goes on at a place that the destination has kept, rather than at the cursor, which moves there too. What is
    /// between is neither read nor counted here.
    /// - Returns: where it goes on: the place, or the next between two records, or the start of the oldest segment if
    ///   the place lies before it, or the end of what can be read if it lies beyond.
    /// - Throws: `system` or `noSpace` when the cursor cannot be written.
    public func resume(at position: JournalPosition) throws(JournalError) -> JournalPosition {
        var place = CursorRecord.start.position
        let segments = store.segments(lane: shard)
        if let segment = segments.last(where: { $0.sequence <= position.sequence }) {
            place.sequence = segment.sequence
            let visible = segment.visible.pointee.load(ordering: .acquiring)
            let isWithin = segment.sequence == position.sequence && position.offset < visible
            let extents = segment.extents.isEmpty ? [SegmentHeader.bytes..<Int(visible)] : segment.extents
            place.offset =
                isWithin
                ? FolderContents.boundary(segment.file.mapping.bytes, extents, atOrAfter: position.offset)
                : visible
        } else if let oldest = segments.first {
            place.sequence = oldest.sequence
        } else {
            place = cursor.position
        }
        var moved = cursor
        moved.generation &+= 1
        moved.position = place
        moved.number = 0
        try cursorFile?.write(moved, lane: shard)
        cursor = moved
        // Hold first, then let go: a move forward recycles, and a move back finds only what is still there.
        store.moveCursor(name, lane: shard, to: moved)
        rewindToCursor()
        return place
    }

    /// Acknowledges everything before a place, whether it was read or not: what was read before the reader was rewound, too.
    /// Where reading had not come as far it goes on there. A place at or before the cursor does nothing.
    /// - Parameter position: between two records, and not beyond what can be read.
    /// - Throws: `system` or `noSpace` when the cursor cannot be written. It has then not moved.
    public func advance(to position: JournalPosition) throws(JournalError) {
        guard position > cursor.position else { return }
        if store.isClosed {
            throw JournalError(.closed, "acknowledging records of shard \(shard): the journal is closed")
        }
        var moved = cursor
        moved.generation &+= 1
        moved.number = 0
        moved.position = position
        try cursorFile?.write(moved, lane: shard)
        cursor = moved
        while pendingStart < pending.count {
            let entry = pending[pendingStart]
            let end = JournalPosition(
                sequence: entry.segment.sequence, offset: UInt64(entry.range.upperBound))
            if end > position { break }
            pendingStart += 1
        }
        forgetAcknowledged()
        let read = JournalPosition(sequence: segment?.sequence ?? 0, offset: UInt64(offset))
        if read < position { rewindToCursor() }
        store.moveCursor(name, lane: shard, to: moved)
    }

    /// Moves the cursor over what is acknowledged without a gap.
    private func moveCursor() throws(JournalError) {
        var index = pendingStart
        while index < pending.count, pending[index].isAcknowledged { index += 1 }
        guard index > pendingStart else { return }
        if store.isClosed {
            throw JournalError(.closed, "acknowledging records of shard \(shard): the journal is closed")
        }
        let last = pending[index - 1]
        var moved = cursor
        moved.generation &+= 1
        moved.number = last.last
        moved.position = JournalPosition(
            sequence: last.segment.sequence, offset: UInt64(last.range.upperBound))
        // Durable first: what a recycled segment held must never be asked for again.
        try cursorFile?.write(moved, lane: shard)
        cursor = moved
        pendingStart = index
        forgetAcknowledged()
        store.moveCursor(name, lane: shard, to: moved)
    }

    private func forgetAcknowledged() {
        guard pendingStart == pending.count || pendingStart > 64 && pendingStart * 2 > pending.count else {
            return
        }
        pending.removeSubrange(..<pendingStart)
        pendingStart = 0
    }

    // MARK: Accounts

    /// Bytes of records, with their headers, behind the cursor.
    public var backlogBytes: Int { store.backlog(lane: shard, from: cursor.position) }

    /// Bytes of records, with their headers, that are not read yet.
    public var unreadBytes: Int {
        guard let segment else { return backlogBytes }
        return store.backlog(
            lane: shard, from: JournalPosition(sequence: segment.sequence, offset: UInt64(offset)))
    }

    /// When the oldest record behind the cursor arrived, Unix nanoseconds; nil if all is acknowledged.
    public var oldestArrival: Int64? {
        if pendingStart < pending.count {
            var records = pending[pendingStart].segment.records(pending[pendingStart].range)
            return records.next()?.arrival
        }
        guard let (segment, range) = readable() else { return nil }
        var records = segment.records(range)
        while let record = records.next() {
            if record.kind != .table { return record.arrival }
        }
        return nil
    }

    /// The streams that have records behind the cursor, or still get some, in the order in which they are read.
    public func unacknowledgedStreams() -> [UnacknowledgedStream] {
        var streams: [UnacknowledgedStream] = []
        for segment in store.segments(lane: shard) where segment.sequence >= cursor.position.sequence {
            let end = segment.finalEnd.load(ordering: .acquiring)
            let isCursors = segment.sequence == cursor.position.sequence
            let isLive = segment.opening == liveOpening
            if end != 0, !isLive, isCursors ? cursor.position.offset >= end : segment.extents.isEmpty {
                continue
            }
            let last = isLive ? nil : segment.lastNumber.load(ordering: .relaxed)
            if let known = streams.last, known.stream == segment.stream {
                streams[streams.count - 1] = UnacknowledgedStream(
                    stream: known.stream, first: known.first, last: last)
            } else {
                let isBegun = isCursors && cursor.position.offset > UInt64(SegmentHeader.bytes)
                var first = isBegun ? cursor.number + 1 : segment.firstNumber.load(ordering: .relaxed)
                // After a power cut the cursor's file can be older or newer than the segment that it points into.
                let start = isBegun ? Int(cursor.position.offset) : SegmentHeader.bytes
                let visible = Int(segment.visible.pointee.load(ordering: .acquiring))
                if let range = segment.readable(from: start, to: end == 0 ? visible : min(visible, Int(end)))
                {
                    var records = segment.records(range)
                    if let record = records.next() { first = min(first, record.number) }
                }
                streams.append(UnacknowledgedStream(stream: segment.stream, first: first, last: last))
            }
        }
        return streams
    }
}

/// A stream of which a reader has not acknowledged everything.
public struct UnacknowledgedStream: Sendable, Equatable {
    /// Which stream it is.
    public let stream: JournalStream
    /// The lowest number that is not acknowledged.
    public let first: UInt64
    /// The highest number; nil while the stream is being written.
    public let last: UInt64?
}
