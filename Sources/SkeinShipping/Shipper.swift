public import SkeinJournal
import SkeinPlatform
import SkeinWire
import SkeinZeroMQ
public import Synchronization

/// Ships a journal's records to an endpoint, on a thread of its own that owns all sockets.
///
/// It never blocks who appends: it reads behind them, and when the other end is away the journal holds. What has been
/// acknowledged moves the journal's durable cursor, so that a restart goes on from there.
///
/// | endpoint | what "acknowledged" means | when a process is killed |
/// |---|---|---|
/// | `deliver://` | the collector has it on disk (fdatasync) | nothing is lost or doubled |
/// | `push://` | libzmq took it for a connection that stands; what is on its way when that breaks is lost | up to 1,000 records on their way are lost |
/// | `file://` | it was written to the file (not synced) | a batch that was written and not yet marked as such is written again: at most `batchBytes`, or one larger event |
///
/// **Threads**: everything here may be called from any thread. `flush` and `shutdown` block: not on the cooperative pool.
///
/// ```swift
/// let journal = try MappedJournal(.init(shards: 1))
/// let shipper = try Shipper(
///     journal: journal, configuration: .init(endpoint: try Endpoint("tcp://127.0.0.1:3515")))
/// // … append to the journal's shards …
/// let isDelivered = shipper.flush(timeout: .seconds(2))
/// shipper.shutdown(timeout: .seconds(2))
/// ```
public final class Shipper: Sendable {
    @usableFromInline let asleep: AsleepFlag
    private let shared: ShipperShared
    private let journal: any ShippableJournal
    private let thread: Monitor<SystemThread?>

    /// Starts shipping an app's journal.
    /// - Parameters:
    ///   - recovery: of the same journal, to be carried out on the shipper's thread; nil: what a dead process left open there
    ///     stays open.
    ///   - tellsLosses: whether events that the app lost are told downstream, as events of type `skein.dropped`.
    ///   - held: what the app holds back; looked after on the shipper's thread.
    ///   - onWarning: told, on the shipper's thread, of what an operator should know; at most once a second, and
    ///     the same thing at most once a minute. It must be quick and must not record.
    /// - Throws: ``ShippingError`` of code `resources`.
    public convenience init(
        journal: MappedJournal, recovery: JournalRecovery? = nil, tellsLosses: Bool = false,
        held: (any HeldDetail)? = nil, configuration: Configuration,
        onWarning: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(ShippingError) {
        let losses =
            tellsLosses
            ? LossReporter(
                journal, host: configuration.host, pid: configuration.pid,
                service: configuration.service.isEmpty ? nil : configuration.service) : nil
        try self.init(
            shipping: MappedShippable(journal, recovery: recovery, losses: losses), held: held,
            configuration: configuration, onWarning: onWarning)
    }

    /// Starts shipping any journal.
    public init(
        shipping journal: any ShippableJournal, held: (any HeldDetail)? = nil, configuration: Configuration,
        onWarning: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(ShippingError) {
        do {
            let shared = try ShipperShared()
            self.shared = shared
            self.journal = journal
            asleep = shared.asleep
            thread = Monitor(
                try SystemThread(name: "skein-shipper") {
                    CurrentThread.activity = .ownWork
                    ShipperLoop(shared, journal, held, configuration, onWarning).run()
                })
        } catch {
            throw ShippingError(.resources, "the shipper could not start: \(error)")
        }
    }

    deinit {
        guard !shared.isForgotten.load(ordering: .relaxed) else { return }
        shutdown(timeout: .zero)
    }

    /// Says that a record was appended, for journals that do not wake the shipper by themselves. Costs one relaxed load
    /// while the shipper is awake; else, once, a system call.
    ///
    /// A call that crosses the shipper's falling asleep may have no effect: the record is then shipped within a second.
    @inlinable @inline(__always)
    public func notify() {
        if asleep.flag.load(ordering: .relaxed) { asleep.clear() }
    }

    /// Waits until everything that was appended before the call is acknowledged.
    /// - Returns: whether it is; false also after a shutdown that left something behind, and in the child of a fork.
    public func flush(timeout: Duration) -> Bool {
        guard !shared.isForgotten.load(ordering: .relaxed) else { return false }
        let deadline = SystemClock.monotonicNanoseconds() + timeout.wholeNanoseconds
        let marks = journal.marks()
        let number: Int? = shared.requests.withLock { requests in
            guard !requests.hasEnded else { return nil }
            requests.nextFlush += 1
            requests.flushes.append(ShipperShared.Flush(number: requests.nextFlush, marks: marks))
            return requests.nextFlush
        }
        guard let number else { return false }
        shared.wake()
        let isDone = shared.requests.wait(until: deadline) { requests -> Bool? in
            guard let flush = requests.flushes.first(where: { $0.number == number }) else { return false }
            return flush.isDone ? true : requests.hasEnded ? false : nil
        }
        shared.requests.withLock { $0.flushes.removeAll { $0.number == number } }
        return isDone ?? false
    }

    /// Ships what it can within the time, says farewell, and ends the thread. What is left stays in the journal.
    ///
    /// Bounded: it returns at the latest a quarter of a second after the time is over. The second call waits for the first.
    public func shutdown(timeout: Duration) {
        guard !shared.isForgotten.load(ordering: .relaxed) else { return }
        let deadline = SystemClock.monotonicNanoseconds() + max(0, timeout.wholeNanoseconds)
        shared.requests.update { requests in
            requests.shutdown = min(requests.shutdown ?? .max, deadline)
        }
        shared.wake()
        let hasEnded = shared.requests.wait(until: deadline + 250_000_000) { $0.hasEnded ? true : nil }
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        // It has ended but for its last few instructions; or it hangs in a system call, and ends by itself.
        if hasEnded == true { thread?.join() } else { thread?.detach() }
    }

    /// Whether the thread has ended.
    public var hasEnded: Bool { shared.requests.withLock { $0.hasEnded } }

    /// What it has done so far; up to 50 ms old while it is busy.
    public var statistics: ShipperStatistics { shared.statistics.withLock { $0 } }

    /// In the child of a fork: lets go of everything without touching it. From then on every call does nothing. Takes no
    /// lock and allocates nothing, so it may be called in an atfork handler; keep the object, do not release it.
    public func forgetAfterFork() {
        shared.isForgotten.store(true, ordering: .relaxed)
        asleep.flag.store(false, ordering: .relaxed)
    }
}

/// Whether the shipper waits for a record, where inlined code can reach it.
@usableFromInline final class AsleepFlag: Sendable {
    @usableFromInline let flag = Atomic<Bool>(false)
    let wakeUp: WakeUp

    init(_ wakeUp: WakeUp) {
        self.wakeUp = wakeUp
    }

    /// Wakes the shipper, once for each time it fell asleep.
    @usableFromInline func clear() {
        if flag.exchange(false, ordering: .relaxed) { wakeUp.signal() }
    }
}
