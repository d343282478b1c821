import SkeinBSON
import SkeinJournal
import SkeinPlatform
import SkeinWire
import Synchronization

/// Drives one outlet on a thread of its own: reads the journal, applies the rules, hands events over, tries again
/// what cannot be had now, puts aside what is refused for good, and moves the cursor with the outlet's checkpoints.
final class OutletRunner: RunningOutlet {
    /// What a runner needs.
    struct Setup {
        var outlet: any Outlet
        var checkpointFile: OutletCheckpointFile
        var source: OutletSource
        /// Name of the journal, so that a checkpoint in another is not taken for one in this.
        var journal: String
        /// Where the journal ended when it was opened.
        var recoveredEnd: JournalPosition
        var rejected: RejectedStore
        var warner: Warner
        /// Rings when the journal has more to read, and when a request is made.
        var bell: Bell
        /// Called on the runner's thread when what ``shared`` says has changed.
        var onProgress: @Sendable () -> Void
        var checkpointInterval: Duration
        var checkpointBytes: Int
        /// Bytes of the journal that are read at once, and of which all must be taken before a checkpoint can be.
        var runBytes = 256 << 10
        /// Whether events that a processor made are not for it.
        var passesOverAnswers = false
    }

    /// What others may see, and ask for.
    struct Shared {
        var routing: Routing
        var counters = OutletCounters()
        /// Events that were read and wait to be taken.
        var pending: UInt64 = 0
        /// Everything before it was handed on.
        var position = JournalPosition(sequence: 0, offset: 0)
        var backlogBytes = 0
        var oldestArrival: Int64?
        /// Why it is not getting on.
        var problem: String?
        var details = BSONDocument()
        /// How often a rotation was asked for, and done.
        var rotationsAsked: UInt64 = 0
        var rotationsDone: UInt64 = 0
        /// From here on nothing is for it.
        var retireAt: JournalPosition?
        /// Somebody waits until everything before it is handed on.
        var flushTo: JournalPosition?
        /// Monotonic nanoseconds by which it must have ended.
        var stopBy: Int64?
        var hasEnded = false
    }

    let name: String
    private let kind: String
    let shared: Monitor<Shared>
    private let bell: Bell
    private let source: OutletSource
    private let liveStatus: (@Sendable () -> BSONDocument)?

    /// - Parameter liveStatus: what STATUS says at the end, asked for when it is; nil: what the outlet's details were.
    ///   An outlet with it has no files to let go of.
    init(
        name: String, kind: String, bell: Bell, source: OutletSource, routing: Routing,
        liveStatus: (@Sendable () -> BSONDocument)? = nil
    ) {
        self.name = name
        self.kind = kind
        self.liveStatus = liveStatus
        self.bell = bell
        self.source = source
        shared = Monitor(Shared(routing: routing))
    }

    /// Starts the thread. Called once.
    /// - Parameter setup: belongs to the thread from then on.
    func start(_ setup: sending Setup) throws(SystemError) {
        let loop = OutletLoop(self, setup)
        let box = UnsafeTransfer(loop)
        let thread = try SystemThread(name: "skein-\(name)") { [self] in
            CurrentThread.activity = .ownWork
            box.value.run()
            box.value.setup.source.close()
            shared.update { $0.hasEnded = true }
        }
        thread.detach()
    }

    func route(_ routing: Routing) {
        source.route(routing)
        shared.update { $0.routing = routing }
    }

    var ruleCounts: [RuleCount]? { shared.withLock { $0.routing }.counts }

    func wake() {}  // the bell does that
    func follow(upstream: [String]) {}

    func lag(behind position: JournalPosition) -> String? {
        let problem = shared.update { shared -> String?? in
            if shared.position >= position { return nil }
            shared.flushTo = max(shared.flushTo ?? position, position)
            return .some(shared.problem)
        }
        guard let problem else { return nil }
        bell.ring()
        return problem ?? "is behind"
    }

    func hasRotated(_ number: UInt64) -> Bool {
        shared.withLock { $0.rotationsDone } >= number
    }

    var oldestArrival: Int64? { shared.withLock { $0.oldestArrival } }

    func rotate() -> UInt64 {
        guard liveStatus == nil else { return 0 }
        defer { bell.ring() }
        return shared.update { shared in
            shared.rotationsAsked += 1
            return shared.rotationsAsked
        }
    }

    func retire(at position: JournalPosition) {
        source.retire(at: position)
        shared.update { $0.retireAt = position }
    }

    func stop(by deadline: Int64) {
        shared.update { $0.stopBy = deadline }
        bell.ring()
    }

    func waitForEnd(until deadline: Int64) -> Bool {
        shared.wait(until: deadline) { $0.hasEnded ? true : nil } ?? false
    }

    var status: BSONDocument {
        let shared = shared.withLock { $0 }
        var counters = shared.counters
        counters.read += shared.pending
        var document: BSONDocument = ["kind": .string(kind)]
        for (key, value) in counters.document { document.append(key, value) }
        document.append("in_flight", .int64(Int64(bitPattern: counters.inFlight)))
        document.append("backlog_bytes", .int64(Int64(shared.backlogBytes)))
        document.append("oldest", shared.oldestArrival.map { .double(Double($0) * 1e-9) } ?? .null)
        document.append("problem", shared.problem.map { .string($0) } ?? .null)
        document.append("backlog", source.status)
        document.append("condition_overruns", source.conditionOverruns)
        for (key, value) in liveStatus?() ?? shared.details { document.append(key, value) }
        return document
    }
}

/// Hands a value to a thread that alone uses it from then on.
struct UnsafeTransfer<Value>: @unchecked Sendable {
    // Sendable: the giver keeps no reference, so the value moves from one thread to the other.
    let value: Value

    init(_ value: Value) {
        self.value = value
    }
}
