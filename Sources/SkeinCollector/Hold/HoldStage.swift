import SkeinBSON
import SkeinJournal
import SkeinPlatform
import SkeinWire

/// Reads the main journal for rules with `hold:`, beside the outlets, on a thread of its own: keeps what they hold back, and
/// brings what is let go back into the main journal.
///
/// An outlet passes over what is held, whatever becomes of it: what it does is a function of the event alone. What is let go comes as
/// a new record of the main journal, at a new place, so that cursors, backlogs and numbers mean what they always mean.
final class HoldStage: Sendable {
    /// The name of its cursor. No outlet can have it.
    static let cursor = "_hold"

    struct Settings: Sendable {
        var path: String
        var segmentBytes: Int
        var budgetBytes: Int
        /// How late a record can be that arrived at a time.
        var slack: Int64
        var warner: Warner
        /// There is something for the inlets' thread to journal.
        var onLetGo: @Sendable () -> Void
    }

    /// What others may see, and ask for.
    struct Shared {
        var rules: [Rule] = []
        var surroundings: RuleSurroundings
        /// Raised with each change of the rules.
        var generation = 1
        /// The change that is taken over.
        var taken = 0
        /// Everything before it is decided, durably.
        var decided = JournalPosition(sequence: 0, offset: 0)
        /// Behind what was let go last, when all of that was durable.
        var settled = JournalPosition(sequence: 0, offset: 0)
        var counts: [UInt64: HoldCounts] = [:]
        var holding: [UInt64: Int] = [:]
        var groups = 0
        var bytes = 0
        var problem: String?
        var isStopped = false
        var hasEnded = false
    }

    let settings: Settings
    let shared: Monitor<Shared>
    let queue: LetGoQueue
    private let bell = Bell()

    /// Opens what an earlier life left, and starts the thread.
    init(
        _ settings: Settings, journal: BatchJournal, rules: [Rule], _ surroundings: RuleSurroundings
    ) throws(CollectorError) {
        self.settings = settings
        do throws(JournalError) {
            var (held, found) = try Self.open(settings, journal)
            let reader: JournalReader
            do throws(JournalError) {
                reader = try journal.reader(named: Self.cursor, from: .end)
                // A kill may have come between what was decided and the cursor.
                if let decided = found.decided, decided > reader.position {
                    _ = try reader.resume(at: min(decided, journal.durablePosition))
                }
            } catch {
                held.close()
                throw error
            }
            let known = journal.stream(LetGoRecord.stream(journal.id))?.durable ?? 0
            // Whoever removed the folder did not remove what had been let go.
            found.state = found.state.with(clock: 0, next: known + 1)
            let least = (found.gone.first?.number ?? found.state.next) - 1
            queue = LetGoQueue(confirmed: least)
            queue.add(found.gone)
            _ = queue.confirm(known)
            var shared = Shared(rules: rules, surroundings: surroundings)
            shared.decided = reader.position
            self.shared = Monitor(shared)
            let loop = UnsafeTransfer(HoldLoop(self, bell, journal, reader, held, found))
            do throws(SystemError) {
                try SystemThread(name: "skein-hold") { [self] in
                    loop.value.run()
                    self.shared.update { $0.hasEnded = true }
                }.detach()
            } catch {
                held.close()
                throw JournalError(.system, "cannot start a thread: \(error)")
            }
        } catch {
            throw CollectorError(.journal, "hold: \(error.message)")
        }
    }

    private static func open(
        _ settings: Settings, _ journal: BatchJournal
    ) throws(JournalError) -> (HoldJournal, HoldJournal.Recovered) {
        func make() throws(JournalError) -> HoldJournal {
            try HoldJournal(
                path: settings.path, origin: journal.id, segmentBytes: settings.segmentBytes,
                budgetBytes: settings.budgetBytes)
        }
        let held = try make()
        do throws(JournalError) {
            if let found = try held.recover() { return (held, found) }
            held.close()
        } catch {
            held.close()
            throw error
        }
        let aside = "\(settings.path)-of-another-journal-\(SystemClock.wallNanoseconds() / 1_000_000_000)"
        settings.warner.warn(
            "hold", "what \(settings.path) holds is of another journal; it is kept as \(aside)")
        guard rename(settings.path, aside) == 0 else {
            throw JournalError(.system, "cannot move \(settings.path) aside: \(SystemError.current)")
        }
        return (try make(), HoldJournal.Recovered())
    }

    /// Other rules hold from now on.
    /// - Returns: whether nothing is read by the old ones any more.
    func apply(_ rules: [Rule], _ surroundings: RuleSurroundings) -> Bool {
        let generation = shared.update { shared in
            shared.rules = rules
            shared.surroundings = surroundings
            shared.generation += 1
            return shared.generation
        }
        bell.ring()
        let deadline = SystemClock.monotonicNanoseconds() + 10_000_000_000
        return shared.wait(until: deadline) { $0.taken >= generation ? true : nil } ?? false
    }

    /// The journal has more to read, or more is durable. Any thread.
    func wake() { bell.ring() }

    /// Whether everything before a place is decided, and what was let go by it is in the journal.
    /// - Returns: the place up to which outlets are to be, if so.
    func settled(_ position: JournalPosition) -> JournalPosition? {
        let (decided, settled) = shared.withLock { ($0.decided, $0.settled) }
        guard decided >= position, queue.count == 0 else {
            bell.ring()
            return nil
        }
        return max(position, settled)
    }

    /// Ends the thread. What is on its way stays on disk.
    func stop(by deadline: Int64) {
        shared.update { $0.isStopped = true }
        bell.ring()
        _ = shared.wait(until: deadline) { $0.hasEnded ? true : nil }
    }

    var status: BSONDocument {
        let shared = shared.withLock { $0 }
        let names = Dictionary(
            zip(RuleHold.ids(shared.rules), shared.rules.filter { $0.hold != nil })
                .map { ($0.0, $0.1.name ?? "\($0.1.place)") }
        ) { first, _ in first }
        var holds = BSONDocument()
        var gone = HoldCounts()
        for (id, count) in shared.counts {
            guard let name = names[id] else {
                gone = gone.adding(count)
                continue
            }
            var document = count.document
            document.append("holding", .int64(Int64(shared.holding[id] ?? 0)))
            holds.append(name, .document(document))
        }
        return [
            "holds": .document(holds), "former": .document(gone.document),
            "groups": .int64(Int64(shared.groups)),
            "bytes": .int64(Int64(shared.bytes)), "budget": .int64(Int64(settings.budgetBytes)),
            "waiting": .int64(Int64(queue.count)), "path": .string(settings.path),
            "problem": shared.problem.map { .string($0) } ?? .null,
        ]
    }
}
