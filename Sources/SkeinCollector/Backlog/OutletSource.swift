import SkeinJournal
import SkeinPlatform

/// What an outlet reads: first what its backlog holds, then the main journal from its cursor there. All places are those of
/// the main journal.
///
/// At any time the events that the outlet still gets are those of the backlog behind its cursor there, and then those of
/// the main journal behind its cursor there. Nothing else says whether a backlog is in use, so there is no state that a kill
/// could tear. While the outlet is *diverted*, a ``BacklogKeeper`` copies and moves the main cursor; the outlet reads copies
/// alone. Otherwise the outlet reads the main journal itself, once the backlog is empty.
///
/// The outlet's thread reads and acknowledges, the keeper's copies; what they share is under a lock.
final class OutletSource: @unchecked Sendable {
    // Sendable: the readers are used under `state`, but for the main one while the outlet is diverted: that is then the
    // keeper's, under `turn`.

    /// What came of asking for more.
    enum Next {
        case run(SourceRun)
        /// Everything before this place was given.
        case end(JournalPosition)
        /// More is to come by way of the backlog; ``OutletSource/onNews`` tells of it.
        case later
    }

    struct State {
        var routing: Routing
        /// From here on nothing is for it.
        var retireAt: JournalPosition?
        /// Everything before it was given to the outlet.
        var read: JournalPosition
        /// Everything before it was acknowledged by it.
        var done: JournalPosition
        var backlog: Backlog?
        var backlogReader: JournalReader?
        /// Runs of the backlog that are not acknowledged: where they end in the main journal, and in the backlog.
        var given: [(end: JournalPosition, place: JournalPosition)] = []
        var isDiverted = false
        /// The outlet has read all copies, and could read on by itself.
        var wantsDirect = false
        /// The backlog holds its budget.
        var isFull = false
        /// Bytes of the main journal behind the cursor when the keeper last looked.
        var mainLag = 0
        var problem: String?
        var isClosed = false
    }

    let settings: BacklogSettings
    let journal: BatchJournal
    let mainReader: JournalReader
    let state: Monitor<State>
    /// Held by the keeper while it is busy with this outlet.
    let turn = Monitor(())
    // Of the keeper's thread.
    let memory = BacklogMemory()
    var retryAt: Int64 = 0
    var emptySince: Int64?
    /// A tally ends here, since the outlet itself had read the main journal up to it.
    var splitAt = JournalPosition(sequence: 0, offset: 0)

    /// Opens what an earlier life left, and goes on behind it.
    init(_ settings: BacklogSettings, journal: BatchJournal, reader: JournalReader, routing: Routing)
        throws(JournalError)
    {
        self.settings = settings
        self.journal = journal
        mainReader = reader
        var state = State(routing: routing, read: reader.position, done: reader.position)
        if Folder.isThere(settings.path) {
            try Self.reopen(settings, journal, reader, &state)
        }
        self.state = Monitor(state)
    }

    private static func reopen(
        _ settings: BacklogSettings, _ journal: BatchJournal, _ main: JournalReader, _ state: inout State
    ) throws(JournalError) {
        guard let backlog = try settings.open(journal, above: main.position) else {
            let aside = "\(settings.path)-of-another-journal-\(SystemClock.wallNanoseconds() / 1_000_000_000)"
            settings.warner.warn(
                "backlog \(settings.name)",
                "\(settings.name): the backlog \(settings.path) is of another journal; it is kept as \(aside)"
            )
            guard rename(settings.path, aside) == 0 else {
                throw JournalError(
                    .configuration,
                    "the backlog \(settings.path) is of another journal, and cannot be moved aside: \(SystemError.current)"
                )
            }
            return
        }
        // A kill may have come between the copy and the main cursor.
        let copied = BacklogRecord.end(ofNumber: backlog.highest)
        if copied > main.position { _ = try main.resume(at: copied) }
        let reader = try backlog.journal.reader(named: Backlog.cursorName, from: .oldest)
        state.done = main.position
        if let first = try reader.next(maximumBytes: 1) {
            state.done = min(state.done, JournalPosition(ordinal: first.first))
            first.release()
            reader.rewindToCursor()
        }
        state.read = state.done
        state.backlog = backlog
        state.backlogReader = reader
    }

    // MARK: Reading

    /// Everything before it was acknowledged.
    var position: JournalPosition { state.withLock { $0.done } }

    /// The next records, in order. The outlet's thread.
    func next(maximumBytes: Int) throws(JournalError) -> Next {
        try state.withLock { state throws(JournalError) in
            if let reader = state.backlogReader {
                while let run = try reader.next(maximumBytes: maximumBytes) {
                    let end = BacklogRecord.end(ofNumber: run.last)
                    state.given.append((end, run.end))
                    if end <= state.read {
                        run.release()
                        try settle(&state)
                        continue
                    }
                    defer { state.read = end }
                    return .run(SourceRun(run: run, isCopy: true, from: state.read, end: end))
                }
            }
            if state.isDiverted {
                state.wantsDirect = true
                return .later
            }
            // Before the journal is asked: what comes between the two is read the next time.
            let durable = journal.durablePosition
            while let run = try mainReader.next(maximumBytes: maximumBytes) {
                if run.end <= state.read {
                    run.release()
                    continue
                }
                defer { state.read = run.end }
                return .run(SourceRun(run: run, isCopy: false, from: state.read, end: run.end))
            }
            // Behind the last event the journal may have records of its own.
            state.read = max(state.read, durable)
            return .end(state.read)
        }
    }

    /// Everything before a place, of which all was read, is done with. The outlet's thread.
    func advance(to position: JournalPosition) throws(JournalError) {
        try state.withLock { state throws(JournalError) in
            state.done = max(state.done, position)
            try settle(&state)
        }
    }

    private func settle(_ state: inout State) throws(JournalError) {
        var place: JournalPosition?
        var count = 0
        while count < state.given.count, state.given[count].end <= state.done {
            place = state.given[count].place
            count += 1
        }
        if let place { try state.backlogReader?.advance(to: place) }
        state.given.removeFirst(count)
        if !state.isDiverted { try mainReader.advance(to: state.done) }
    }

    /// Everything before a place is done with, as the destination has remembered. Before anything is read, or after
    /// ``rewind()``.
    func resume(at position: JournalPosition) throws(JournalError) {
        try state.withLock { state throws(JournalError) in
            guard position > state.done else { return }
            state.done = position
            state.read = max(state.read, position)
            if !state.isDiverted, position > mainReader.position { _ = try mainReader.resume(at: position) }
        }
    }

    /// Goes on reading behind what is acknowledged. The outlet's thread.
    func rewind() {
        state.withLock { state in
            state.read = state.done
            state.given = []
            state.backlogReader?.rewindToCursor()
            if !state.isDiverted { mainReader.rewindToCursor() }
        }
    }

    // MARK: Accounts

    /// Bytes of records, with their headers, that are not acknowledged.
    var backlogBytes: Int {
        state.withLock { state in
            (state.backlogReader?.backlogBytes ?? 0)
                + (state.isDiverted ? state.mainLag : mainReader.backlogBytes)
        }
    }

    /// Bytes that can be read now.
    var unreadBytes: Int {
        state.withLock { state in
            (state.backlogReader?.unreadBytes ?? 0) + (state.isDiverted ? 0 : mainReader.unreadBytes)
        }
    }

    /// When the oldest record that is not acknowledged arrived, Unix nanoseconds.
    var oldestArrival: Int64? {
        state.withLock { state in
            state.backlogReader?.oldestArrival ?? (state.isDiverted ? nil : mainReader.oldestArrival)
        }
    }

    func route(_ routing: Routing) { state.withLock { $0.routing = routing } }

    func retire(at position: JournalPosition) { state.withLock { $0.retireAt = position } }

    // MARK: Ending

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Ends copying, and closes the backlog. Nothing is read or acknowledged from then on.
    func close() {
        turn.withLock { _ in
            let backlog = state.withLock { state -> Backlog? in
                state.isClosed = true
                state.backlogReader = nil
                defer { state.backlog = nil }
                return state.backlog
            }
            backlog?.journal.close()
        }
    }
}

/// Records that an outlet gets, lent as they lie in one of the two journals.
struct SourceRun {
    let run: RecordRun
    /// Whether the records are copies in the backlog.
    let isCopy: Bool
    /// What begins before it was given before.
    let from: JournalPosition
    /// Everything before it is given with this run.
    let end: JournalPosition

    /// Walks the records that are to be given.
    func makeRecords() -> SourceRecords { SourceRecords(self) }
}

/// The records of a run, each with its place in the main journal.
struct SourceRecords {
    struct Record {
        /// Where it begins in the main journal.
        var position: JournalPosition
        /// The record as it is there; nil: a tally of records that are not.
        var original: RecordView?
        /// Where the document begins in the run.
        var offset: Int
        /// How many before it were not for the outlet.
        var passed: UInt64
        /// How many before it were dropped.
        var dropped: UInt64
    }

    private let source: SourceRun
    private var cursor: RecordCursor

    init(_ source: SourceRun) {
        self.source = source
        cursor = source.run.makeCursor()
    }

    @inline(__always)
    mutating func next() -> Record? {
        while true {
            let start = cursor.offset
            guard let record = cursor.next() else { return nil }
            var position = source.run.start
            position.offset += UInt64(start)
            if source.isCopy { position = JournalPosition(ordinal: record.number) }
            if position < source.from { continue }
            var found = Record(
                position: position, original: record, offset: start + RecordFrame.headerBytes, passed: 0,
                dropped: 0)
            if source.isCopy {
                if let tally = BacklogRecord.tally(record) {
                    found.original = nil
                    found.passed = tally.passed
                    found.dropped = tally.dropped
                } else {
                    found.passed = UInt64(BacklogRecord.passed(record))
                    found.original = record.droppingLast(
                        min(BacklogRecord.originBytes, record.payload.count))
                }
            }
            return found
        }
    }
}
