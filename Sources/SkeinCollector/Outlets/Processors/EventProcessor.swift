public import SkeinBSON
import SkeinPlatform

/// Takes events out of a collector in a program that embeds it: an outlet of your own. `Docs/Processors.md`.
///
/// Each outlet of its kind makes one, on a thread of its own, which alone calls it, from its making to ``close()``. It may block: it
/// delays only itself. Events are given at least once, in order; after a kill those since the last ``flush()`` again.
///
/// ```swift
/// final class Counter: EventProcessor {
///     var counts: [String: Int] = [:]
///     func process(_ batch: ProcessorBatch) -> ProcessorVerdict {
///         for event in batch {
///             guard let type = event.document.first("type")?.text else { continue }
///             counts[type, default: 0] += 1
///         }
///         return .taken
///     }
/// }
/// ```
public protocol EventProcessor: AnyObject {
    /// Takes events, at least one.
    func process(_ batch: ProcessorBatch) -> ProcessorVerdict

    /// Makes durable what was taken, or hands it on; called every second or so, when something was taken. Without an
    /// implementation, nothing.
    /// - Throws: why not; it is called again.
    func flush() throws

    /// Ends; nothing of it is called any more. Without an implementation, nothing.
    func close()
}

extension EventProcessor {
    public func flush() throws {}
    public func close() {}
}

/// What became of a batch. Indices are those of the batch.
public enum ProcessorVerdict: Sendable, Hashable {
    /// All of it is taken.
    case taken
    /// What comes before the index is taken. The rest cannot be now, and is given again, after a pause of at most 5 s.
    case again(from: Int, reason: String)
    /// What comes before the index is taken. The event at the index never will be: it goes to `rejected/` with the reason.
    /// What comes after it is given again at once.
    case refused(at: Int, reason: String)
}

/// Events for a processor, lent for the call.
public struct ProcessorBatch: RandomAccessCollection {
    private let batch: EventBatch
    private let range: Range<Int>
    private let stream: String

    init(_ batch: EventBatch, _ range: Range<Int>, stream: String) {
        self.batch = batch
        self.range = range
        self.stream = stream
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { range.count }

    /// An event, good until the call returns.
    public subscript(index: Int) -> ProcessorEvent {
        let place = batch.events[range.lowerBound + index]
        return ProcessorEvent(
            document: BSONView(prefixOf: batch.document(place)) ?? .empty, stream: stream,
            number: batch.number(place), arrival: batch.arrival(place))
    }
}

/// An event for a processor, lent with its batch.
public struct ProcessorEvent {
    /// The event, checked: well-formed at every level, with a `type`.
    public let document: BSONView
    /// Who numbers: the collector's journal, 32 hex digits.
    public let stream: String
    /// The event's number there. Rises, with gaps; the same when it is given again.
    public let number: UInt64
    /// When it arrived at the collector, Unix nanoseconds.
    public let arrival: Int64
}

/// Makes a processor of the texts behind `options:`. Called on the outlet's thread.
/// - Throws: why it cannot be had now; tried again, with pauses up to 5 s.
public typealias EventProcessorMaker = @Sendable (_ options: [String: String]) throws -> any EventProcessor
