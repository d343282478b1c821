import SkeinPlatform
import Synchronization

/// A place in a collector's journal that is to become durable, and what may be acknowledged then.
public struct JournalMark: Sendable {
    /// Everything before this is covered.
    public let position: JournalPosition
    /// The streams of which something is not yet durable, and up to which number.
    public let held: [HeldNumber]
    let segments: [Segment]
    let generation: Int

    /// How far a stream is held.
    public struct HeldNumber: Sendable, Equatable {
        /// Which stream it is.
        public let stream: JournalStream
        /// The stream's row in the journal's table, 0 for the journal's own stream.
        public let index: UInt32
        /// Everything up to here may be acknowledged.
        public let number: UInt64
    }
}

/// What a failed sync took back.
public struct RolledBackStream: Sendable, Equatable {
    /// Which stream it is.
    public let stream: JournalStream
    /// The stream's row in the journal's table, 0 for the journal's own stream.
    public let index: UInt32
    /// Everything up to here stands. Of the journal's own stream, what came after is lost.
    public let durable: UInt64
    /// What the journal thought to have.
    public let highest: UInt64
}

extension BatchJournal {
    /// Everything before this is durable, and readers see it. Any thread.
    public var durablePosition: JournalPosition { syncState.withLock { $0.durable } }

    /// A sync or a write failed: nothing is taken before ``rollBack()``. Any thread.
    public var needsRollBack: Bool { hasFailed.load(ordering: .acquiring) }

    /// Nothing can be written while this is not nil.
    func refusal(_ attempt: String) -> JournalError? {
        if isClosed { return JournalError(.closed, "\(attempt): the journal is closed") }
        return needsRollBack ? JournalError(.unsynced, "\(attempt): a sync failed; roll back first") : nil
    }

    /// Hands what was gathered to the kernel and says what the next sync will cover. Taken *before* the sync, so that
    /// nothing is acknowledged which came after. The writing thread only. Of several marks it is enough to sync the
    /// last.
    /// - Throws: `unsynced` when the write failed, or ``rollBack()`` is due.
    public func beginMark() throws(JournalError) -> JournalMark {
        if let refusal = refusal("marking") { throw refusal }
        return try mark()
    }

    func mark() throws(JournalError) -> JournalMark {
        do throws(SystemError) {
            try writer.flush()
        } catch {
            throw failWriting(error)
        }
        saveCounters()
        settleOwn()
        // A stream stands in each mark until a sync has confirmed its number: so a mark may be left out.
        let held = streams.withLock { table in
            touched = touched.filter { index in table[index].map { $0.highest > $0.durable } ?? false }
            return touched.compactMap { index in
                table[index].map {
                    JournalMark.HeldNumber(stream: $0.stream, index: index, number: $0.highest)
                }
            }
        }
        let position = writer.position
        return syncState.withLock { state in
            JournalMark(
                position: position, held: held, segments: state.unsynced, generation: state.generation)
        }
    }

    /// Makes everything before a mark durable and visible to readers: an fdatasync for each segment that has something
    /// new. Any thread, one at a time; appending goes on meanwhile.
    /// - Throws: `unsynced` when that failed. Nothing beyond what was durable before may ever be acknowledged: the
    ///   kernel may have dropped it and say next time that all is well. Call ``rollBack()`` on the writing thread.
    public func sync(_ mark: JournalMark) throws(JournalError) {
        try syncTurn.withLock { _ throws(JournalError) in
            let (durable, generation, failure) = syncState.withLock {
                ($0.durable, $0.generation, $0.failure)
            }
            guard generation == mark.generation else {
                throw JournalError(.unsynced, "syncing a mark from before a roll-back")
            }
            if let failure { throw failure }
            if mark.position > durable {
                for segment in mark.segments where segment.sequence <= mark.position.sequence {
                    do throws(SystemError) {
                        try Self.sync(segment, durable: durable)
                        // The first sync in a segment is followed by one of the length that it made durable: with
                        // that the segment says that those before it are whole, should one be recycled.
                        if segment.sequence == mark.position.sequence, segment.sequence > durable.sequence {
                            try Self.sync(segment, durable: mark.position)
                        }
                    } catch {
                        throw failSyncing(segment, mark, error)
                    }
                }
                for segment in mark.segments where segment.sequence <= mark.position.sequence {
                    let end =
                        segment.sequence < mark.position.sequence
                        ? segment.finalEnd.load(ordering: .acquiring) : mark.position.offset
                    segment.visible.pointee.store(end, ordering: .releasing)
                }
                syncState.withLock { state in
                    state.durable = mark.position
                    state.unsynced.removeAll { $0.sequence < mark.position.sequence }
                }
            }
            streams.withLock { table in
                for held in mark.held {
                    table.update(held.index) { $0.durable = max($0.durable, held.number) }
                }
            }
        }
    }

    /// Syncs a segment. What its header says of the committed length is what was durable before this sync: a lower
    /// bound, whichever of the two reaches the disk first.
    private static func sync(_ segment: Segment, durable: JournalPosition) throws(SystemError) {
        guard let file = segment.file.file else { return }
        if durable.sequence == segment.sequence {
            let isSealed = segment.finalEnd.load(ordering: .acquiring) != 0
            try file.write(
                SegmentHeader.progress(committed: durable.offset, isSealed: isSealed),
                at: SegmentHeader.committedOffset)
        }
        try file.sync()
    }

    private func failSyncing(_ segment: Segment, _ mark: JournalMark, _ error: SystemError) -> JournalError {
        for segment in mark.segments { segment.file.isSuspect.store(true, ordering: .relaxed) }
        let failure = JournalError(
            .unsynced,
            "syncing segment \(segment.sequence) of \(folder): \(error). What was not yet acknowledged is refused; "
                + "the journal goes on in a new segment.", cause: error)
        return syncState.withLock { state in
            if state.failure == nil { state.failure = failure }
            hasFailed.store(true, ordering: .releasing)
            return failure
        }
    }

    /// After a failed sync: takes back everything that is not durable, and goes on in a new segment, which is synced
    /// before this returns. Waits for a sync that is under way. The writing thread only.
    /// - Returns: the streams that lose something: their producers are to be refused, and send it again. Of the
    ///   journal's own stream it is lost, and to be counted.
    /// - Throws: when the new segment cannot be made or synced; everything is taken back all the same, and the next
    ///   append tries again.
    public func rollBack() throws(JournalError) -> [RolledBackStream] {
        let lost = syncTurn.withLock { _ in takeBack() }
        _ = try beginSegment(useReserve: true)
        try sync(try beginMark())
        return lost
    }

    private func takeBack() -> [RolledBackStream] {
        let (durable, unsynced) = syncState.withLock { state in
            defer {
                state.unsynced = []
                state.generation += 1
                state.failure = nil
                hasFailed.store(false, ordering: .releasing)
            }
            return (state.durable, state.unsynced)
        }
        writer.abandon(end: durable)
        for segment in unsynced where segment.sequence == durable.sequence {
            segment.finalEnd.store(durable.offset, ordering: .releasing)
        }
        store.void(unsynced.filter { $0.sequence > durable.sequence }, lane: 0)
        touched.removeAll()
        settleOwn()
        return streams.withLock { table in
            defer { own.number = table[0]?.highest ?? 0 }
            let lost = table.rows.values.filter { $0.highest > $0.durable }.map {
                RolledBackStream(
                    stream: $0.stream, index: $0.index, durable: $0.durable, highest: $0.highest)
            }
            table.rollBack()
            return lost
        }
    }

    /// Says in the last segment's header how far it is durable, and syncs that.
    func syncCommitted() throws(SystemError) {
        let durable = durablePosition
        guard let segment = writer.segment, segment.sequence == durable.sequence else { return }
        try Self.sync(segment, durable: durable)
    }
}
