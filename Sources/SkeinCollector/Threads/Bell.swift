import SkeinPlatform

/// Wakes threads that wait for something to happen. Rings are counted, so that one that came before the wait is
/// not missed.
///
/// ```
/// let seen = bell.count
/// guard nothingToDo() else { … }
/// bell.wait(after: seen, for: .seconds(1))
/// ```
final class Bell: @unchecked Sendable {
    // Sendable: the count is touched only under the mutex; mutex and condition are made to be shared, and stay at
    // one address for the life of the object.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var rings: UInt64 = 0

    init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        #if canImport(Darwin)
            pthread_cond_init(condition, nil)
        #else
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            pthread_cond_init(condition, &attributes)
            pthread_condattr_destroy(&attributes)
        #endif
    }

    deinit {
        pthread_cond_destroy(condition)
        condition.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// How often it rang.
    var count: UInt64 {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return rings
    }

    /// Wakes everybody who waits.
    func ring() {
        pthread_mutex_lock(mutex)
        rings &+= 1
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Waits until it has rung more often than `seen`, or the time is over.
    /// - Returns: how often it has rung.
    @discardableResult
    func wait(after seen: UInt64, for timeout: Duration) -> UInt64 {
        let nanoseconds = max(0, timeout.wholeNanoseconds)
        #if canImport(Darwin)
            let now = SystemClock.wallNanoseconds()
        #else
            let now = SystemClock.monotonicNanoseconds()
        #endif
        let (sum, overflow) = now.addingReportingOverflow(nanoseconds)
        let end = overflow ? Int64.max : sum
        var deadline = timespec()
        deadline.tv_sec = time_t(end / 1_000_000_000)
        deadline.tv_nsec = Int(end % 1_000_000_000)
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while rings == seen {
            if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT { break }
        }
        return rings
    }
}
