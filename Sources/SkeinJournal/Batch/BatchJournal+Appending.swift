import SkeinPlatform
import Synchronization

/// What became of a batch.
public struct BatchOutcome: Sendable, Equatable {
    /// Records that are in the journal now.
    public var journaled = 0
    /// Their payload's bytes.
    public var journaledBytes = 0
    /// Records that it had before.
    public var duplicates = 0
    /// Records that the caller did not accept; they count as taken.
    public var rejected = 0
    /// Why the batch was not taken to its end; what came before stays taken. Nil: it was.
    public var failure: JournalError.Code?
    /// Where in the payload it stopped, if it did.
    public var failedAt = 0
    /// What to tell a person, if there is a failure.
    public var message = ""
}

extension BatchJournal {
    /// Takes the records of a batch that are above what the journal holds of their stream, and nothing else: a resend
    /// may be cut in any way.
    ///
    /// The payload is whatever a peer sent: every record is checked, and each one's header is written anew in place
    /// (stream, arrival, checksum; 60 ns for 300 bytes). What is contiguous goes to the kernel in one call, from
    /// where it is. The writing thread only. Nothing is durable before the next mark is synced.
    ///
    /// - Parameters:
    ///   - payload: a run of records. Its headers are overwritten.
    ///   - index: the stream's row.
    ///   - numbers: what the batch says its records' numbers are; they rise strictly and stay within.
    ///   - arrival: Unix nanoseconds, written into each record; nil: each keeps its own.
    ///   - useReserve: whether they may go into the segment that is kept for the collector's own events.
    ///   - accepting: whether to take a record: called once for each that is new, in order. One that is not accepted
    ///     counts as taken, so that an acknowledgement goes past it.
    /// - Returns: what became of each record. A ``BatchOutcome/failure`` is `full` or `noSpace` (ask the producer to
    ///   come again), `malformed` (the peer does not keep to the protocol), `tooLarge` (a record above
    ///   ``maximumPayload``), or `unsynced` (``rollBack()`` is due).
    public func append(
        _ payload: UnsafeMutableRawBufferPointer, stream index: UInt32, numbers: ClosedRange<UInt64>,
        arrival: Int64?, useReserve: Bool = false, accepting: (RecordView) -> Bool
    ) -> BatchOutcome {
        var outcome = BatchOutcome()
        if let refusal = refusal("appending") { return outcome.failed(refusal.code, at: 0, refusal.message) }
        guard index != 0, let row = streams.withLock({ $0[index] }) else {
            return outcome.failed(.malformed, at: 0, "there is no stream \(index)")
        }
        guard let base = payload.baseAddress else { return outcome }
        var highest = row.highest
        var lastJournaled = highest
        var previous = numbers.lowerBound == 0 ? 0 : numbers.lowerBound - 1
        var records = RecordCursor(UnsafeRawBufferPointer(payload))
        var checksum = writer.segment?.checksum
        var room = writer.room(useReserve: useReserve)
        let heard = arrival ?? 0
        /// Where the record in hand begins, and how many bytes before it are ready to be written.
        var at = 0
        var ready = 0

        func hand() throws(JournalError) {
            guard ready > 0 else { return }
            do throws(SystemError) {
                try writer.write(UnsafeRawBufferPointer(start: base + (at - ready), count: ready))
            } catch {
                throw failWriting(error)
            }
            room -= ready
            ready = 0
        }

        do throws(JournalError) {
            while let record = records.next() {
                let number = record.number
                guard number > previous, number <= numbers.upperBound, record.kind != .table else {
                    throw JournalError(
                        .malformed,
                        "record \(number) of kind \(record.kind) after \(previous) in a batch of \(numbers)")
                }
                previous = number
                if number <= highest {
                    try hand()
                    outcome.duplicates += 1
                } else if !accepting(record) {
                    try hand()
                    outcome.rejected += 1
                    highest = number
                } else {
                    guard record.payload.count <= maximumPayload else {
                        throw JournalError(
                            .tooLarge,
                            "record \(number) has \(record.payload.count) bytes; at most \(maximumPayload)")
                    }
                    if ready + record.totalBytes > room {
                        try hand()
                        // The new segment's table tells of what the old one has.
                        settle(index, highest: highest, arrival: heard, didWrite: outcome.journaled > 0)
                        checksum = try beginSegment(useReserve: useReserve).checksum
                        room = writer.room(useReserve: useReserve)
                    }
                    guard let checksum else { throw JournalError(.closed, "appending: no segment") }
                    BatchWriter.complete(
                        base + at, payload: record.payload.count, kind: record.kind,
                        flags: record.flags & RecordFlags.log, stream: index, number: number,
                        arrival: arrival ?? record.arrival,
                        checksum)
                    ready += record.totalBytes
                    outcome.journaled += 1
                    outcome.journaledBytes += record.payload.count
                    highest = number
                    lastJournaled = number
                }
                at = records.offset
            }
            guard records.isAtEnd else {
                throw JournalError(.malformed, "no whole record stands at byte \(at) of \(payload.count)")
            }
        } catch {
            outcome = outcome.failed(error.code, at: at, error.message)
        }
        do throws(JournalError) {
            try hand()
            settle(index, highest: highest, arrival: heard, didWrite: outcome.journaled > 0)
            // That a record was refused must be remembered like one that was taken, or it was not refused.
            if highest > lastJournaled { try writeRow(index) }
        } catch {
            streams.withLock { $0.update(index) { $0.highest = lastJournaled } }
            if outcome.failure == nil || error.code == .unsynced {
                outcome = outcome.failed(error.code, at: at, error.message)
            }
        }
        return outcome
    }

    /// Keeps the account of what was taken.
    private func settle(_ index: UInt32, highest: UInt64, arrival: Int64, didWrite: Bool) {
        touched.insert(index)
        let sequence = writer.position.sequence
        streams.withLock { table in
            table.update(index) { row in
                row.highest = highest
                row.lastHeard = max(row.lastHeard, arrival)
                if didWrite { row.lastSequence = sequence }
            }
        }
    }

    /// Puts what was appended to the journal's own stream into the table.
    func settleOwn() {
        let own = own
        let isNew = streams.withLock { table in
            guard let row = table[0], own.number > row.highest else { return false }
            table.update(0) { row in
                row.highest = own.number
                row.lastHeard = own.arrival
                row.lastSequence = own.sequence
            }
            return true
        }
        if isNew { touched.insert(0) }
    }

    /// Appends one record of the journal's own stream: what arrives without a number, or the collector's own events.
    /// Gathered with its neighbours, about 100 ns for 300 bytes. The writing thread only.
    /// - Parameter useReserve: whether it may go into the segment that is kept for the collector's own events.
    /// - Returns: its number in the journal's own stream, which rises by one.
    /// - Throws: `full`, `noSpace`, `tooLarge`, or `unsynced` (``rollBack()`` is due).
    @discardableResult
    public func append(
        _ payload: UnsafeRawBufferPointer, kind: RecordKind = .event, flags: UInt8 = 0, arrival: Int64,
        useReserve: Bool = false
    ) throws(JournalError) -> UInt64 {
        if let refusal = refusal("appending") { throw refusal }
        guard payload.count <= maximumPayload else {
            throw JournalError(
                .tooLarge, "appending a record of \(payload.count) bytes; at most \(maximumPayload)")
        }
        let total = RecordLayout.total(payload.count)
        var segment = writer.segment
        if total > writer.room(useReserve: useReserve) { segment = try beginSegment(useReserve: useReserve) }
        guard let checksum = segment?.checksum else { throw JournalError(.closed, "appending: no segment") }
        let number = own.number + 1
        let fill = { (start: UnsafeMutableRawPointer) in
            if let from = payload.baseAddress {
                (start + RecordLayout.headerBytes).copyMemory(from: from, byteCount: payload.count)
            }
            BatchWriter.complete(
                start, payload: payload.count, kind: kind, flags: flags & RecordFlags.log, stream: 0,
                number: number, arrival: arrival, checksum)
        }
        do throws(SystemError) {
            if total < BatchWriter.gatherBelow {
                try writer.gather(total, fill)
            } else {
                let record = UnsafeMutableRawBufferPointer.allocate(byteCount: total, alignment: 16)
                defer { record.deallocate() }
                if let start = record.baseAddress { fill(start) }
                try writer.write(UnsafeRawBufferPointer(record))
            }
        } catch {
            throw failWriting(error)
        }
        own = (number, arrival, writer.position.sequence)
        return number
    }

    /// Goes on to a new segment. What was written of the old one is whole.
    /// - Parameter useReserve: whether it may be the one that is kept for the collector's own events. Then nothing
    ///   else goes into it.
    func beginSegment(useReserve: Bool) throws(JournalError) -> Segment {
        settleOwn()
        // Until this sync, what the table says goes beyond what is durable; recovery takes a segment only if
        // everything before it is there.
        let table = streams.withLock { $0.encoded() }
        do throws(JournalError) {
            let segment = try writer.begin(table: table, useReserve: useReserve)
            syncState.withLock { $0.unsynced.append(segment) }
            return segment
        } catch {
            if error.code == .system { throw fail(error) }
            throw error
        }
    }

    /// A failed write leaves a hole: nothing after it may be acknowledged.
    func failWriting(_ error: SystemError) -> JournalError {
        fail(JournalError("writing segment \(writer.position.sequence)", error))
    }

    private func fail(_ error: JournalError) -> JournalError {
        let failure = JournalError(.unsynced, error.message, cause: error.cause)
        syncState.withLock { state in
            if state.failure == nil { state.failure = failure }
            hasFailed.store(true, ordering: .releasing)
        }
        return failure
    }
}

extension BatchOutcome {
    fileprivate func failed(_ code: JournalError.Code, at offset: Int, _ message: String) -> BatchOutcome {
        var outcome = self
        outcome.failure = code
        outcome.failedAt = offset
        outcome.message = message
        return outcome
    }
}
