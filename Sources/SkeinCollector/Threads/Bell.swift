import SkeinPlatform

/// Wakes threads that wait for something to happen. Rings are counted, so that one that came before the wait is
/// not missed:
///
/// ```
/// let seen = bell.count
/// if nothingToDo() { bell.wait(after: seen, for: .seconds(1)) }
/// ```
struct Bell: Sendable {
    private let rings = Monitor<UInt64>(0)

    /// How often it rang.
    var count: UInt64 { rings.withLock { $0 } }

    /// Wakes everybody who waits.
    func ring() {
        rings.update { $0 &+= 1 }
    }

    /// Waits until it has rung more often than `seen`, or the time is over.
    func wait(after seen: UInt64, for timeout: Duration) {
        let now = SystemClock.monotonicNanoseconds()
        let (end, overflow) = now.addingReportingOverflow(max(0, timeout.wholeNanoseconds))
        _ = rings.wait(until: overflow ? .max : end) { $0 == seen ? nil : true }
    }
}
