import SkeinBSON
import SkeinJournal
import SkeinPlatform
import SkeinWire
import Synchronization

/// Drives one outlet on a thread of its own: reads the journal, applies the rules, hands events over, tries again
/// what cannot be had now, puts aside what is refused for good, and moves the cursor with the outlet's checkpoints.
final class OutletRunner: Sendable {
    /// What a runner needs.
    struct Setup {
        var configuration: OutletConfiguration
        var outlet: any Outlet
        var checkpointFile: OutletCheckpointFile
        var reader: JournalReader
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
        var wantsRotation = false
        /// Somebody waits until everything before it is handed on.
        var flushTo: JournalPosition?
        /// Monotonic nanoseconds by which it must have ended.
        var stopBy: Int64?
        var hasEnded = false
    }

    let name: String
    let shared: Monitor<Shared>
    private let bell: Bell

    init(name: String, bell: Bell, routing: Routing) {
        self.name = name
        self.bell = bell
        shared = Monitor(Shared(routing: routing))
    }

    /// Starts the thread. Called once.
    /// - Parameter setup: belongs to the thread from then on.
    func start(_ setup: sending Setup) throws(SystemError) {
        let loop = OutletLoop(self, setup)
        let box = UnsafeTransfer(loop)
        let thread = try SystemThread(name: "skein-\(name)") { [self] in
            box.value.run()
            shared.update { $0.hasEnded = true }
        }
        thread.detach()
    }

    /// Replaces what the rules say.
    func route(_ routing: Routing) {
        shared.update { $0.routing = routing }
    }

    /// Asks for everything before a place in the journal to be handed on soon; ``Shared/position`` tells when it is.
    func flush(to position: JournalPosition) {
        shared.update { $0.flushTo = max($0.flushTo ?? position, position) }
        bell.ring()
    }

    /// Asks for files and the like to be let go.
    func rotate() {
        shared.update { $0.wantsRotation = true }
        bell.ring()
    }

    /// Asks it to finish what the journal has and end.
    /// - Parameter deadline: monotonic nanoseconds; what is not done by then is done after the next start.
    func stop(by deadline: Int64) {
        shared.update { $0.stopBy = deadline }
        bell.ring()
    }

    /// Waits for the end of its thread.
    /// - Returns: false if it was still busy at the deadline.
    func waitForEnd(until deadline: Int64) -> Bool {
        shared.wait(until: deadline) { $0.hasEnded ? true : nil } ?? false
    }

    /// The outlet's part of STATUS.
    var status: BSONDocument {
        let shared = shared.withLock { $0 }
        var counters = shared.counters
        counters.read += shared.pending
        var document = counters.document
        document.append("in_flight", .int64(Int64(bitPattern: counters.inFlight)))
        document.append("backlog_bytes", .int64(Int64(shared.backlogBytes)))
        document.append("oldest", shared.oldestArrival.map { .double(Double($0) * 1e-9) } ?? .null)
        document.append("problem", shared.problem.map { .string($0) } ?? .null)
        for (key, value) in shared.details { document.append(key, value) }
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
