public import SkeinBSON
import Synchronization

/// A condition on events, in the language of `Docs/Filter.md`: `level >= 40`, `response.status >= 500 and type ~ "req*"`.
///
/// Compiled once. Matching walks the document's bytes only as far as the answer needs, decodes nothing and allocates nothing;
/// a rule of two terms takes some 80 ns. Any bytes may come: what is malformed ends the walk, and what stands behind it is missing.
/// The same bytes always get the same answer. Any thread.
///
/// ```swift
/// let filter = try EventFilter("level >= 40 or elapsed > 250ms")
/// let event: BSONDocument = ["type": "request.log", "level": 50, "body": ["message": "disk full"]]
/// let isWanted = event.withView { filter.matches($0) }
/// ```
public struct EventFilter: Sendable, CustomStringConvertible {
    /// What a filter has counted since it was made.
    public struct Statistics: Sendable, Hashable {
        /// Regular expressions that ran over a limit, or met a text of more than 64 KiB. Each counts as no match.
        public var overruns: UInt64
    }

    /// The text it was made of.
    public let description: String
    private let program: FilterProgram

    /// Compiles a filter. Some microseconds.
    /// - Parameter text: at most 16 KiB, 1,000 terms, and 64 parentheses inside each other.
    /// - Throws: ``FilterError``, with the column and what was expected there.
    public init(_ text: String) throws(FilterError) {
        program = FilterProgram(try FilterParser.parse(text))
        description = text
    }

    /// Whether an event is as the filter says. The bytes need not have been checked.
    @inline(__always)
    public func matches(_ event: BSONView) -> Bool { evaluate(event.bytes) }

    private func evaluate(_ event: UnsafeRawBufferPointer) -> Bool {
        var isWhole = true
        return FilterRun.matches(program, event, isWhole: &isWhole, asksWhole: false)
    }

    /// Whether a document is as the filter says not, and sound: its elements end where it ends. For who passes over what does not
    /// match without another look; a wrong length would swallow what follows. What is inside of documents in it is not looked at.
    public func passesOver(_ event: BSONView) -> Bool { passesOver(event.bytes) }

    private func passesOver(_ event: UnsafeRawBufferPointer) -> Bool {
        var isWhole = true
        return !FilterRun.matches(program, event, isWhole: &isWhole, asksWhole: true) && isWhole
    }

    /// What was counted so far, over all copies of this filter.
    public var statistics: Statistics {
        Statistics(overruns: program.overruns.load(ordering: .relaxed))
    }
}
