/// The system's clocks in nanoseconds. Each call costs about 25 ns (a vDSO call) and is safe on any thread.
public enum SystemClock {
    /// Nanoseconds since 1970-01-01 UTC. Steps when the administrator or NTP steps the clock.
    @inlinable
    public static func wallNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    /// Seconds since 1970-01-01 UTC, by the kernel's last tick: 5 ns.
    @inlinable
    public static func coarseWallSeconds() -> Int64 {
        var time = timespec()
        #if os(Linux)
            clock_gettime(CLOCK_REALTIME_COARSE, &time)
        #else
            clock_gettime(CLOCK_REALTIME, &time)
        #endif
        return Int64(time.tv_sec)
    }

    /// Nanoseconds since an arbitrary start; never goes back.
    @inlinable
    public static func monotonicNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
