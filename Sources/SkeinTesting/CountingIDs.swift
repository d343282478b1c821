public import Skein
public import SkeinWire
internal import Synchronization

/// Ids that count from 1, so that a test's output repeats itself.
public final class CountingIDs: EventIDSource {
    private let trace = Atomic<UInt64>(0)
    private let span = Atomic<UInt64>(0)

    /// Both counts begin at 1.
    public init() {}

    /// `…0001`, `…0002`, …
    public func nextTraceID() -> TraceID {
        TraceID(high: 0, low: trace.add(1, ordering: .relaxed).newValue)
    }

    /// 1, 2, …
    public func nextSpanID() -> UInt64 { span.add(1, ordering: .relaxed).newValue }
}
