/// Hands each event to several recorders, in order.
///
/// ```swift
/// let memory = MemoryRecorder()
/// let both = MultiplexRecorder([memory, try ShippingRecorder(.init(endpoint: "file:///tmp/events.bson"))])
/// let pipeline = try EventPipeline(.init(recorder: both))
/// ```
public final class MultiplexRecorder: EventRecorder {
    private let recorders: [any EventRecorder]

    /// - Parameter recorders: in the order in which each event is handed to them.
    public init(_ recorders: [any EventRecorder]) {
        self.recorders = recorders
    }

    public func record(_ event: UnsafeRawBufferPointer) {
        for recorder in recorders { recorder.record(event) }
    }

    /// True if every recorder could flush; all of them at the same time.
    public func flush(timeout: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            for recorder in recorders { group.addTask { await recorder.flush(timeout: timeout) } }
            return await group.reduce(true) { $0 && $1 }
        }
    }

    /// Shuts down all of them at the same time, each within `timeout`.
    public func shutdown(timeout: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            for recorder in recorders { group.addTask { await recorder.shutdown(timeout: timeout) } }
        }
    }

    /// The sum over all recorders.
    public var statistics: RecorderStatistics {
        recorders.reduce(into: RecorderStatistics()) { sum, recorder in
            let one = recorder.statistics
            sum.recorded += one.recorded
            sum.delivered += one.delivered
            sum.inFlight += one.inFlight
            sum.bytes += one.bytes
            sum.dropped.merge(one.dropped) { $0 + $1 }
            sum.earlier.add(one.earlier)
        }.with(connected: recorders.allSatisfy { $0.statistics.isConnected })
    }
}

extension RecorderStatistics {
    fileprivate func with(connected: Bool) -> RecorderStatistics {
        var copy = self
        copy.isConnected = connected
        return copy
    }
}
