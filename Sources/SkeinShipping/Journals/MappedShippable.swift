public import SkeinJournal
import SkeinPlatform
public import SkeinWire
import Synchronization

/// An app's journal as the shipper sees it: a lane for each shard, also for those that only earlier openings had.
public struct MappedShippable: ShippableJournal {
    private let journal: MappedJournal
    private let recovery: JournalRecovery?
    private let losses: LossReporter?
    private let lastTold = LastSign()
    private let lastSign = LastSign()

    /// - Parameters:
    ///   - journal: stays open as long as a shipper uses this; its readers are made by ``makeLanes()``.
    ///   - recovery: makes events of what a dead process left open, on the shipper's thread.
    public init(_ journal: MappedJournal, recovery: JournalRecovery? = nil) {
        self.init(journal, recovery: recovery, losses: nil)
    }

    init(_ journal: MappedJournal, recovery: JournalRecovery?, losses: LossReporter?) {
        self.journal = journal
        self.recovery = recovery
        self.losses = losses
    }

    public func makeLanes() throws -> [any ShippableLane] {
        var lanes: [any ShippableLane] = []
        for shard in 0..<journal.readableShards {
            lanes.append(MappedLane(try journal.reader(shard: shard), journal: journal))
        }
        return lanes
    }

    public func tend() {
        journal.prepareSpares()
        recovery?.proceed()
        let now = SystemClock.monotonicNanoseconds()
        guard now >= lastTold.time.load(ordering: .relaxed) + 100_000_000 else { return }
        lastTold.time.store(now, ordering: .relaxed)
        losses?.tell(now: now)
        guard now >= lastSign.time.load(ordering: .relaxed) + 1_000_000_000 else { return }
        lastSign.time.store(now, ordering: .relaxed)
        journal.signOfLife(SystemClock.wallNanoseconds())
    }

    public func setWakeUp(_ wakeUp: (@Sendable () -> Void)?) {
        journal.wakeUp = wakeUp
    }

    public func marks() -> [UInt64] {
        journal.shards.map(\.lastNumber)
    }

    public func count(_ outcome: ShippingOutcome, _ records: UInt64) {
        let counter: PipelineCounter =
            switch outcome {
            case .acknowledged: .acknowledged
            case .invalid: .refusedInvalid
            case .tooLarge: .tooLarge
            }
        journal.counter(counter.index).pointee.wrappingAdd(records, ordering: .relaxed)
    }

    private final class LastSign: Sendable {
        let time = Atomic<Int64>(0)
    }
}

/// One shard.
final class MappedLane: ShippableLane {
    private let reader: JournalReader
    private let opening: UInt64
    private let isDurable: Bool

    init(_ reader: JournalReader, journal: MappedJournal) {
        self.reader = reader
        opening = journal.opening
        isDurable = journal.folder != nil
    }

    func next(maximumBytes: Int) throws -> ShippableRun? {
        guard let run = try reader.next(maximumBytes: maximumBytes) else { return nil }
        return ShippableRun(
            stream: StreamIdentity(run.stream), first: run.first, last: run.last, count: run.count,
            bytes: run.bytes, owner: run, isDurable: isDurable, isResumed: run.stream.opening != opening)
    }

    func rewind() {
        reader.rewindToCursor()
    }

    func acknowledge(through number: UInt64, of stream: StreamIdentity) throws {
        try reader.advance(past: number, of: JournalStream(stream))
    }

    func firstUnacknowledged(of stream: StreamIdentity) -> UInt64? {
        let wanted = JournalStream(stream)
        return reader.unacknowledgedStreams().first { $0.stream == wanted }?.first
    }

    func hasPassed(_ mark: UInt64) -> Bool {
        let rest = reader.unacknowledgedStreams()
        guard let next = rest.first else { return true }
        guard rest.count == 1, next.stream.opening == opening else { return reader.backlogBytes == 0 }
        return next.first > mark
    }

    func isComplete(_ stream: StreamIdentity) -> Bool {
        guard stream.opening != opening else { return false }
        let wanted = JournalStream(stream)
        return !reader.unacknowledgedStreams().contains { $0.stream == wanted }
    }

    func armWakeUp(afterBytes bytes: Int) -> Bool {
        reader.armWakeUp(afterBytes: bytes)
    }

    var backlogBytes: Int { reader.backlogBytes }
}

extension StreamIdentity {
    /// The stream as the wire names it.
    public init(_ stream: JournalStream) {
        self.init(
            journalHigh: stream.journal.low.byteSwapped,
            journalLow: stream.journal.high.byteSwapped,
            opening: stream.opening, shard: stream.shard)
    }
}

extension JournalStream {
    /// The stream as its journal names it.
    public init(_ stream: StreamIdentity) {
        self.init(
            journal: JournalID(low: stream.journalHigh.byteSwapped, high: stream.journalLow.byteSwapped),
            opening: stream.opening, shard: stream.shard)
    }
}
