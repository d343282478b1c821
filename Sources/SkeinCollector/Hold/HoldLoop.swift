import SkeinBSON
import SkeinJournal
import SkeinPlatform
import SkeinWire

/// What runs on the hold's thread. See ``HoldStage``.
final class HoldLoop {
    private let stage: HoldStage
    private let bell: Bell
    private let journal: BatchJournal
    private let reader: JournalReader
    private let held: HoldJournal
    private var decider: HoldDecider
    /// Everything before it was looked at.
    private var read: JournalPosition
    /// What is decided and not written yet ends here.
    private var decided: JournalPosition
    private var isUnwritten = false
    private var generation = 0
    private var program: RuleProgram?
    private var holds: [UInt64: RuleHold] = [:]
    private let scratch: RuleScratch
    private var retryAt: Int64 = 0
    private var unmoved = 0
    private var nextTick: Int64 = 0

    init(
        _ stage: HoldStage, _ bell: Bell, _ journal: BatchJournal, _ reader: JournalReader,
        _ held: HoldJournal, _ found: HoldJournal.Recovered
    ) {
        self.stage = stage
        self.bell = bell
        self.journal = journal
        self.reader = reader
        self.held = held
        decider = HoldDecider(
            found.state, counts: found.counts, budgetBytes: stage.settings.budgetBytes)
        read = reader.position
        decided = reader.position
        scratch = RuleScratch(maximumBytes: journal.maximumPayload)
    }

    func run() {
        while true {
            let seen = bell.count
            let isStopped = stage.shared.withLock { $0.isStopped }
            let hasWorked = step()
            publish()
            if isStopped { break }
            if !hasWorked { bell.wait(after: seen, for: .milliseconds(250)) }
        }
        held.close()
    }

    /// - Returns: whether there may be more at once.
    private func step() -> Bool {
        let now = SystemClock.monotonicNanoseconds()
        confirm()
        takeRules()
        guard now >= retryAt else { return false }
        do throws(JournalError) {
            if isUnwritten { try write() }
            // What waits to be journaled counts like what is held: without room for it nothing more is let go.
            guard stage.queue.bytes <= stage.settings.budgetBytes else { return false }
            let hasMore = try readOn()
            if !decider.changes.isEmpty { isUnwritten = true }
            if isUnwritten { try write() }
            try moveCursor(isIdle: !hasMore)
            if held.isDue(live: decider.state.bytes + stage.queue.bytes) {
                try held.begin(decider.state, stage.queue.waiting, mark)
            }
            stage.shared.withLock { $0.problem = nil }
            return hasMore
        } catch {
            retryAt = now + 1_000_000_000
            stage.shared.withLock { $0.problem = error.message }
            stage.settings.warner.warn("hold", "hold: \(error.message); trying again")
            return false
        }
    }

    private func takeRules() {
        let (rules, surroundings, generation) = stage.shared.withLock {
            ($0.rules, $0.surroundings, $0.generation)
        }
        guard generation != self.generation else { return }
        self.generation = generation
        let made = RuleProgram(
            rules, compile: surroundings.compile, hash: surroundings.hash,
            maximumBytes: surroundings.maximumBytes, begins: surroundings.begins)
        program = made.holds ? made : nil
        holds = Dictionary(made.steps.compactMap { step in step.hold.map { ($0.id, $0) } }) { first, _ in
            first
        }
        decider.sweep(holds, isForced: true)
        stage.shared.update { $0.taken = generation }
    }

    /// Takes one run of the main journal.
    private func readOn() throws(JournalError) -> Bool {
        let end = journal.durablePosition
        guard let program else {
            // Nothing is held: only the cursor goes on.
            if end > read {
                read = end
                decided = end
            }
            return false
        }
        let wall = SystemClock.wallNanoseconds()
        guard let run = try reader.next(maximumBytes: 1 << 20) else {
            if end > read {
                read = end
                decided = end
            }
            // Nothing that arrived so long ago is still to come.
            decider.advance(to: wall - stage.settings.slack)
            decider.sweep(holds)
            return false
        }
        defer { run.release() }
        var records = run.makeCursor()
        while true {
            let start = records.offset
            guard let record = records.next() else { break }
            var position = run.start
            position.offset += UInt64(start)
            guard position >= read else { continue }
            if record.kind == .event { take(record, position, program) }
        }
        read = max(read, run.end)
        decided = read
        unmoved += run.bytes.count
        decider.sweep(holds)
        return true
    }

    private func take(_ record: RecordView, _ position: JournalPosition, _ program: RuleProgram) {
        decider.advance(to: record.arrival)
        var finding = HoldDecider.Finding()
        var keys: [Int: [UInt8]] = [:]
        let outcome = program.run(
            record.payload, at: position, scratch, counts: nil,
            watch: { index, event in
                guard let hold = program.steps[index].hold, hold.holds(position) else { return }
                keys[index] = hold.key(event)
                if let key = keys[index], hold.until.matches(event, self.scratch.envelope) {
                    finding.triggers.append((hold, key))
                }
            }, visit: { _ in })
        if outcome.fate == .goes, let index = outcome.heldBy, let hold = program.steps[index].hold {
            finding.held = keys[index].map { (hold, $0) }
        }
        release(record.payload, &finding)
        guard !finding.isEmpty else { return }
        decider.take(finding) {
            HeldEvent(
                bytes: Array(record.payload), arrival: record.arrival, flags: record.flags & RecordFlags.log,
                origin: position.ordinal)
        }
    }

    /// An event of type `skein.release` lets the group of its `body.id` go, under every hold.
    private func release(_ event: UnsafeRawBufferPointer, _ finding: inout HoldDecider.Finding) {
        guard EventScan(event).type.elementsEqual(ReleaseEvent.type.utf8),
            let id = BSONView(prefixOf: event)?.find(path: "body.id")
        else { return }
        let key = RuleHold.key(id)
        for hold in holds.values.sorted(by: { $0.id < $1.id })
        where !finding.triggers.contains(where: { $0.hold.id == hold.id && $0.key == key }) {
            finding.triggers.append((hold, key))
        }
    }

    // MARK: What was decided

    private var mark: HoldJournal.Mark {
        HoldJournal.Mark(
            decided: decided, confirmed: stage.queue.confirmed, counts: decider.counts,
            clock: decider.state.clock, next: decider.state.next)
    }

    /// Makes what was decided durable, and lets it come true.
    private func write() throws(JournalError) {
        try held.write(decider.changes, mark)
        isUnwritten = false
        stage.queue.add(decider.gone)
        let hasGone = !decider.gone.isEmpty
        decider.taken()
        if hasGone { stage.settings.onLetGo() }
    }

    /// Moves the main cursor behind what is decided; each move is an fdatasync.
    private func moveCursor(isIdle: Bool) throws(JournalError) {
        let now = SystemClock.monotonicNanoseconds()
        guard decided > reader.position, unmoved >= 8 << 20 || isIdle && now >= nextTick else { return }
        nextTick = now + 250_000_000
        unmoved = 0
        try reader.advance(to: decided)
    }

    /// Learns what is durable in the main journal.
    private func confirm() {
        guard let row = journal.stream(LetGoRecord.stream(journal.id)), stage.queue.confirm(row.durable),
            stage.queue.count == 0
        else { return }
        let end = journal.durablePosition
        stage.shared.update { $0.settled = end }
    }

    private func publish() {
        let isWhole = !isUnwritten && decider.changes.isEmpty
        stage.shared.update { shared in
            if isWhole { shared.decided = max(shared.decided, decided) }
            shared.counts = decider.counts
            shared.holding = decider.state.holding
            shared.groups = decider.state.groups.count
            shared.bytes = decider.state.bytes
        }
    }
}

/// The event that lets a group go.
enum ReleaseEvent {
    static let type = "skein.release"
}
