import SkeinPlatform
import Synchronization

/// Holds records back, and lets the small ones go only when something goes wrong: debug detail of a failure, without a log full of it.
///
/// ```swift
/// let burst = BurstHandler(target: ContextHandler(), emitLevel: .info, burstLevel: .error)
/// LogSystem.bootstrap(burst)
/// EventLogger("shop").debug("asked the stock")       // held
/// EventLogger("shop").error("cannot reserve")        // lets go of both, in order
/// burst.flush()                                      // at the end: what is left, from emitLevel on
/// ```
/// What BurstLogging for Python does, exactly: each record at or above `level` is appended. If more than `capacity` are held then, the
/// oldest go until `Int(capacity × threshold)` are left: those at or above `emitLevel` to the target, the others nowhere (``unseen``
/// counts them). If the newest is at or above `burstLevel`, all that is held goes to the target in order. ``flush()`` and ``close()``
/// treat all that is held as an overflow. Where its code raises, this goes on: an overflow that leaves nothing, the newest included,
/// is one.
///
/// A record keeps the time, the thread and the context it was made in. Its message is formatted when it is let go, not before; the
/// target's own level and filters apply then. Order of arrival is never broken, on any number of threads.
///
/// Cost: under 100 ns for a record that is held. Memory: `capacity` records of about 400 bytes, and what their messages and values
/// hold. Threads: any; who lets go of records waits for those before him to have done so, as for the target itself.
public final class BurstHandler: LogRecordHandler {
    /// Records below it are not taken.
    public let level: LogLevel
    /// What is let go in any case.
    public let emitLevel: LogLevel
    /// What lets go of all that is held.
    public let burstLevel: LogLevel
    /// How many are held at most.
    public let capacity: Int
    /// The part of `capacity` that an overflow leaves.
    public let threshold: Double

    private let target: any LogRecordHandler
    private let remaining: Int
    private let lock = SpinLock()
    private let held: RecordRing
    private let closed = Atomic<Bool>(false)
    private let unseenCount = Atomic<UInt64>(0)
    private let delivery = OrderedDelivery()

    /// - Parameters:
    ///   - target: where records are let go to.
    ///   - emitLevel: the lowest that is let go in any case.
    ///   - burstLevel: the lowest that lets go of all.
    ///   - level: the lowest that is taken.
    ///   - capacity: how many are held at most, 0 … 16,777,216; what is beyond is taken as the nearest of them. When it is too small,
    ///     detail is lost; when it is large, what is let go in any case is so late.
    ///   - threshold: which part of the capacity an overflow leaves; a smaller one overflows less often, and loses more detail.
    public init(
        target: any LogRecordHandler, emitLevel: LogLevel = .info, burstLevel: LogLevel = .error,
        level: LogLevel = .notSet, capacity: Int = 1_000, threshold: Double = 0.8
    ) {
        self.target = target
        self.emitLevel = emitLevel
        self.burstLevel = burstLevel
        self.level = level
        self.capacity = min(max(0, capacity), Self.most)
        self.threshold = threshold
        let left = Double(self.capacity) * threshold
        remaining = left > 0 ? Int(min(left, Double(Self.most))) : 0
        held = RecordRing()
    }

    private static let most = 1 << 24

    @discardableResult
    public func handle(_ record: LogRecord) -> Bool {
        let place = record.origin == nil ? RecordPlace.current : nil
        let bursts = record.level >= burstLevel
        lock.lock()
        guard !closed.load(ordering: .relaxed) else {
            lock.unlock()
            unseenCount.add(1, ordering: .relaxed)
            return false
        }
        held.append(record, place)
        guard bursts || held.count > capacity else {
            lock.unlock()
            return true
        }
        let overflow = held.count > capacity ? held.removeFirst(held.count - min(remaining, held.count)) : nil
        // Of an overflow that took the newest, nothing is left to burst.
        let burst = bursts ? held.removeFirst(held.count) : nil
        finish(overflow, burst)
        return true
    }

    /// Called with the lock held, which it gives back; hands over in the order in which the lock was held.
    private func finish(_ overflow: RecordBatch?, _ burst: RecordBatch?, waits: Bool = false) {
        let unseen = overflow?.count(below: emitLevel) ?? 0
        let delivers = waits || burst != nil || unseen < overflow?.count ?? 0
        let turn = delivers ? delivery.queue() : nil
        lock.unlock()
        if let turn {
            delivery.deliver(turn) {
                overflow?.visit(from: emitLevel) { record in target.offer(record) }
                burst?.visit { record in target.offer(record) }
            }
        }
        if unseen > 0 { unseenCount.add(UInt64(unseen), ordering: .relaxed) }
    }

    /// How many are held now.
    public var heldCount: Int { lock.withLock { held.count } }

    /// How many were let go with nobody seeing them: below `emitLevel`, with no burst while they were held.
    public var unseen: UInt64 { unseenCount.load(ordering: .relaxed) }

    /// Lets go of all that is held: what is at or above `emitLevel` to the target, the rest nowhere; then flushes the target. On
    /// return all that was let go before has reached the target, too.
    public func flush() {
        lock.lock()
        finish(held.removeFirst(held.count), nil, waits: true)
        target.flush()
    }

    /// As ``flush()``; what comes afterwards is dropped, and counted as ``unseen``. The target stays open: it may have other users.
    public func close() {
        lock.withLock { closed.store(true, ordering: .relaxed) }
        flush()
    }
}
