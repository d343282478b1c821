import SkeinPlatform
import Synchronization

/// What the shards of a journal share.
final class MappedCore: Sendable {
    let id: JournalID
    let boot: JournalID
    let store: SegmentStore
    /// The journal was closed, or this is the child of a fork.
    private let inert = Atomic<Bool>(false)
    private let onWake = Monitor<(@Sendable () -> Void)?>(nil)

    init(id: JournalID, boot: JournalID, store: SegmentStore) {
        self.id = id
        self.boot = boot
        self.store = store
    }

    var isInert: Bool { inert.load(ordering: .relaxed) }

    /// Whether this call made it so.
    func makeInert() -> Bool { !inert.exchange(true, ordering: .sequentiallyConsistent) }

    var wakeUp: (@Sendable () -> Void)? {
        get { onWake.withLock { $0 } }
        set { onWake.withLock { $0 = newValue } }
    }

    func wake() { wakeUp?() }
}
