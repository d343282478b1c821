import SkeinBSON
import SkeinJournal
import SkeinPlatform
import SkeinZeroMQ
import Synchronization

/// All outlets of a collector: begins, changes and ends them. Any thread.
final class OutletSet: Sendable {
    /// What outlets need of the collector.
    struct Surroundings: Sendable {
        var journal: BatchJournal
        /// Folder of their checkpoints.
        var folder: String
        /// Folder of their backlogs.
        var backlogFolder: String
        var journalSettings: CollectorConfiguration.Journal
        var notices: DropNotices
        /// This collector's own keys, where it has any.
        var keys: CurveKeyPair?
        /// Where the journal ended when it was opened.
        var recoveredEnd: JournalPosition
        var rejected: RejectedStore
        var warner: Warner
        /// What rules are compiled with at the start.
        var rules: RuleSurroundings
        /// Folder of what rules hold back, and the most bytes of it.
        var holdPath: String
        var holdBytes: Int
        /// There is something for the inlets' thread to journal.
        var onLetGo: @Sendable () -> Void
        /// How long an outlet that is no longer configured may go on with what waits for it.
        var retirement: Duration
        /// Where answers of processors go.
        var answers: AnswerQueue
        /// Makers of processors, by the words of their kinds.
        var processors: [String: EventProcessorMaker]
        /// The command of the process that loads a library.
        var processorHost: [String]
        /// Called on an outlet's thread when it has got on.
        var onProgress: @Sendable () -> Void
    }

    /// An outlet that runs.
    struct Entry {
        var configuration: OutletConfiguration
        var outlet: any RunningOutlet
        /// What the rules say for it.
        var plan = RulePlan(conditions: nil)
        /// Held as long as the outlet writes to its folder.
        var lock: FolderLock?
        /// Set when it is no longer configured.
        var retiring: Retirement?
    }

    /// The end of an outlet that is no longer configured.
    struct Retirement {
        /// Up to where it takes events.
        var position: JournalPosition
        /// Unix nanoseconds.
        var since: Int64
        var isStopping = false
        /// Its time is over, whatever still waits.
        var isForgotten = false
        /// What waits for it is being counted and dropped.
        var isDiscarded = false
    }

    private struct State {
        var running: [Entry] = []
        /// Ids of collectors that deliver to this one.
        var upstream: [String] = []
        /// What rules are compiled with now.
        var rules: RuleSurroundings
        /// The rules in force.
        var current: [Rule] = []
        /// What keeps events back; nil until a rule does.
        var hold: HoldStage?
    }

    /// Makes the live stream.
    typealias StreamMaker = @Sendable (String, Routing) throws(CollectorError) -> StreamPublisher

    let surroundings: Surroundings
    private let makeStream: StreamMaker
    let bell = Bell()
    let keeper = BacklogKeeper()
    let beginnings: HoldBeginnings
    private let state: Mutex<State>
    /// Outlets whose rest is being dropped, and whether that is to be left for the next start.
    let discards = Monitor((names: Set<String>(), isEnding: false))

    init(_ surroundings: Surroundings, makeStream: @escaping StreamMaker) {
        self.surroundings = surroundings
        self.makeStream = makeStream
        beginnings = HoldBeginnings(path: surroundings.holdPath + ".begin")
        state = Mutex(State(rules: surroundings.rules))
    }

    /// What rules are compiled with now.
    var rules: RuleSurroundings { state.withLock { $0.rules } }

    /// The rules, and what they are compiled with.
    var inForce: (rules: [Rule], surroundings: RuleSurroundings) { state.withLock { ($0.current, $0.rules) } }

    /// Other rules are in force.
    func note(_ current: [Rule], _ rules: RuleSurroundings) {
        state.withLock { state in
            state.current = current
            state.rules = rules
        }
    }

    /// What keeps events back; nil until a rule does.
    var hold: HoldStage? { state.withLock { $0.hold } }

    func note(holding hold: HoldStage) { state.withLock { $0.hold = hold } }

    // MARK: Beginning and changing

    /// Starts every outlet of a configuration.
    /// - Parameter upstream: ids of collectors that deliver to this one.
    func start(_ configuration: CollectorConfiguration, upstream: [String]) throws(CollectorError) {
        state.withLock { state in
            state.upstream = upstream
            state.current = configuration.rules
        }
        _ = prepare(configuration.rules, rules)
        try startHolding(isBeforeSyncs: true)
        Backlog.removeLeftovers(in: surroundings.backlogFolder)
        do {
            try keeper.start()
        } catch {
            throw CollectorError(.resources, "cannot start a thread: \(error)")
        }
        for outlet in configuration.outlets {
            add([try start(outlet, RulePlan(outlet: outlet.name, rules: configuration.rules))])
        }
        takeUpRetired(configuration)
    }

    var entries: [Entry] { state.withLock { $0.running } }

    func add(_ entries: [Entry]) {
        state.withLock { $0.running += entries }
    }

    func remove(_ name: String) {
        state.withLock { $0.running.removeAll { $0.configuration.name == name } }
    }

    /// Changes what is known of an outlet; nothing if there is none of that name.
    func change(_ name: String, _ change: (inout Entry) -> Void) {
        state.withLock { state in
            for index in state.running.indices where state.running[index].configuration.name == name {
                change(&state.running[index])
            }
        }
    }

    /// Starts an outlet.
    /// - Parameter plan: what the rules say for it.
    func start(_ outlet: OutletConfiguration, _ plan: RulePlan) throws(CollectorError) -> Entry {
        let routing = Routing(outlet: outlet.name, plan, rules)
        var entry: Entry
        switch outlet.kind {
        case .stream:
            entry = Entry(configuration: outlet, outlet: try makeStream(outlet.name, routing))
        case .files(let settings):
            let lock = try Self.prepare(settings.path)
            entry = Entry(
                configuration: outlet, outlet: try startFiles(outlet, settings, routing), lock: lock)
        case .forward(let settings):
            entry = Entry(configuration: outlet, outlet: try startForward(outlet, settings, routing))
        case .exec, .library, .processor:
            entry = Entry(configuration: outlet, outlet: try startProcessor(outlet, routing))
        }
        entry.plan = plan
        remember(OutletSettingsFile(configuration: outlet, plan: plan))
        return entry
    }

    /// Keeps how an outlet is set, so that it can go on when it is no longer configured.
    func remember(_ file: OutletSettingsFile) {
        guard file.configuration.kind != .stream else { return }
        if let error = file.write(to: surroundings.folder) {
            surroundings.warner.warn("settings", "cannot write below \(surroundings.folder): \(error)")
        }
    }

    private func startFiles(
        _ configuration: OutletConfiguration, _ settings: OutletConfiguration.Files, _ routing: Routing
    ) throws(CollectorError) -> OutletRunner {
        let journal = surroundings.journal
        let bell = bell
        let source = try source(configuration, routing) { bell.ring() }
        let runner = OutletRunner(
            name: configuration.name, kind: "files", bell: bell, source: source, routing: routing)
        let file = checkpointFile(configuration)
        let outlet = FilesOutlet(
            settings: settings, checkpointFile: file, warner: surroundings.warner, onSynced: { bell.ring() })
        do {
            try runner.start(
                OutletRunner.Setup(
                    outlet: outlet, checkpointFile: file, source: source,
                    journal: journal.id.description,
                    recoveredEnd: surroundings.recoveredEnd, rejected: surroundings.rejected,
                    warner: surroundings.warner, bell: bell, onProgress: surroundings.onProgress,
                    checkpointInterval: settings.checkpointInterval,
                    // What is only not checkpointed must not count as a lag.
                    checkpointBytes: min(settings.checkpointBytes, source.settings.lagBytes / 2)))
        } catch {
            source.close()
            throw CollectorError(.resources, "\(configuration.name): cannot start a thread: \(error)")
        }
        keeper.add(source)
        return runner
    }

    private func startForward(
        _ configuration: OutletConfiguration, _ settings: OutletConfiguration.Forward, _ routing: Routing
    ) throws(CollectorError) -> ForwardOutlet {
        let news = NewsBox()
        let source = try source(configuration, routing) { news.ring() }
        do {
            let curve = try settings.key.map { key in
                guard let keys = surroundings.keys else {
                    throw CollectorError(.state, "it has a key, and this collector has none")
                }
                return (keys: keys, server: try CurveSettings.publicKey(key, .property("outlets")))
            }
            let outlet = try ForwardOutlet(
                name: configuration.name, settings: settings, source: source, journal: surroundings.journal,
                file: checkpointFile(configuration), curve: curve, routing: routing,
                upstream: state.withLock { $0.upstream }, warner: surroundings.warner,
                onProgress: surroundings.onProgress)
            news.outlet = outlet
            keeper.add(source)
            return outlet
        } catch {
            source.close()
            throw CollectorError(.resources, "\(configuration.name): \(error)")
        }
    }

    func checkpointFile(_ configuration: OutletConfiguration) -> OutletCheckpointFile {
        OutletCheckpointFile(path: surroundings.folder + "/" + configuration.name + ".checkpoint")
    }

    /// What an outlet reads.
    /// - Parameter onNews: called when its backlog has more for it.
    func source(
        _ configuration: OutletConfiguration, _ routing: Routing, onNews: @escaping @Sendable () -> Void
    ) throws(CollectorError) -> OutletSource {
        let name = configuration.name
        let sizes = surroundings.journalSettings
        let settings = BacklogSettings(
            name: name, path: backlogPath(name), segmentBytes: sizes.segmentBytes,
            budgetBytes: configuration.backlogBudgetBytes ?? sizes.backlogBudgetBytes,
            overflow: configuration.overflow, lagBytes: sizes.budgetBytes / 4, warner: surroundings.warner,
            onDropped: { [notices = surroundings.notices] count in
                notices.add("backlog_full", at: name, count)
            }, onNews: onNews)
        do throws(JournalError) {
            if let error = Folder.make(surroundings.backlogFolder) {
                throw JournalError(.system, "cannot make \(surroundings.backlogFolder): \(error)")
            }
            let reader = try surroundings.journal.reader(
                named: name, from: configuration.from == .end ? .end : .oldest)
            return try OutletSource(settings, journal: surroundings.journal, reader: reader, routing: routing)
        } catch {
            throw CollectorError(.journal, "\(configuration.name): \(error.message)")
        }
    }

    func backlogPath(_ name: String) -> String { surroundings.backlogFolder + "/" + name }

    /// Makes a folder of event files ready, or says why it cannot be.
    static func prepare(_ path: String) throws(CollectorError) -> FolderLock {
        if let error = Folder.make(path) {
            throw CollectorError(.folder, "cannot make the log path \(path): \(error)")
        }
        guard access(path, W_OK | X_OK) == 0 else {
            throw CollectorError(.folder, "cannot write to the log path \(path): \(SystemError.current)")
        }
        do {
            if let lock = try FolderLock(path + "/.skeind.lock") { return lock }
        } catch {
            throw CollectorError(.folder, "cannot write to the log path \(path): \(error)")
        }
        throw CollectorError(.folder, "the log path \(path) is in use by another collector")
    }

    // MARK: While they run

    private var outlets: [any RunningOutlet] { state.withLock { $0.running.map(\.outlet) } }

    /// The journal has more to read.
    func wake() {
        if let error = beginnings.settle(surroundings.journal.durablePosition) {
            surroundings.warner.warn(
                "hold", "holds do not begin yet: cannot write beside the journal: \(error)")
        }
        hold?.wake()
        bell.ring()
        keeper.wake()
        for outlet in outlets { outlet.wake() }
    }

    /// Other collectors deliver to this one.
    func follow(upstream: [String]) {
        state.withLock { $0.upstream = upstream }
        for outlet in outlets { outlet.follow(upstream: upstream) }
    }

    /// The port of the live stream.
    var streamPort: Int? {
        outlets.lazy.compactMap { ($0 as? StreamPublisher)?.port }.first
    }

    /// Asks for everything before a place to be handed on.
    /// - Returns: the outlets that have not yet, each with what is wrong.
    func flush(to position: JournalPosition) -> [String] {
        var position = position
        if let hold {
            guard let place = hold.settled(position) else { return ["what rules hold is behind"] }
            position = place
        }
        return outlets.compactMap { outlet in
            outlet.lag(behind: position).map { "\(outlet.name) \($0)" }
        }
    }

    /// Asks every outlet to let go of its files.
    /// - Returns: what to ask ``unrotated(_:)`` with.
    func rotate() -> [String: UInt64] {
        Dictionary(outlets.map { ($0.name, $0.rotate()) }, uniquingKeysWith: max)
    }

    /// The outlets that have not let go yet.
    func unrotated(_ numbers: [String: UInt64]) -> [String] {
        outlets.filter { outlet in numbers[outlet.name].map { !outlet.hasRotated($0) } ?? false }.map(\.name)
    }

    var status: BSONDocument {
        var document = BSONDocument()
        for outlet in outlets { document.append(outlet.name, .document(outlet.status)) }
        return document
    }

    /// What each rule did, as the outlet that has read furthest counted it; nil unless rules act on events.
    var rulesStatus: [BSONValue]? {
        let (rules, entries) = (inForce.rules, entries)
        guard rules.contains(where: \.isActing) else { return nil }
        let counts = entries.filter { $0.retiring == nil }.compactMap(\.outlet.ruleCounts)
        return rules.enumerated().map { index, rule in
            var document: BSONDocument = ["rule": .string(rule.name ?? "\(rule.place)")]
            if let match = rule.match { document.append("match", .string(match)) }
            for (figure, name) in RuleCount.names.enumerated() {
                let most = counts.map { index < $0.count ? $0[index].values[figure] : 0 }.max() ?? 0
                document.append(name, .int64(Int64(clamping: most)))
            }
            return .document(document)
        }
    }

    /// When the oldest event arrived that some outlet still waits for, Unix nanoseconds.
    var oldestArrival: Int64? { outlets.compactMap(\.oldestArrival).min() }

    // MARK: Ending

    /// Lets every outlet finish what the journal has, and ends it.
    /// - Parameter deadline: monotonic nanoseconds. What is not done by then is done after the next start.
    func stop(by deadline: Int64) {
        let outlets = outlets
        hold?.stop(by: deadline)
        for outlet in outlets { outlet.stop(by: deadline) }
        for outlet in outlets where !outlet.waitForEnd(until: deadline + 2_000_000_000) {
            surroundings.warner.warn("stop \(outlet.name)", "\(outlet.name) did not end in time")
        }
        keeper.stop(by: deadline + 2_000_000_000)
        discards.update { $0.isEnding = true }
        _ = discards.wait(until: deadline + 2_000_000_000) { $0.names.isEmpty ? true : nil }
        state.withLock { $0.running = [] }
    }
}

/// Lets a source wake an outlet that is made after it.
private final class NewsBox: Sendable {
    private struct Reference: Sendable {
        weak var outlet: ForwardOutlet?
    }
    private let reference = Mutex(Reference())

    var outlet: ForwardOutlet? {
        get { reference.withLock { $0.outlet } }
        set { reference.withLock { $0.outlet = newValue } }
    }

    func ring() { outlet?.wake() }
}
