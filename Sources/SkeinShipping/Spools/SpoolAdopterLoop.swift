import SkeinJournal
import SkeinPlatform
import SkeinWire

/// The adopter's thread: looks for journals of dead processes, and brings each to its end.
final class SpoolAdopterLoop {
    /// A journal that could not be delivered, and when to try again.
    private struct Rest {
        var nextTry: Int64
        var pause: Int64
        /// A person has to look at it; it is looked at again only as often as anything.
        var isKept: Bool
    }

    private let shared: SpoolAdopterShared
    private let configuration: SpoolAdopter.Configuration
    private let say: @Sendable (String) -> Void
    private var adoptions: [Adoption] = []
    private var resting: [String: Rest] = [:]
    /// Journals whose counters are in the status, by their ids: each once, however often it is adopted.
    private var counted: Set<JournalID> = []
    private var told: Set<String> = []
    private var status: SpoolStatus
    private var problems: [String: String] = [:]
    private var nextScan: Int64 = .min
    private var isExhausted = false

    private static let longestPause: Int64 = 300_000_000_000
    private static let rememberedJournals = 65_536

    init(
        _ shared: SpoolAdopterShared, _ configuration: SpoolAdopter.Configuration,
        _ say: @escaping @Sendable (String) -> Void
    ) {
        self.shared = shared
        self.configuration = configuration
        self.say = say
        status = SpoolStatus(folder: configuration.folder)
    }

    func run() {
        ForkGate.enter()
        defer { ForkGate.leave() }
        while true {
            let now = SystemClock.monotonicNanoseconds()
            if let deadline = shared.state.withLock({ $0.deadline }) {
                end(by: deadline)
                return
            }
            tend(now)
            if now >= nextScan { scan(now) }
            report()
            if configuration.interval == nil, isExhausted, adoptions.isEmpty,
                !resting.values.contains(where: { !$0.isKept })
            {
                shared.state.update { $0.hasEnded = true }
                return
            }
            // A delivery is seen to be done within 50 ms; an idle spool costs one look a second.
            let pause: Int64 = adoptions.isEmpty ? max(1_000_000, nextScan - now) : 50_000_000
            _ = ForkGate.pausing {
                shared.state.wait(until: now + min(pause, 1_000_000_000)) { $0.deadline }
            }
        }
    }

    // MARK: Finding

    private func scan(_ now: Int64) {
        nextScan = now + (configuration.interval ?? .seconds(1)).wholeNanoseconds
        let dead: [String]
        MappedJournal.removeRemains(inSpool: configuration.folder)
        do {
            dead = try MappedJournal.deadJournals(inSpool: configuration.folder)
        } catch {
            problem(configuration.folder, "\(error)")
            return
        }
        problems[configuration.folder] = nil
        resting = resting.filter { dead.contains($0.key) }
        problems = problems.filter { dead.contains($0.key) || adoptions.map(\.folder).contains($0.key) }
        // Those that were never tried go first, then those that have waited longest.
        let due = dead.filter { (resting[$0]?.nextTry ?? .min) <= now }
            .sorted { (resting[$0]?.nextTry ?? .min) < (resting[$1]?.nextTry ?? .min) }
        for folder in due {
            if adoptions.count >= configuration.maximumAtOnce { makeRoom(now) }
            guard adoptions.count < configuration.maximumAtOnce else { break }
            adopt(folder, now)
        }
        status.waiting = dead.count { !adopted($0) && resting[$0]?.isKept != true }
        isExhausted = due.allSatisfy { adopted($0) || resting[$0] != nil }
    }

    private func adopted(_ folder: String) -> Bool { adoptions.contains { $0.folder == folder } }

    private func adopt(_ folder: String, _ now: Int64) {
        let journal: MappedJournal
        do {
            journal = try MappedJournal(adopting: folder)
        } catch  where error.code == .locked {
            // Somebody else was faster.
            resting[folder] = nil
            return
        } catch {
            rest(folder, now, isKept: error.code == .damaged, "\(error)")
            return
        }
        count(journal, folder)
        guard let endpoint = endpoint(of: journal, folder) else {
            journal.close(clean: false)
            rest(folder, now, isKept: true, nil)
            return
        }
        do {
            let say = say
            adoptions.append(
                try Adoption(folder, journal, to: endpoint, configuration, now: now) { text in
                    say("\(folder): \(text)")
                })
        } catch {
            journal.close(clean: false)
            rest(folder, now, isKept: false, "\(error)")
        }
    }

    /// Where the journal's records are to go.
    private func endpoint(of journal: MappedJournal, _ folder: String) -> Endpoint? {
        let text = journal.recovered.owner?.endpoint ?? ""
        let reason: String
        do {
            let endpoint = try Endpoint(text)
            if endpoint.transport != .file || configuration.takesFiles { return endpoint }
            reason = "names a file as its endpoint, \(endpoint), which only its own app may write to"
        } catch {
            reason = text.isEmpty ? "names no endpoint" : "names an endpoint that is none: \(error)"
        }
        if let fallback = configuration.fallback { return fallback }
        problem(folder, "the journal \(folder) \(reason); it is kept as it is")
        return nil
    }

    private func count(_ journal: MappedJournal, _ folder: String) {
        let recovered = journal.recovered
        guard counted.count < Self.rememberedJournals, counted.insert(journal.id).inserted else { return }
        status.earlier.add(
            ProcessLedger(records: recovered.earlierRecords, counters: recovered.owner?.counters ?? []))
        guard recovered.damagedRecords > 0 || recovered.damagedBytes > 0 else { return }
        status.damaged += 1
        status.damagedRecords += UInt64(recovered.damagedRecords)
        problem(
            folder,
            "the journal \(folder) is damaged: \(recovered.damagedRecords) records cannot be read. The others are delivered, "
                + "and the journal is set aside as \(Adoption.asideName(journal)); see skein journal inspect")
    }

    // MARK: Following

    private func tend(_ now: Int64) {
        for adoption in adoptions {
            adoption.look(now: now)
            take(adoption)
            if adoption.isDelivered { end(adoption, now) }
        }
    }

    /// One that gets on no further gives way, if any does.
    private func makeRoom(_ now: Int64) {
        let patience = configuration.patience.wholeNanoseconds
        guard let stuck = adoptions.min(by: { $0.lastProgress < $1.lastProgress }),
            now >= stuck.lastProgress + patience
        else { return }
        end(stuck, now)
    }

    private func end(_ adoption: Adoption, _ now: Int64) {
        let isDelivered = adoption.isDelivered
        let outcome = adoption.end(timeout: isDelivered ? .seconds(1) : .zero)
        take(adoption)
        // One that hangs is looked at again.
        guard let outcome else { return }
        adoptions.removeAll { $0 === adoption }
        guard outcome else {
            rest(adoption.folder, now, isKept: false, "\(adoption.endpoint) takes nothing from it now")
            return
        }
        if adoption.isDamaged { status.setAside += 1 } else { status.finished += 1 }
        resting[adoption.folder] = nil
        problems[adoption.folder] = nil
    }

    /// Adds to the status what is new.
    private func take(_ adoption: Adoption) {
        let delivered = adoption.shipper.statistics.acknowledged
        let (abandoned, unreadable) = (adoption.recovery.abandoned, adoption.recovery.unreadable)
        status.delivered += delivered - min(delivered, adoption.counted.delivered)
        status.abandoned += UInt64(abandoned - adoption.counted.abandoned)
        status.unreadable += UInt64(unreadable - adoption.counted.unreadable)
        adoption.counted = (max(delivered, adoption.counted.delivered), abandoned, unreadable)
    }

    private func rest(_ folder: String, _ now: Int64, isKept: Bool, _ reason: String?) {
        let first = configuration.pause.wholeNanoseconds
        let pause =
            isKept
            ? Self.longestPause : min(resting[folder].map { $0.pause * 2 } ?? first, Self.longestPause)
        resting[folder] = Rest(nextTry: now + pause, pause: pause, isKept: isKept)
        if let reason { problem(folder, "the journal \(folder) cannot be delivered: \(reason)") }
    }

    // MARK: Telling

    /// Says it once.
    private func problem(_ folder: String, _ text: String) {
        problems[folder] = text
        if told.count > 1024 { told.removeAll() }
        if told.insert(text).inserted { say(text) }
    }

    private func report() {
        status.adopting = adoptions.count
        status.kept = resting.values.count { $0.isKept }
        status.problem = problems.sorted { $0.key < $1.key }.first?.value
        shared.state.withLock { $0.status = status }
    }

    private func end(by deadline: Int64) {
        for adoption in adoptions {
            let left = max(0, deadline - SystemClock.monotonicNanoseconds())
            _ = adoption.end(timeout: adoption.isDelivered ? .nanoseconds(left) : .zero)
            take(adoption)
        }
        adoptions = []
        report()
        shared.state.update { $0.hasEnded = true }
    }
}
