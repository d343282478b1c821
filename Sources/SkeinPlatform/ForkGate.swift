import Synchronization

/// Keeps threads of ours from being inside anything when the process forks.
///
/// In the child of a fork no other thread lives, and what another one had locked (in libzmq, in the Swift runtime) stays locked
/// for ever. A thread of ours goes through the gate to work, and comes out to wait; a fork waits until all are out, and they wait
/// until it is done. It waits 100 ms at most: then the child takes its chances.
public enum ForkGate {
    /// A reader is a thread that works, the writer one that forks.
    private nonisolated(unsafe) static let gate = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)
    /// The thread that holds the gate for its fork.
    private static let forking = Atomic<UInt>(0)

    private static let installation: Void = {
        open()
        _ = pthread_atfork({ ForkGate.prepare() }, { ForkGate.goOn() }, { ForkGate.becomeChild() })
    }()

    /// Makes forks wait from now on. Called after everything whose locks our threads may want has installed handlers of its own:
    /// what is installed last is asked first.
    public static func install() { _ = installation }

    /// The calling thread begins to work. Not twice without ``leave()``.
    public static func enter() {
        _ = installation
        pthread_rwlock_rdlock(gate)
    }

    /// The calling thread, inside, holds nothing any more.
    public static func leave() { pthread_rwlock_unlock(gate) }

    /// Comes out for the length of `body`, which waits.
    public static func pausing<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        leave()
        defer { enter() }
        return try body()
    }

    private static func open() {
        #if canImport(Glibc)
            // A fork must not starve because some thread of ours always works.
            var attributes = pthread_rwlockattr_t()
            pthread_rwlockattr_init(&attributes)
            pthread_rwlockattr_setkind_np(
                &attributes, Int32(PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP))
            pthread_rwlock_init(gate, &attributes)
            pthread_rwlockattr_destroy(&attributes)
        #else
            pthread_rwlock_init(gate, nil)
        #endif
    }

    private static func prepare() {
        #if os(Linux)
            var end = timespec()
            clock_gettime(CLOCK_REALTIME, &end)
            end.tv_nsec += 100_000_000
            if end.tv_nsec >= 1_000_000_000 {
                end.tv_nsec -= 1_000_000_000
                end.tv_sec += 1
            }
            guard pthread_rwlock_timedwrlock(gate, &end) == 0 else { return }
        #else
            guard pthread_rwlock_trywrlock(gate) == 0 else { return }
        #endif
        forking.store(currentThreadNumber(), ordering: .relaxed)
    }

    private static func goOn() {
        guard forking.load(ordering: .relaxed) == currentThreadNumber() else { return }
        forking.store(0, ordering: .relaxed)
        pthread_rwlock_unlock(gate)
    }

    /// Whoever was inside or waited is not here.
    private static func becomeChild() {
        forking.store(0, ordering: .relaxed)
        open()
    }
}
