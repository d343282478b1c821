import SkeinPlatform
import SkeinZeroMQ
import Synchronization

/// What the shipper's thread and its users share.
final class ShipperShared: Sendable {
    /// What users ask for and the thread answers.
    struct Requests {
        var flushes: [Flush] = []
        var nextFlush = 0
        /// When to have ended, by the monotonic clock; nil while it should run.
        var shutdown: Int64?
        var hasEnded = false
    }

    struct Flush {
        let number: Int
        let marks: [UInt64]
        var isDone = false
    }

    let requests = Monitor(Requests())
    let statistics = Monitor(ShipperStatistics())
    let wakeUp: WakeUp
    /// Set while the thread waits until woken: the next record should wake it.
    let asleep: AsleepFlag
    /// The thread waits, for whatever reason: wake-ups of the journal should reach it.
    let isListening = Atomic<Bool>(false)
    /// This is the child of a fork: the thread stayed in the parent, and its descriptors are the parent's.
    let isForgotten = Atomic<Bool>(false)

    init() throws(ZMQError) {
        wakeUp = try WakeUp()
        asleep = AsleepFlag(wakeUp)
    }

    /// Wakes the thread, whatever it waits for.
    func wake() {
        guard !isForgotten.load(ordering: .relaxed) else { return }
        wakeUp.signal()
    }

    /// Wakes the thread if it waits at all.
    func wakeIfListening() {
        guard isListening.load(ordering: .relaxed), isListening.exchange(false, ordering: .relaxed) else {
            return
        }
        wake()
    }
}
