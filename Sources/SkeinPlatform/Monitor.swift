/// A value behind a lock whose waiters can be woken: for threads that hand work to each other.
///
/// Blocking: not for the cooperative pool, and not for a hot path (a lock and unlock cost about 40 ns).
public final class Monitor<Value>: @unchecked Sendable {
    // Sendable: the value is only reached under the mutex.
    private var value: Value
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    /// - Parameter value: what is behind the lock at first.
    public init(_ value: sending Value) {
        self.value = value
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        #if canImport(Darwin)
            pthread_cond_init(condition, nil)
        #else
            // Deadlines are monotonic: a step of the wall clock neither ends nor prolongs a wait.
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            pthread_cond_init(condition, &attributes)
            pthread_condattr_destroy(&attributes)
        #endif
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Runs `body` alone. It must not block, nor use this monitor.
    public func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }

    /// The value without the lock: only in the child of a fork, where no other thread runs and one of the parent may have held it.
    public var unguarded: Value { value }

    /// As `withLock`, and then wakes every waiter, which looks again.
    public func update<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(condition)
            pthread_mutex_unlock(mutex)
        }
        return try body(&value)
    }

    /// Wakes one waiter, for a change that only one of them can use. Only where all that wait then wait for the same.
    public func wakeOne() {
        pthread_cond_signal(condition)
    }

    /// Wakes every waiter.
    public func wakeAll() {
        pthread_cond_broadcast(condition)
    }

    /// Runs `body` alone, again after each wake-up, until it answers a value or the deadline has passed.
    /// - Parameter deadline: by `SystemClock.monotonicNanoseconds()`; `.max` waits without end.
    /// - Returns: `body`'s answer, nil if it still had none at the deadline.
    public func wait<Result>(until deadline: Int64, _ body: (inout Value) -> Result?) -> Result? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&value) { return result }
            if deadline == .max {
                pthread_cond_wait(condition, mutex)
                continue
            }
            let left = deadline - SystemClock.monotonicNanoseconds()
            if left <= 0 { return nil }
            #if canImport(Darwin)
                var relative = timespec(
                    tv_sec: Int(left / 1_000_000_000), tv_nsec: Int(left % 1_000_000_000))
                pthread_cond_timedwait_relative_np(condition, mutex, &relative)
            #else
                var end = timespec()
                end.tv_sec = .init(deadline / 1_000_000_000)
                end.tv_nsec = .init(deadline % 1_000_000_000)
                pthread_cond_timedwait(condition, mutex, &end)
            #endif
        }
    }
}
