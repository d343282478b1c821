import SkeinPlatform

/// The locks of journals that this process holds, so that the child of a fork gives up its copies of them at once, whoever took
/// them and whatever he was about to do: an inherited flock would keep a journal locked when its owner is dead.
final class HeldLocks: @unchecked Sendable {
    // Sendable: the list is only touched under the mutex, which a fork takes before and gives back after on both sides.
    static let shared: HeldLocks = {
        _ = pthread_atfork(
            { HeldLocks.shared.enter() }, { HeldLocks.shared.leave() }, { HeldLocks.shared.becomeChild() })
        // Asked before our handlers are: its threads may want the mutex.
        ForkGate.install()
        return HeldLocks()
    }()

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var locks: [Unmanaged<DiskLock>] = []

    private init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    /// Takes a lock and remembers it, in one step as a fork sees it.
    func add(_ take: () throws(SystemError) -> DiskLock?) throws(SystemError) -> DiskLock? {
        enter()
        defer { leave() }
        let lock = try take()
        if let lock { locks.append(Unmanaged.passUnretained(lock)) }
        return lock
    }

    func remove(_ lock: DiskLock) {
        let wanted = Unmanaged.passUnretained(lock).toOpaque()
        enter()
        defer { leave() }
        locks.removeAll { $0.toOpaque() == wanted }
    }

    private func enter() { pthread_mutex_lock(mutex) }
    private func leave() { pthread_mutex_unlock(mutex) }

    /// Allocates nothing: the list stays as it is, and what is in it holds nothing any more.
    private func becomeChild() {
        for lock in locks { lock._withUnsafeGuaranteedRef { $0.forgetInChild() } }
        leave()
    }
}
