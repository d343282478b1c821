public import Skein
internal import SkeinPlatform

/// A clock that stands still until a test moves it.
///
/// ```swift
/// let clock = ManualClock()
/// var configuration = EventPipeline.Configuration(recorder: MemoryRecorder())
/// configuration.clock = clock
/// clock.advance(by: .milliseconds(250))
/// ```
public final class ManualClock: EventClock {
    private struct State {
        var unix: Int64
        var monotonic: Int64 = 1_000_000_000
    }

    private let state: Monitor<State>

    /// - Parameter unixSeconds: the time of day to begin with; 2026-01-01 00:00:00 UTC by default.
    public init(unixSeconds: Int64 = 1_767_225_600) {
        state = Monitor(State(unix: unixSeconds * 1_000_000_000))
    }

    /// Moves both clocks on.
    public func advance(by duration: Duration) {
        let nanoseconds =
            duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
        state.withLock {
            $0.unix += nanoseconds
            $0.monotonic += max(0, nanoseconds)
        }
    }

    /// Steps the time of day alone, as an administrator would.
    public func step(by duration: Duration) {
        let nanoseconds =
            duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
        state.withLock { $0.unix += nanoseconds }
    }

    public func unixNanoseconds() -> Int64 { state.withLock { $0.unix } }
    public func monotonicNanoseconds() -> Int64 { state.withLock { $0.monotonic } }
}
