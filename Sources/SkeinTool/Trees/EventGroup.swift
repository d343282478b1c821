import SkeinBSON
import SkeinWire

/// An event kept: its bytes, and what a tree is made by.
struct KeptEvent {
    let bytes: [UInt8]
    let envelope: EventEnvelope

    init(_ event: Event) {
        bytes = Array(event.bytes)
        envelope = event.envelope
    }

    /// Lends the event.
    func withEvent<Result, Failure: Error>(
        _ body: (Event) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try bytes.withUnsafeBytes { bytes -> Swift.Result<Result, Failure> in
            do throws(Failure) {
                return .success(try body(Event(checked: bytes, envelope)))
            } catch {
                return .failure(error)
            }
        }.get()
    }
}

/// The events of one id.
struct EventGroup {
    var events: [KeptEvent] = []
    /// Events beyond the limit, which were let go.
    var omitted = 0
    /// Whether the root was among them.
    var hasRoot = false
    /// When the last event, and the root, came (monotonic nanoseconds of the reader).
    var lastArrival: Int64 = 0
    var rootArrival: Int64 = 0
}
