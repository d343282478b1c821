import SkeinJournal
import SkeinPlatform
import SkeinShipping
import SkeinWire
import Synchronization

/// The collector's journal as the shipper of a forward outlet sees it: one lane, one stream.
///
/// The stream is the outlet's own: journal id of this collector, and as opening the outlet's id, drawn once and
/// kept. A record's number is its place in the journal (``JournalPosition/ordinal``): it rises, it is never used for
/// another record, and it is the same after a restart, so that what is sent again is known to the other end.
final class ForwardJournal: ShippableJournal {
    /// What lane, shipper and STATUS share.
    struct Shared {
        var routing: Routing
        /// From here on nothing is for it.
        var retireAt: JournalPosition?
        var counters = OutletCounters()
        /// Everything before it is acknowledged, or was not for this outlet.
        var position: JournalPosition
        var oldestArrival: Int64?
        var backlogBytes = 0
        var inFlight: UInt64 = 0
        var wakeUp: (@Sendable () -> Void)?
    }

    let stream: StreamIdentity
    let shared: Mutex<Shared>
    let isResumed: Bool
    private let journal: BatchJournal
    let source: OutletSource
    private let keep: @Sendable (JournalPosition, OutletCounters) -> Void
    private let isArmed = Atomic<Bool>(false)

    /// - Parameters:
    ///   - outletID: the outlet's own id.
    ///   - isResumed: whether it had this id before.
    ///   - keep: called before the cursor moves, with what is to be remembered.
    init(
        journal: BatchJournal, source: OutletSource, outletID: UInt64, isResumed: Bool, routing: Routing,
        counters: OutletCounters, keep: @escaping @Sendable (JournalPosition, OutletCounters) -> Void
    ) {
        self.journal = journal
        self.source = source
        self.isResumed = isResumed
        self.keep = keep
        let own = StreamIdentity(JournalStream(journal: journal.id, opening: outletID, shard: 0))
        stream = own
        var shared = Shared(routing: routing, position: source.position)
        shared.counters = counters
        self.shared = Mutex(shared)
    }

    func makeLanes() throws -> [any ShippableLane] {
        [ForwardLane(self, journal: journal, keep: keep)]
    }

    func tend() {}

    func setWakeUp(_ wakeUp: (@Sendable () -> Void)?) {
        shared.withLock { $0.wakeUp = wakeUp }
    }

    func marks() -> [UInt64] { [journal.durablePosition.ordinal] }

    func count(_ outcome: ShippingOutcome, _ records: UInt64) {
        shared.withLock { shared in
            switch outcome {
            case .acknowledged: break  // the lane counts by what its cursor passes
            case .invalid:
                shared.counters.rejected &+= records
                shared.counters.delivered &-= records
            case .tooLarge:
                shared.counters.dropped["too_large", default: 0] &+= records
                shared.counters.delivered &-= records
            }
        }
    }

    /// The shipper wants to be woken by what comes next.
    func arm() {
        isArmed.store(true, ordering: .sequentiallyConsistent)
    }

    /// The journal has more to read. Any thread.
    func wake() {
        guard isArmed.exchange(false, ordering: .sequentiallyConsistent) else { return }
        shared.withLock { $0.wakeUp }?()
    }
}

/// The one lane of a forward outlet. On the shipper's thread.
final class ForwardLane: ShippableLane {
    /// A run of the journal that was read and is not done with.
    private struct Pending {
        /// Where it ends in the journal.
        let end: JournalPosition
        /// The number of its last event for this outlet; if there is none, of its end.
        let last: UInt64
        let routed: UInt64
        let notRouted: UInt64
        /// Dropped since the backlog was full.
        let dropped: UInt64
    }

    private unowned let owner: ForwardJournal
    private let journal: BatchJournal
    private var source: OutletSource { owner.source }
    private let keep: @Sendable (JournalPosition, OutletCounters) -> Void
    private var pending: [Pending] = []
    private var acknowledged: UInt64
    /// Everything before it was read, tables and all.
    private var readEnd: JournalPosition
    private let scratch: RuleScratch
    private var assembler: RunAssembler

    init(
        _ owner: ForwardJournal, journal: BatchJournal,
        keep: @escaping @Sendable (JournalPosition, OutletCounters) -> Void
    ) {
        self.owner = owner
        self.journal = journal
        self.keep = keep
        scratch = RuleScratch(maximumBytes: journal.maximumPayload)
        assembler = RunAssembler(stream: owner.stream)
        // A shipper before this one may have read on.
        owner.source.rewind()
        let position = owner.source.position
        acknowledged = position.ordinal
        readEnd = position
    }

    func next(maximumBytes: Int) throws -> ShippableRun? {
        let (routing, retireAt) = owner.shared.withLock { ($0.routing, $0.retireAt) }
        while true {
            switch try source.next(maximumBytes: maximumBytes) {
            case .run(let run):
                if let shippable = shippable(run, routing, retireAt) { return shippable }
                try settle()
            case .end(let end):
                readEnd = max(readEnd, end)
                try settle()
                return nil
            case .later:
                try settle()
                return nil
            }
        }
    }

    /// A copy of a run's records for this outlet, numbered for its stream; nil if there is none.
    private func shippable(_ run: SourceRun, _ routing: Routing, _ retireAt: JournalPosition?)
        -> ShippableRun?
    {
        var records = run.makeRecords()
        var notRouted: UInt64 = 0
        var dropped: UInt64 = 0
        var first: UInt64 = 0
        var last: UInt64 = 0
        while let record = records.next() {
            notRouted += record.passed
            dropped += record.dropped
            guard let original = record.original else { continue }
            // Copies were for this outlet when they were made.
            guard retireAt.map({ record.position < $0 }) ?? true,
                let event = run.isCopy
                    ? original.payload : routing.event(original, at: record.position, scratch)
            else {
                notRouted += 1
                continue
            }
            last = record.position.ordinal
            if assembler.count == 0 { first = last }
            assembler.append(original.with(payload: event, kind: original.routedKind), number: last)
        }
        let routed = UInt64(assembler.count)
        pending.append(
            Pending(
                end: run.end, last: routed > 0 ? last : run.end.ordinal - 1, routed: routed,
                notRouted: notRouted, dropped: dropped))
        run.run.release()
        return assembler.finish(first: first, last: last, isDurable: true, isResumed: owner.isResumed)
    }

    func rewind() {
        pending = []
        source.rewind()
        readEnd = source.position
    }

    func acknowledge(through number: UInt64, of stream: StreamIdentity) throws {
        guard stream == owner.stream else { return }
        acknowledged = max(acknowledged, number)
        try settle()
    }

    /// Moves the cursor over what is acknowledged, and over what was not for this outlet.
    private func settle() throws {
        var done = 0
        var routed: UInt64 = 0
        var notRouted: UInt64 = 0
        var dropped: UInt64 = 0
        while done < pending.count, pending[done].routed == 0 || pending[done].last <= acknowledged {
            routed += pending[done].routed
            notRouted += pending[done].notRouted
            dropped += pending[done].dropped
            done += 1
        }
        if done > 0 {
            let position = pending[done - 1].end
            let counters = owner.shared.withLock { shared in
                shared.counters.read &+= routed &+ notRouted &+ dropped
                shared.counters.delivered &+= routed
                shared.counters.notRouted &+= notRouted
                if dropped > 0 { shared.counters.dropped["backlog_full", default: 0] &+= dropped }
                return shared.counters
            }
            pending.removeFirst(done)
            keep(position, counters)
            try source.advance(to: position)
        }
        publish()
    }

    private func publish() {
        let inFlight = pending.reduce(0) { $0 + $1.routed + $1.notRouted + $1.dropped }
        let position = pending.isEmpty ? max(readEnd, source.position) : source.position
        let oldest = backlogBytes == 0 ? nil : source.oldestArrival
        let backlog = backlogBytes
        owner.shared.withLock { shared in
            shared.inFlight = inFlight
            shared.position = max(shared.position, position)
            shared.oldestArrival = oldest
            shared.backlogBytes = backlog
        }
    }

    func firstUnacknowledged(of stream: StreamIdentity) -> UInt64? {
        stream == owner.stream ? max(1, source.position.ordinal) : nil
    }

    func hasPassed(_ mark: UInt64) -> Bool {
        pending.isEmpty && readEnd.ordinal >= mark
    }

    func isComplete(_ stream: StreamIdentity) -> Bool { false }

    func armWakeUp(afterBytes bytes: Int) -> Bool {
        owner.arm()
        // What came in between would wake nobody.
        let hasNews = journal.durablePosition > readEnd
        return !(hasNews && source.unreadBytes > bytes)
    }

    var backlogBytes: Int {
        // Behind the last event the journal may have records of its own, which are nobody's backlog.
        pending.isEmpty && journal.durablePosition <= readEnd ? 0 : source.backlogBytes
    }
}
