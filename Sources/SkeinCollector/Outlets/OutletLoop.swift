import SkeinBSON
import SkeinJournal
import SkeinPlatform
import SkeinWire

/// What runs on an outlet's thread. See ``OutletRunner``.
final class OutletLoop {
    private let runner: OutletRunner
    let setup: OutletRunner.Setup
    private var outlet: any Outlet { setup.outlet }
    private var source: OutletSource { setup.source }

    /// Events taken so far, of those that ``taken`` covers.
    private var counters = OutletCounters()
    /// Everything before it was taken.
    private var taken: JournalPosition
    /// Everything before it was taken and handed on.
    private var handedOn: JournalPosition
    /// When everything before it was given again, the outlet has caught up with what a crash left.
    private var catchUpAt: JournalPosition
    private var isCaughtUp = false

    private struct Checkpoint {
        var position: JournalPosition
        var counters: OutletCounters
    }
    private var checkpoint: Checkpoint?
    private var checkpointed: JournalPosition
    private var bytesSinceCheckpoint = 0
    private var nextCheckpoint: Int64 = 0
    private var nextTick: Int64 = 0
    private var rotated: UInt64 = 0

    /// A run that was read and of which not everything was taken yet.
    private struct Waiting {
        let source: SourceRun
        var run: RecordRun { source.run }
        var read: UInt64 = 0
        var notRouted: UInt64 = 0
        var delivered: UInt64 = 0
        var rejected: UInt64 = 0
        /// Dropped since the backlog was full.
        var dropped: UInt64 = 0
        /// The events stand in ``rewritten``, not in the run.
        var isRewritten = false
    }
    private var waiting: Waiting?
    private var places = PlaceList()
    /// Events as rules left them, where a run has any that they changed.
    private let rewritten = BacklogMemory()
    private var scratch: RuleScratch?
    private var backoff = Duration.milliseconds(100)

    private static let heldBytes = 4 << 20
    private static let tickInterval: Int64 = 1_000_000_000

    init(_ runner: OutletRunner, _ setup: OutletRunner.Setup) {
        self.runner = runner
        self.setup = setup
        taken = setup.source.position
        handedOn = taken
        checkpointed = taken
        catchUpAt = setup.recoveredEnd
    }

    func run() {
        guard open() else { return outlet.close() }
        while true {
            let seen = setup.bell.count
            let (stopBy, rotations, flushTo) = runner.shared.withLock { shared in
                (shared.stopBy, shared.rotationsAsked, shared.flushTo)
            }
            do {
                if rotations != rotated { try rotate(rotations) }
                let hasWorked = try step()
                if let flushTo, handedOn < flushTo, taken >= flushTo {
                    try flush()
                    publish()
                }
                try keepUp(force: false)
                backoff = .milliseconds(100)
                if hasWorked { continue }
                if stopBy != nil, try finish() { break }
                pause(after: seen)
            } catch {
                handle(error)
            }
            if let stopBy, SystemClock.monotonicNanoseconds() >= stopBy { break }
        }
        outlet.close()
    }

    // MARK: Opening

    /// - Returns: false if it is to stop before it could be opened.
    private func open() -> Bool {
        while true {
            let resumed = usableCheckpoint()
            counters = resumed?.checkpoint.counters ?? counters
            // What the destination has already is not given again.
            var start = source.position
            if let checkpoint = resumed?.checkpoint {
                start = max(start, JournalPosition(sequence: checkpoint.sequence, offset: checkpoint.offset))
            }
            taken = start
            handedOn = start
            checkpointed = start
            isCaughtUp = false
            do {
                try resume(at: start)
                // Notes are kept behind a checkpoint, so there is one from the start.
                if resumed == nil { try putFirstCheckpoint() }
                try outlet.open(resumed)
                nextCheckpoint =
                    SystemClock.monotonicNanoseconds() + setup.checkpointInterval.wholeNanoseconds
                publish()
                return true
            } catch {
                report(error)
                if !waitAfterFailure() { return false }
            }
        }
    }

    private func resume(at position: JournalPosition) throws(OutletFailure) {
        do {
            try source.resume(at: position)
        } catch {
            throw .unavailable("cannot move its cursor: \(error)")
        }
    }

    private func putFirstCheckpoint() throws(OutletFailure) {
        let first = OutletCheckpoint(
            journal: setup.journal, sequence: taken.sequence, offset: taken.offset, counters: counters,
            details: BSONDocument())
        do {
            try setup.checkpointFile.replace(first, notes: [])
        } catch {
            throw .unavailable("cannot write \(setup.checkpointFile.path): \(error)")
        }
    }

    private func usableCheckpoint() -> OutletCheckpoint.Resumed? {
        guard let resumed = setup.checkpointFile.load() else { return nil }
        let position = JournalPosition(
            sequence: resumed.checkpoint.sequence, offset: resumed.checkpoint.offset)
        guard resumed.checkpoint.journal == setup.journal, position <= max(catchUpAt, source.position) else {
            setup.warner.warn(
                "checkpoint \(runner.name)",
                "\(runner.name): its checkpoint is of another journal; it goes on with what this journal has")
            counters = resumed.checkpoint.counters
            return nil
        }
        return resumed
    }

    // MARK: Reading

    /// Takes one run.
    /// - Returns: whether there was one.
    private func step() throws(OutletFailure) -> Bool {
        if waiting == nil {
            switch next() {
            case .run(let run): read(run)
            case .end(let end):
                taken = max(taken, end)
                try flush()
                try catchUp(true)
                publish()
                return false
            case .later, nil:
                try flush()
                publish()
                return false
            }
        }
        try takeWaiting()
        if outlet.heldBytes >= Self.heldBytes { try flush() } else { try outlet.relieve() }
        try catchUp(false)
        return true
    }

    private func next() -> OutletSource.Next? {
        do {
            return try source.next(maximumBytes: setup.runBytes)
        } catch {
            setup.warner.warn("reader \(runner.name)", "\(runner.name): \(error)")
            return nil
        }
    }

    /// Finds the events of a run that are for this outlet.
    private func read(_ source: SourceRun) {
        let (routing, retireAt) = runner.shared.withLock { ($0.routing, $0.retireAt) }
        places.removeAll()
        waiting = Waiting(source: source)
        if source.isCopy {
            readCopies(source, retireAt)
        } else if case .acting(let rules) = routing {
            readJournal(source, rules, retireAt)
        } else {
            readJournal(source, routing, retireAt)
        }
    }

    /// The same under rules that act on events. From the first event on that they change, copies are handed over.
    private func readJournal(_ source: SourceRun, _ rules: ActingRules, _ retireAt: JournalPosition?) {
        let scratch = self.scratch ?? rules.makeScratch()
        self.scratch = scratch
        var found = Waiting(source: source)
        rewritten.removeAll()
        rewritten.shrink()
        var records = source.makeRecords()
        while let record = records.next() {
            guard let original = record.original else { continue }
            found.read &+= 1
            guard retireAt.map({ record.position < $0 }) ?? true,
                !(setup.passesOverAnswers && ProcessorMark.isMarked(original.payload)),
                let event = rules.event(original, at: record.position, scratch)
            else {
                found.notRouted &+= 1
                continue
            }
            let isChanged = event.baseAddress != original.payload.baseAddress
            if isChanged, !found.isRewritten {
                found.isRewritten = true
                places.move(from: source.run.bytes, start: source.run.start, to: rewritten)
            }
            if found.isRewritten {
                places.append(
                    rewritten.add(event, number: record.position.ordinal, arrival: original.arrival))
            } else {
                places.append(
                    EventPlace(
                        offset: UInt32(truncatingIfNeeded: record.offset),
                        count: UInt32(truncatingIfNeeded: event.count)))
            }
        }
        scratch.shrink()
        waiting = found
    }

    private func readJournal(_ source: SourceRun, _ routing: Routing, _ retireAt: JournalPosition?) {
        let run = source.run
        // Offsets from it on are not for this outlet any more.
        let end = retireAt.map {
            $0.sequence > run.start.sequence ? .max : $0.sequence < run.start.sequence ? 0 : $0.offset
        }
        // Offsets below it were given before.
        let skipped = source.from.sequence == run.start.sequence ? source.from.offset : 0
        var read: UInt64 = 0
        var notRouted: UInt64 = 0
        // Local, and one access to the list for all, so that the loop pays for no checks of exclusive access.
        var envelope = EventEnvelope()
        let passesOverAnswers = setup.passesOverAnswers
        places.fill { places in
            var cursor = RecordCursor(run.bytes)
            var start = cursor.offset
            while let record = cursor.next() {
                let offset = start
                start = cursor.offset
                if run.start.offset + UInt64(offset) < skipped { continue }
                read &+= 1
                guard record.kind == .event, run.start.offset + UInt64(offset) < end ?? .max,
                    routing.matches(record.payload, into: &envelope),
                    !(passesOverAnswers && ProcessorMark.isMarked(record.payload))
                else {
                    notRouted &+= 1
                    continue
                }
                places.append(
                    EventPlace(
                        offset: UInt32(truncatingIfNeeded: offset &+ RecordFrame.headerBytes),
                        count: UInt32(truncatingIfNeeded: record.payload.count)))
            }
        }
        waiting?.read = read
        waiting?.notRouted = notRouted
    }

    /// Copies were for this outlet when they were made.
    private func readCopies(_ source: SourceRun, _ retireAt: JournalPosition?) {
        var found = Waiting(source: source)
        var records = source.makeRecords()
        while let record = records.next() {
            found.read &+= record.passed &+ record.dropped
            found.notRouted &+= record.passed
            found.dropped &+= record.dropped
            guard let original = record.original else { continue }
            found.read &+= 1
            guard original.kind == .event, retireAt.map({ record.position < $0 }) ?? true,
                !(setup.passesOverAnswers && ProcessorMark.isMarked(original.payload))
            else {
                found.notRouted &+= 1
                continue
            }
            places.append(
                EventPlace(
                    offset: UInt32(truncatingIfNeeded: record.offset),
                    count: UInt32(truncatingIfNeeded: original.payload.count)))
        }
        waiting = found
    }

    /// Hands the waiting run over. A batch that is refused without saying for which event is halved until the one is
    /// found; that goes to `rejected/`, and the rest goes on.
    private func takeWaiting() throws(OutletFailure) {
        guard let run = waiting?.run else { return }
        var size = places.count
        while places.count > 0 {
            size = min(size, places.count)
            let isRewritten = waiting?.isRewritten == true
            let batch = EventBatch(
                bytes: isRewritten ? UnsafeRawBufferPointer(rewritten.bytes) : run.bytes,
                events: places.prefix(size),
                start: isRewritten || waiting?.source.isCopy == true ? nil : run.start)
            do {
                try outlet.take(batch)
                places.removeFirst(size)
                waiting?.delivered += UInt64(size)
                size = places.count
            } catch {
                guard case .refused(let indices, let reason) = error else { throw error }
                if indices.isEmpty && size > 1 {
                    size /= 2
                    continue
                }
                let refused = indices.isEmpty ? [0] : indices
                for index in refused {
                    setup.rejected.add(
                        .init(reason: .refusedByOutlet, source: "outlet \(runner.name)", detail: reason),
                        batch.document(batch.events[index]))
                }
                waiting?.rejected += UInt64(refused.count)
                places.remove(refused)
                size = places.count
            }
        }
        guard let done = waiting else { return }
        waiting = nil
        counters.read &+= done.read
        counters.notRouted &+= done.notRouted
        counters.rejected &+= done.rejected
        counters.delivered &+= done.delivered
        if done.dropped > 0 { counters.dropped["backlog_full", default: 0] &+= done.dropped }
        bytesSinceCheckpoint += run.bytes.count
        taken = max(taken, done.source.end)
        run.release()
    }

    /// Tells the outlet once that what a crash left was given again.
    private func catchUp(_ isAtEnd: Bool) throws(OutletFailure) {
        guard !isCaughtUp, isAtEnd || taken >= catchUpAt else { return }
        try outlet.caughtUp()
        isCaughtUp = true
    }

    private func flush() throws(OutletFailure) {
        try outlet.flush()
        handedOn = taken
    }

    // MARK: Upkeep

    /// Does what is due: the tick, the checkpoint's end, the next one's beginning.
    private func keepUp(force: Bool) throws(OutletFailure) {
        let now = SystemClock.monotonicNanoseconds()
        if now >= nextTick {
            nextTick = now + Self.tickInterval
            try flush()
            try outlet.tick(now: now)
            publish()
        }
        try endCheckpoint()
        let isDue = force || bytesSinceCheckpoint >= setup.checkpointBytes || now >= nextCheckpoint
        // Of a run that was taken in part, nobody could say where to go on.
        guard isDue, checkpoint == nil, taken != checkpointed, waiting == nil else { return }
        guard try outlet.beginCheckpoint() else { return }
        checkpoint = Checkpoint(position: taken, counters: counters)
        bytesSinceCheckpoint = 0
        nextCheckpoint = now + setup.checkpointInterval.wholeNanoseconds
    }

    private func endCheckpoint() throws(OutletFailure) {
        guard let begun = checkpoint else { return }
        let ended: Bool
        do {
            ended = try outlet.endCheckpoint { (details, notes) throws(OutletFailure) in
                let kept = OutletCheckpoint(
                    journal: setup.journal, sequence: begun.position.sequence, offset: begun.position.offset,
                    counters: begun.counters, details: details)
                do {
                    try setup.checkpointFile.replace(kept, notes: notes)
                } catch {
                    throw .unavailable("cannot write \(setup.checkpointFile.path): \(error)")
                }
            }
        } catch {
            checkpoint = nil
            throw error
        }
        guard ended else { return }
        checkpoint = nil
        checkpointed = begun.position
        do {
            try source.advance(to: begun.position)
        } catch {
            throw .unavailable("cannot move its cursor: \(error)")
        }
        publish()
    }

    private func rotate(_ number: UInt64) throws(OutletFailure) {
        try flush()
        try outlet.rotate()
        nextCheckpoint = 0
        rotated = number
        runner.shared.update { $0.rotationsDone = number }
        setup.onProgress()
    }

    /// Takes a last checkpoint.
    /// - Returns: whether everything is done.
    private func finish() throws(OutletFailure) -> Bool {
        try flush()
        try keepUp(force: true)
        return checkpoint == nil && taken == checkpointed
    }

    /// Shows the others how far it is.
    private func publish() {
        let details = outlet.details
        let backlog = source.backlogBytes
        let oldest = source.oldestArrival
        let isIdle = waiting == nil && handedOn == taken
        runner.shared.update { shared in
            shared.counters = counters
            shared.pending = waiting?.read ?? 0
            shared.position = handedOn
            shared.backlogBytes = backlog
            shared.oldestArrival = oldest
            shared.details = details
            if isIdle { shared.problem = nil }
        }
        setup.onProgress()
    }

    // MARK: Waiting and failing

    private func pause(after seen: UInt64) {
        let now = SystemClock.monotonicNanoseconds()
        var until = nextTick
        if taken != checkpointed && checkpoint == nil { until = min(until, nextCheckpoint) }
        setup.bell.wait(after: seen, for: .nanoseconds(max(1_000_000, until - now)))
    }

    private func handle(_ failure: OutletFailure) {
        report(failure)
        if case .distrusted = failure {
            // As after a crash: everything that follows the last checkpoint is given again.
            catchUpAt = max(catchUpAt, taken)
            outlet.close()
            waiting?.run.release()
            waiting = nil
            checkpoint = nil
            source.rewind()
            _ = open()
            return
        }
        publish()
        _ = waitAfterFailure()
    }

    private func report(_ failure: OutletFailure) {
        let text =
            switch failure {
            case .unavailable(let text), .distrusted(let text), .refused(_, let text): text
            }
        runner.shared.update { $0.problem = text }
        setup.warner.warn("outlet \(runner.name)", "\(runner.name): \(text); trying again")
    }

    /// Waits before the next attempt, longer each time, up to 5 s.
    /// - Returns: false if there will be none, because the deadline to stop has passed.
    private func waitAfterFailure() -> Bool {
        let end = SystemClock.monotonicNanoseconds() + backoff.wholeNanoseconds
        backoff = min(backoff * 2, .seconds(5))
        while true {
            let seen = setup.bell.count
            let now = SystemClock.monotonicNanoseconds()
            let stopBy = runner.shared.withLock { $0.stopBy }
            if let stopBy, now >= stopBy { return false }
            if now >= end { return true }
            let until = min(end, stopBy ?? end)
            setup.bell.wait(after: seen, for: .nanoseconds(max(1_000_000, until - now)))
        }
    }
}
