import SkeinPlatform
import Synchronization

/// What the shards of a journal share.
final class MappedCore: Sendable {
    let id: JournalID
    let boot: JournalID
    let store: SegmentStore
    /// The journal was closed, or this is the child of a fork.
    private let inert = Atomic<Bool>(false)
    private let onWake = Monitor(WakeUpCall())

    init(id: JournalID, boot: JournalID, store: SegmentStore) {
        self.id = id
        self.boot = boot
        self.store = store
    }

    var isInert: Bool { inert.load(ordering: .relaxed) }

    /// Whether this call made it so.
    func makeInert() -> Bool { !inert.exchange(true, ordering: .sequentiallyConsistent) }

    var wakeUp: (@Sendable () -> Void)? {
        get { onWake.withLock { $0.call } }
        set { onWake.withLock { $0.call = newValue } }
    }

    func wake() { wakeUp?() }
}

/// In a struct of its own: a closure that is itself the value behind a generic lock is wrapped once more at each access, and
/// after some hundred thousand of them a call overflows the stack.
private struct WakeUpCall {
    var call: (@Sendable () -> Void)?
}
