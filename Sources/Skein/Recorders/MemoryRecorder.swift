public import SkeinBSON
internal import SkeinPlatform

/// Keeps events in memory, bounded, for tests and for apps that look at their own events.
///
/// ```swift
/// let recorder = MemoryRecorder()
/// let pipeline = try EventPipeline(.init(recorder: recorder))
/// pipeline.withContext("job") { $0["n"] = 1 }
/// let first = recorder.events.first?[path: "body.n"]
/// ```
public final class MemoryRecorder: EventRecorder {
    private struct State {
        var events: [BSONDocument] = []
        var bytes = 0
        var recorded: UInt64 = 0
        var dropped: UInt64 = 0
    }

    private let state = Monitor(State())
    private let capacity: Int
    private let onEvent: (@Sendable (BSONDocument) -> Void)?

    /// - Parameters:
    ///   - capacity: events to keep; later ones are dropped and counted.
    ///   - onEvent: called with each event, on the thread that closed the context.
    public init(capacity: Int = 1_000_000, onEvent: (@Sendable (BSONDocument) -> Void)? = nil) {
        self.capacity = capacity
        self.onEvent = onEvent
    }

    /// The events so far, in the order in which they closed.
    public var events: [BSONDocument] { state.withLock { $0.events } }

    /// Forgets all events.
    public func removeAll() {
        state.withLock {
            $0.events.removeAll()
            $0.bytes = 0
        }
    }

    public func record(_ event: UnsafeRawBufferPointer) {
        let document = BSONDocument(unchecked: Array(event))
        state.withLock {
            $0.recorded += 1
            if $0.events.count < capacity {
                $0.events.append(document)
                $0.bytes += event.count
            } else {
                $0.dropped += 1
            }
        }
        onEvent?(document)
    }

    public func flush(timeout: Duration) async -> Bool { true }
    public func shutdown(timeout: Duration) async {}

    public var statistics: RecorderStatistics {
        state.withLock {
            var statistics = RecorderStatistics()
            statistics.recorded = $0.recorded
            statistics.delivered = $0.recorded - $0.dropped
            if $0.dropped > 0 { statistics.dropped["memory_full"] = $0.dropped }
            statistics.bytes = $0.bytes
            statistics.isConnected = true
            return statistics
        }
    }
}
