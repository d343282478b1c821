public import SkeinBSON
import SkeinCrypto
import SkeinJournal
import SkeinPlatform
import SkeinZeroMQ
import Synchronization

/// A collector: takes events in on its ports, keeps them in a journal that outlives a power cut before it acknowledges
/// them, and hands them to its outlets.
///
/// `skeind` is one with flags around it; a program of yours can have one inside.
///
/// ```swift
/// var configuration = CollectorConfiguration(dataPath: "/var/lib/checkout/events")
/// configuration.control = .loopback()
/// configuration.collect = [.loopback()]
/// configuration.deliver = .loopback()
/// let collector = try Collector(configuration)
/// try collector.start()
/// print("deliver to 127.0.0.1:\(collector.ports.deliver ?? 0)")
/// try collector.flush(timeout: .seconds(5))
/// collector.stop()
/// ```
///
/// **Threads**: every method may be called from any thread; those that wait (``start()``, ``flush(timeout:)``,
/// ``rotate(timeout:)``, ``stop()``) are not for the cooperative pool. The collector itself has a thread for its inlets and control
/// port, one that syncs the journal, and one or two for each outlet.
/// **Life**: started once and stopped once. One that is dropped without ``stop()`` stops as if it had been called.
public final class Collector: Sendable {
    /// The version of this collector.
    public static let version = SkeinVersion.current

    /// The ports that are bound.
    public struct Ports: Sendable, Hashable {
        /// Where it answers requests.
        public internal(set) var control = 0
        /// Where it takes events fire and forget, in the order of the configuration.
        public internal(set) var collect: [Int] = []
        /// Where it takes acknowledged batches; nil: nowhere.
        public internal(set) var deliver: Int?
        /// Where the live stream is; nil without an outlet of that kind.
        public internal(set) var stream: Int?
    }

    /// What the control port may ask of the program around the collector. A request that throws is answered with the error.
    public struct Requests: Sendable {
        /// RELOAD. nil: answered with an error.
        public var reload: (@Sendable () throws -> Void)?
        /// SHUTDOWN: to see to it that ``Collector/stop()`` is called, on another thread. nil: answered with an error.
        public var shutdown: (@Sendable () throws -> Void)?

        /// Without arguments both requests are answered with an error.
        public init(
            reload: (@Sendable () throws -> Void)? = nil, shutdown: (@Sendable () throws -> Void)? = nil
        ) {
            self.reload = reload
            self.shutdown = shutdown
        }
    }

    private struct Running {
        /// As last loaded.
        var configuration: CollectorConfiguration
        var context: ZMQContext
        var journal: BatchJournal
        var syncer: JournalSyncer
        var outlets: OutletSet
        var inlets: InletThread
        var spools: SpoolWatch
        /// Says who may connect, where there are keys.
        var authoriser: ZAPAuthoriser?
        var ports: Ports
    }

    private enum Phase {
        case made
        case starting
        case running(Running)
        case stopped
    }

    private let initial: CollectorConfiguration
    private let curve: CurveSettings?
    private let redactKey: KeyedHash?
    private let requests: Requests
    private let warner: Warner
    private let compile: EventFilterCompiler?
    private let processors: [String: EventProcessorMaker]
    private let phase = Mutex(Phase.made)
    private let reloading = Mutex(())

    /// Checks a configuration. Nothing is started.
    /// - Parameters:
    ///   - log: where warnings go.
    ///   - requests: what the control port may ask for.
    ///   - filters: compiles what stands behind `match:` in rules; nil: rules with `match:` are refused.
    ///   - processors: kinds of outlets of your own, by their words (``OutletConfiguration/Kind/processor(_:)``).
    /// - Throws: ``ConfigurationMistake`` that names the property and what it should be.
    public init(
        _ configuration: CollectorConfiguration, log: CollectorLog = .standardError(),
        requests: Requests = Requests(), filters: EventFilterCompiler? = nil,
        processors: [String: EventProcessorMaker] = [:]
    ) throws(ConfigurationMistake) {
        let places = ConfigurationDraft()
        try configuration.check(places: places, filters: filters, processors: Set(processors.keys))
        redactKey = try RedactKey.load(configuration, places: places)
        self.processors = processors
        curve = try CurveSettings.load(configuration, places: places)
        initial = configuration
        warner = Warner(log)
        compile = filters
        self.requests = requests
    }

    deinit {
        stop()
    }

    // MARK: Starting

    /// Opens the journal, recovers what an earlier process left in it, binds the ports and starts the threads.
    /// - Throws: ``CollectorError`` that names the folder or port and the reason; nothing runs then.
    public func start() throws(CollectorError) {
        let mayStart = phase.withLock { phase in
            guard case .made = phase else { return false }
            phase = .starting
            return true
        }
        guard mayStart else { throw CollectorError(.state, "a collector is started once") }
        do {
            let running = try open()
            phase.withLock { $0 = .running(running) }
        } catch {
            phase.withLock { $0 = .stopped }
            throw error
        }
    }

    private func open() throws(CollectorError) -> Running {
        let data = initial.dataPath
        for folder in [data, data + "/outlets"] {
            if let error = Folder.make(folder) {
                throw CollectorError(.folder, "cannot make the data folder \(folder): \(error)")
            }
        }
        let journal = try openJournal(data + "/journal")
        journal.recoverLedger()
        let rejected = RejectedStore(
            folder: data + "/rejected", budgetBytes: initial.rejectedBudgetBytes, host: HostName.current,
            warner: warner)
        let context: ZMQContext
        let wakeUp: WakeUp
        let authoriser: ZAPAuthoriser?
        do {
            context = try ZMQContext()
            wakeUp = try WakeUp()
            authoriser = try curve.map { (curve) throws(ZMQError) in
                try ZAPAuthoriser(in: context, allowing: curve.allowed(initial))
            }
        } catch {
            journal.close()
            throw CollectorError(.resources, "\(error)")
        }
        let notices = DropNotices()
        let answers = AnswerQueue { wakeUp.signal() }
        let outlets = OutletSet(
            .init(
                journal: journal, folder: data + "/outlets", backlogFolder: data + "/backlog",
                journalSettings: initial.journal, notices: notices, keys: curve?.keys,
                recoveredEnd: journal.durablePosition,
                rejected: rejected, warner: warner, rules: rules(redactKey, journal),
                holdPath: data + "/hold",
                holdBytes: initial.holdBudgetBytes, onLetGo: { wakeUp.signal() },
                retirement: initial.retirement, answers: answers, processors: processors,
                processorHost: initial.processorHost,
                onProgress: { wakeUp.signal() }),
            makeStream: { [initial, curve, warner] (name, routing) throws(CollectorError) in
                try StreamPublisher.start(
                    name: name, configuration: initial, curve: curve, context: context, journal: journal,
                    routing: routing, warner: warner)
            })
        let syncer = JournalSyncer(journal: journal, rejected: rejected) { isDurable in
            wakeUp.signal()
            if isDurable { outlets.wake() }
        }
        let inlets = InletThread(wakeUp: wakeUp)
        let spools = SpoolWatch()
        do throws(CollectorError) {
            let upstream = UpstreamFile(path: data + "/upstream")
            let known = upstream.read(SystemClock.wallNanoseconds())
            try outlets.start(initial, upstream: known.keys.sorted())
            do {
                try syncer.start()
            } catch {
                throw CollectorError(.resources, "cannot start a thread: \(error)")
            }
            let parts = InletLoop.Parts(
                configuration: initial, collectorID: journal.id.description, journal: journal, syncer: syncer,
                rejected: rejected, outlets: outlets, spools: spools, warner: warner, wakeUp: wakeUp,
                started: SystemClock.wallNanoseconds(), requests: requests, notices: notices,
                answers: answers, upstreamFile: upstream, upstream: known,
                authoriser: authoriser)
            var ports = try inlets.start(parts) { [initial, curve] () throws(CollectorError) in
                try InletSockets(initial, curve: curve, context: context)
            }
            ports.stream = outlets.streamPort
            do throws(CollectorError) {
                try watch(spools, ports)
            } catch {
                // Without them it does everything else.
                warner.warn("spools", "\(error)")
            }
            return Running(
                configuration: initial, context: context, journal: journal, syncer: syncer, outlets: outlets,
                inlets: inlets, spools: spools, authoriser: authoriser, ports: ports)
        } catch {
            let now = SystemClock.monotonicNanoseconds()
            outlets.stop(by: now)
            syncer.stop(by: now + 2_000_000_000)
            journal.close()
            throw error
        }
    }

    /// What rules are compiled with.
    private func rules(_ key: KeyedHash?, _ journal: BatchJournal) -> RuleSurroundings {
        RuleSurroundings(
            compile: compile, hash: key, maximumBytes: journal.maximumPayload, journal: journal)
    }

    private func watch(_ spools: SpoolWatch, _ ports: Ports) throws(CollectorError) {
        let fallback = ports.deliver.flatMap { initial.deliver?.reached(at: $0) }
        try spools.start(
            initial.spools,
            .init(
                fallback: fallback, curve: initial.insecure.contains(.deliver) ? nil : curve, warner: warner))
    }

    private func openJournal(_ folder: String) throws(CollectorError) -> BatchJournal {
        let journal: BatchJournal
        do {
            journal = try BatchJournal(
                .init(
                    folder: folder, segmentBytes: initial.journal.segmentBytes,
                    budgetBytes: initial.journal.budgetBytes))
        } catch {
            throw CollectorError(
                .journal,
                error.code == .locked ? "the journal \(folder) is in use by another collector" : error.message
            )
        }
        let recovered = journal.recovered
        if recovered.damagedRecords + recovered.skippedRecords > 0 {
            warner.warn(
                "recovery",
                "\(folder): \(recovered.damagedRecords) damaged records were passed over, \(recovered.skippedRecords) lie beyond the end"
            )
        }
        for moved in recovered.movedCursors {
            warner.warn(
                "cursor \(moved.name)",
                "\(folder): the cursor \(moved.name) moved from \(moved.from) to \(moved.to)")
        }
        return journal
    }

    // MARK: While it runs

    private var running: Running? {
        phase.withLock { if case .running(let running) = $0 { running } else { nil } }
    }

    /// The ports that are bound; all zero or nil unless it runs.
    public var ports: Ports { running?.ports ?? Ports() }

    /// What STATUS answers (`Docs/WireFormat.md`, Control): what came, the ledger, every outlet and queue. Empty unless it
    /// runs. Waits for the inlets' thread, mostly less than a millisecond.
    public var status: BSONDocument {
        running?.inlets.perform { $0.statusReport() } ?? BSONDocument()
    }

    /// Waits until everything that had arrived is in every outlet.
    /// - Throws: ``CollectorError`` that names the outlets that are behind when the time is over.
    public func flush(timeout: Duration) throws(CollectorError) {
        try ask(timeout) { loop, milliseconds, reply in loop.flush(within: milliseconds, reply) }
    }

    /// Closes event files, so that they can be moved; the next event makes new ones.
    /// - Throws: ``CollectorError`` that names the outlets that did not in time.
    public func rotate(timeout: Duration) throws(CollectorError) {
        try ask(timeout) { loop, milliseconds, reply in loop.rotate(within: milliseconds, reply) }
    }

    private func ask(
        _ timeout: Duration,
        _ body: @escaping @Sendable (InletLoop, Int64, @escaping @Sendable (BSONDocument) -> Void) -> Void
    ) throws(CollectorError) {
        guard let running else { throw CollectorError(.state, "the collector does not run") }
        let milliseconds = Int64(timeout.wholeMilliseconds)
        let answer: BSONDocument? = running.inlets.perform(within: timeout + .seconds(5)) { loop, reply in
            body(loop, milliseconds, reply)
        }
        guard let answer else { throw CollectorError(.timeout, "the inlets' thread did not answer") }
        if let error = answer["error"]?.stringValue { throw CollectorError(.timeout, error) }
    }

    /// Puts a new configuration in force: outlets and rules. New outlets start, those no longer named finish what waits for
    /// them, the others follow the new rules. Waits for outlets whose settings change.
    /// - Throws: ``ConfigurationMistake`` if it cannot be meant, ``CollectorError`` if it cannot be had or cannot change while
    ///   the collector runs; everything stays as it was then.
    public func reload(_ configuration: CollectorConfiguration) throws {
        guard let running else { throw CollectorError(.state, "the collector does not run") }
        try configuration.check(
            places: ConfigurationDraft(), filters: compile, processors: Set(processors.keys))
        let curve = try CurveSettings.load(configuration, places: ConfigurationDraft())
        let key = try RedactKey.load(configuration, places: ConfigurationDraft())
        try reloading.withLock { _ in
            try Self.checkUnchanged(running.configuration, configuration)
            // What came before the reload is before the places where outlets begin and end by it.
            try ask(.seconds(10)) { loop, milliseconds, reply in
                loop.flush(within: milliseconds, isHandedOn: false, reply)
            }
            try running.outlets.apply(configuration, rules: rules(key, running.journal))
            if configuration.rules.contains(where: { $0.hold != nil }) {
                // What a hold begins with is found at a sync.
                try ask(.seconds(10)) { loop, milliseconds, reply in
                    loop.flush(within: milliseconds, isHandedOn: false, reply)
                }
            }
            if let curve { running.authoriser?.allow(curve.allowed(configuration)) }
            try running.spools.apply(configuration.spools)
            phase.withLock { phase in
                guard case .running(var running) = phase else { return }
                running.configuration = configuration
                phase = .running(running)
            }
        }
    }

    private static func checkUnchanged(
        _ old: CollectorConfiguration, _ new: CollectorConfiguration
    ) throws(CollectorError) {
        let fixed: [(String, Bool)] = [
            ("control", old.control == new.control), ("collect", old.collect == new.collect),
            ("deliver", old.deliver == new.deliver), ("stream", old.streamAddress == new.streamAddress),
            ("data", old.dataPath == new.dataPath), ("insecure", old.insecure == new.insecure),
            ("curve-key", old.curveKeyFile == new.curveKeyFile),
            ("curve-clients", old.curveClientsFile == new.curveClientsFile),
            ("journal", old.journal == new.journal),
            ("hold-budget", old.holdBudgetBytes == new.holdBudgetBytes),
        ]
        if let (name, _) = fixed.first(where: { !$0.1 }) {
            throw CollectorError(.state, "\(name) cannot change while the collector runs: restart it")
        }
    }

    // MARK: Ending

    /// Ends: stops the inlets, journals and acknowledges what had arrived, lets the outlets finish for at most
    /// ``CollectorConfiguration/drainTimeout``, and closes. What an outlet did not finish it goes on with after the next start.
    /// Waits for all that; the second call does nothing.
    public func stop() {
        let running = phase.withLock { phase -> Running? in
            defer { phase = .stopped }
            if case .running(let running) = phase { return running }
            return nil
        }
        guard let running else { return }
        let deadline = SystemClock.monotonicNanoseconds() + max(0, initial.drainTimeout.wholeNanoseconds)
        running.spools.stop()
        running.inlets.drain(by: deadline)
        running.outlets.stop(by: max(deadline, SystemClock.monotonicNanoseconds() + 1_000_000_000))
        let end = SystemClock.monotonicNanoseconds() + 2_000_000_000
        running.inlets.finish(by: end)
        running.syncer.stop(by: end)
        running.authoriser?.stop()
        running.journal.close()
    }
}
