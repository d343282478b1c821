/// Where closed events go. ``ShippingRecorder`` is the usual one; write your own to put events anywhere else.
///
/// ```swift
/// final class PrintingRecorder: EventRecorder {
///     func record(_ event: UnsafeRawBufferPointer) { print("an event of \(event.count) bytes") }
///     func flush(timeout: Duration) async -> Bool { true }
///     func shutdown(timeout: Duration) async {}
///     var statistics: RecorderStatistics { RecorderStatistics() }
/// }
/// ```
public protocol EventRecorder: AnyObject, Sendable {
    /// Takes one event: a whole BSON document as in `Docs/EventDocument.md`, valid during the call only.
    ///
    /// Called on the thread that closes the context, on many threads at once. It must not block, and must not record
    /// events itself.
    func record(_ event: UnsafeRawBufferPointer)

    /// Waits until what was recorded before is safe, at most for the time given. Returns whether it is.
    func flush(timeout: Duration) async -> Bool

    /// Flushes and lets go of everything, within the time given. What is recorded afterwards may be dropped.
    func shutdown(timeout: Duration) async

    /// What it has done so far.
    var statistics: RecorderStatistics { get }
}

/// A recorder's side of the ledger: `recorded = delivered + dropped + inFlight`.
public struct RecorderStatistics: Sendable, Hashable {
    /// Events taken.
    public var recorded: UInt64 = 0
    /// Events that are where they were to go: acknowledged, or handed to a transport that tells no more.
    public var delivered: UInt64 = 0
    /// Events that are lost, by reason (`journal_full`, `invalid`, …).
    public var dropped: [String: UInt64] = [:]
    /// Events waiting in the journal, or on their way.
    public var inFlight: UInt64 = 0
    /// Bytes that the recorder holds, in memory or mapped.
    public var bytes: Int = 0
    /// Whether the other end answers now.
    public var isConnected = false
    /// What processes before this one had left in the spool. Not among the counts above.
    public var earlier = EarlierStatistics()

    /// All counts zero, not connected.
    public init() {}
}

/// What processes before this one left in the spool, and what became of it: in the journal that this one took over, and in the
/// others that nobody alive owned.
public struct EarlierStatistics: Sendable, Hashable {
    /// Events that those processes created, as far as their journals were seen.
    public var created: UInt64 = 0
    /// Events that those processes lost, by reason.
    public var dropped: [String: UInt64] = [:]
    /// Events that this process delivered for them.
    public var delivered: UInt64 = 0
    /// Contexts that were open when their process died, and became events here. Those of the journal that this process took over
    /// are among what it created.
    public var abandoned: UInt64 = 0

    /// All counts zero.
    public init() {}

    mutating func add(_ other: EarlierStatistics) {
        created &+= other.created
        dropped.merge(other.dropped, uniquingKeysWith: &+)
        delivered &+= other.delivered
        abandoned &+= other.abandoned
    }
}
