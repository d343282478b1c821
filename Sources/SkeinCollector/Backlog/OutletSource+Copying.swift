import SkeinJournal
import SkeinPlatform
import SkeinWire

// The keeper's side: when an outlet lags, what is for it is copied, and the main cursor goes on in step with the copy.
extension OutletSource {
    /// Copied between two syncs of a backlog, at most.
    private static let stepBytes = 8 << 20

    /// Looks after the outlet: begins, goes on with or ends its backlog. The keeper's thread.
    /// - Returns: whether there is more to copy at once.
    func tend() -> Bool {
        let now = SystemClock.monotonicNanoseconds()
        guard now >= retryAt else { return false }
        return turn.withLock { _ in
            do throws(JournalError) {
                let (isClosed, isDiverted, lag) = state.withLock { state in
                    (
                        state.isClosed, state.isDiverted,
                        state.isDiverted || state.isClosed ? 0 : mainReader.backlogBytes
                    )
                }
                if isClosed { return false }
                if !isDiverted {
                    guard lag > settings.lagBytes else {
                        try removeIfEmpty(now)
                        return false
                    }
                    try divert()
                }
                return try copy()
            } catch {
                retryAt = now + 1_000_000_000
                state.withLock { $0.problem = error.message }
                settings.warner.warn("backlog \(settings.name)", "\(settings.name): \(error.message)")
                return false
            }
        }
    }

    // MARK: Beginning and ending

    private func divert() throws(JournalError) {
        let (known, place) = state.withLock { ($0.backlog, mainReader.position) }
        var made: (Backlog, JournalReader)?
        if known == nil {
            guard let backlog = try settings.open(journal, above: place) else {
                throw JournalError(.configuration, "the backlog \(settings.path) is of another journal")
            }
            do throws(JournalError) {
                made = (backlog, try backlog.journal.reader(named: Backlog.cursorName, from: .oldest))
            } catch {
                backlog.journal.close()
                throw error
            }
        }
        emptySince = nil
        splitAt = state.withLock { state in
            if let made { (state.backlog, state.backlogReader) = (made.0, made.1) }
            state.isDiverted = true
            state.wantsDirect = false
            // What the outlet has in hand it acknowledges by place.
            mainReader.rewindToCursor()
            return state.read
        }
        settings.warner.note(
            "\(settings.name) is behind: what waits for it is copied to \(settings.path) from \(place) on")
    }

    /// Hands the main journal back to an outlet that reads copies as fast as they are made.
    private func giveBack() {
        let isBack = state.withLock { state -> Bool in
            guard state.wantsDirect, state.mainLag <= settings.lagBytes / 2 else { return false }
            state.isDiverted = false
            state.wantsDirect = false
            mainReader.rewindToCursor()
            return true
        }
        guard isBack else { return }
        settings.warner.note("\(settings.name) has caught up with its backlog")
        settings.onNews()
    }

    /// Removes a backlog that the outlet has been through for a while.
    private func removeIfEmpty(_ now: Int64) throws(JournalError) {
        let isEmpty = try state.withLock { state throws(JournalError) -> Bool in
            guard let reader = state.backlogReader, state.given.isEmpty else { return false }
            guard let run = try reader.next(maximumBytes: 1) else { return true }
            run.release()
            reader.rewindToCursor()
            return false
        }
        guard isEmpty else {
            emptySince = nil
            return
        }
        guard now - (emptySince ?? now) >= 2_000_000_000 else {
            emptySince = emptySince ?? now
            return
        }
        emptySince = nil
        let backlog = state.withLock { state -> Backlog? in
            state.backlogReader = nil
            defer { state.backlog = nil }
            return state.backlog
        }
        if let error = backlog?.remove() {
            settings.warner.warn(
                "backlog \(settings.name)", "\(settings.name): cannot remove \(settings.path): \(error)")
        }
    }

    // MARK: Copying

    /// Copies a step's worth, makes it durable, and moves the main cursor behind it.
    private func copy() throws(JournalError) -> Bool {
        guard let backlog = state.withLock({ $0.backlog }) else { return false }
        if backlog.journal.needsRollBack {
            _ = try backlog.journal.rollBack()
            mainReader.rewindToCursor()
        }
        let (routing, retireAt) = state.withLock { ($0.routing, $0.retireAt) }
        // Once full, until a segment is free: else every little room would be filled with what comes just then.
        var isFull = state.withLock { $0.isFull } && !backlog.hasRoom
        if isFull && settings.overflow == .refuse {
            return hold(
                "its backlog holds its budget of \(settings.budgetBytes) bytes; the main journal waits")
        }
        var end: JournalPosition?
        var bytes = 0
        var dropped: UInt64 = 0
        var counted: UInt64 = 0
        var isWhole = true
        while bytes < Self.stepBytes, let run = try mainReader.next(maximumBytes: 1 << 20) {
            defer { run.release() }
            bytes += run.bytes.count
            let copied = assemble(
                run, above: backlog.highest, routing, retireAt, isDropping: isFull)
            let outcome = backlog.append(memory, through: copied.last, useReserve: isFull)
            memory.removeAll()
            memory.shrink()
            switch outcome.failure {
            case nil:
                end = run.end
                dropped += copied.dropped
                counted += copied.dropped - copied.ownDropped
            case .some(.full) where isFull:
                mainReader.rewindToCursor()
                return hold("its backlog has no room for what was dropped; the main journal waits")
            case .some(.full):
                isWhole = false
                isFull = true
            case .some(let code):
                mainReader.rewindToCursor()
                throw JournalError(code, outcome.message)
            }
            if !isWhole { break }
        }
        // What was copied of a run that did not fit is known by its number when it is read again.
        if bytes > 0 { try backlog.journal.sync(try backlog.journal.beginMark()) }
        if let end { try mainReader.advance(to: end) }
        if !isWhole { mainReader.rewindToCursor() }
        if dropped > 0 {
            backlog.dropped += dropped
            settings.warner.warn(
                "overflow \(settings.name)",
                "\(settings.name): \(dropped) events are dropped for it: its backlog holds its budget of \(settings.budgetBytes) bytes"
            )
        }
        if counted > 0 { settings.onDropped(counted) }
        state.withLock { state in
            state.mainLag = mainReader.backlogBytes
            state.isFull = isFull
            state.problem = nil
        }
        if bytes > 0 { settings.onNews() }
        if isWhole { giveBack() }
        return bytes >= Self.stepBytes || !isWhole
    }

    private func hold(_ problem: String) -> Bool {
        retryAt = SystemClock.monotonicNanoseconds() + 100_000_000
        state.withLock { state in
            state.isFull = true
            state.problem = problem
            state.mainLag = mainReader.backlogBytes
        }
        settings.warner.warn("overflow \(settings.name)", "\(settings.name): \(problem)")
        return false
    }

    /// Puts together what a run is in the backlog.
    /// - Parameters:
    ///   - above: what has a number up to it is there already.
    ///   - isDropping: events are counted, and not copied.
    /// - Returns: the last number, and how many events were dropped; and how many of these were notices of drops themselves.
    private func assemble(
        _ run: RecordRun, above: UInt64, _ routing: Routing, _ retireAt: JournalPosition?, isDropping: Bool
    ) -> (last: UInt64, dropped: UInt64, ownDropped: UInt64) {
        memory.removeAll()
        let scratch = RuleScratch(maximumBytes: journal.maximumPayload)
        var streams: [UInt32: JournalStream] = [:]
        var records = run.makeCursor()
        var last: UInt64 = 0
        var passed: UInt64 = 0
        var dropped: UInt64 = 0
        var allDropped: UInt64 = 0
        var ownDropped: UInt64 = 0
        var previous: JournalPosition?
        func tally() {
            guard let previous, passed + dropped > 0 else { return }
            BacklogRecord.append(tally: passed, dropped: dropped, through: previous, to: memory)
            last = previous.ordinal + 1
            passed = 0
            dropped = 0
        }
        while true {
            let start = records.offset
            guard let record = records.next() else { break }
            var position = run.start
            position.offset += UInt64(start)
            if position.ordinal <= above { continue }
            if let before = previous, before < splitAt, position >= splitAt { tally() }
            previous = position
            let isFor = retireAt.map { position < $0 } ?? true
            guard isFor, let event = routing.event(record, at: position, scratch) else {
                passed += 1
                continue
            }
            if isDropping {
                dropped += 1
                allDropped += 1
                if DropNotices.isNotice(record.payload) { ownDropped += 1 }
                continue
            }
            let stream =
                streams[record.streamIndex] ?? journal.stream(record.streamIndex)?.stream
                ?? JournalStream(journal: JournalID(low: 0, high: 0), opening: 0, shard: 0)
            streams[record.streamIndex] = stream
            BacklogRecord.append(
                record.with(payload: event, kind: record.routedKind), at: position, of: stream,
                passed: UInt32(clamping: passed),
                to: memory)
            last = position.ordinal
            passed = 0
        }
        tally()
        return (last, allDropped, ownDropped)
    }
}
