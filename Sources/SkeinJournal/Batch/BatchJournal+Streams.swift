import SkeinPlatform
import Synchronization

extension BatchJournal {
    /// What the journal knows of a row; nil if it has forgotten it. Of its own stream, row 0, as of the last mark. Any
    /// thread.
    public func stream(_ index: UInt32) -> StreamRow? { streams.withLock { $0[index] } }

    /// What the journal knows of a stream; nil if nothing. Any thread.
    public func stream(_ stream: JournalStream) -> StreamRow? {
        streams.withLock { table in table.index(of: stream).flatMap { table[$0] } }
    }

    /// Every stream that the journal knows, its own included. Any thread.
    public var allStreams: [StreamRow] { streams.withLock { Array($0.rows.values) } }

    /// Begins to take records of a stream, or goes on with one that it knows. The writing thread only.
    /// - Parameters:
    ///   - stream: whose records they are.
    ///   - isDurable: whether it is a spool's.
    ///   - highest: where a new one begins: its first record is the one after.
    ///   - now: Unix nanoseconds.
    /// - Returns: its row.
    /// - Throws: `full` when the journal, or its table of streams, has no room; `noSpace`, `unsynced`.
    public func openStream(
        _ stream: JournalStream, isDurable: Bool, highest: UInt64, now: Int64
    ) throws(JournalError) -> StreamRow {
        if let refusal = refusal("opening a stream") { throw refusal }
        let (known, row, count) = streams.withLock { table in
            let known = table.index(of: stream).flatMap { table[$0] }
            let new = StreamRow(
                stream: stream, index: table.nextIndex, highest: highest, durable: highest, lastHeard: now,
                isDurable: isDurable, isEnded: false)
            return (known, new, table.count)
        }
        if var known {
            guard known.isEnded || known.isDurable != isDurable else {
                streams.withLock { $0.update(known.index) { $0.lastHeard = now } }
                return known
            }
            known.isEnded = false
            known.isDurable = isDurable
            known.lastHeard = now
            try change(known.index) { $0 = known }
            return known
        }
        guard count < maximumStreams, row.index < .max else {
            throw JournalError(
                .full,
                "opening a stream: \(count) are open; at most \(maximumStreams) fit the journal's segments")
        }
        streams.withLock { $0.put(row) }
        do throws(JournalError) {
            try writeRow(row.index)
        } catch {
            streams.withLock { $0.remove(row.index) }
            throw error
        }
        return row
    }

    /// Goes on above a gap: the producer has nothing before the record after `highest`. The writing thread only.
    public func skip(_ index: UInt32, to highest: UInt64) throws(JournalError) {
        try change(index) { $0.highest = max($0.highest, highest) }
    }

    /// Notes that nothing follows in a stream. It is forgotten when ``forgetStreams(anonymousBefore:durableBefore:)``
    /// is called and no segment has records of it any more. The writing thread only.
    public func endStream(_ index: UInt32) throws(JournalError) {
        try change(index) { $0.isEnded = true }
    }

    /// Forgets the streams that have ended, and those that were silent too long, unless a segment still has records of
    /// them. The writing thread only; each minute, say.
    /// - Parameters:
    ///   - anonymousBefore: those of anonymous memory last heard of before this, Unix nanoseconds.
    ///   - durableBefore: those of spools last heard of before this.
    /// - Returns: the streams that are forgotten.
    @discardableResult
    public func forgetStreams(anonymousBefore: Int64, durableBefore: Int64) -> [StreamRow] {
        let oldest = store.segment(lane: 0, from: 0)?.sequence ?? .max
        return streams.withLock { table in
            let gone = table.rows.values.filter { row in
                row.index != 0 && row.lastSequence < oldest && row.highest == row.durable
                    && (row.isEnded || row.lastHeard < (row.isDurable ? durableBefore : anonymousBefore))
            }
            for row in gone { table.remove(row.index) }
            return gone
        }
    }

    /// Changes a row, in memory and in the log, or not at all.
    private func change(_ index: UInt32, _ change: (inout StreamRow) -> Void) throws(JournalError) {
        if let refusal = refusal("changing a stream") { throw refusal }
        guard let old = stream(index) else { return }
        streams.withLock { $0.update(index, change) }
        do throws(JournalError) {
            try writeRow(index)
        } catch {
            streams.withLock { $0.put(old) }
            throw error
        }
        touched.insert(index)
    }

    /// Writes what is known of a stream into the log.
    func writeRow(_ index: UInt32) throws(JournalError) {
        guard let row = stream(index) else { return }
        let payload = streams.withLock { $0.encoded(row) }
        let room = writer.room(useReserve: true)
        guard let segment = writer.segment, RecordLayout.total(payload.count) <= room else {
            // A new segment begins with all of them.
            _ = try beginSegment(useReserve: false)
            return
        }
        let record = BatchWriter.record(
            payload, kind: .table, number: 0, arrival: row.lastHeard, segment.checksum)
        do throws(SystemError) {
            try record.withUnsafeBufferPointer { bytes throws(SystemError) in
                try writer.write(UnsafeRawBufferPointer(bytes))
            }
        } catch {
            throw failWriting(error)
        }
    }
}
