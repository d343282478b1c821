public import SkeinBSON

/// An event as a test looks at it.
///
/// ```swift
/// let event = RecordedEvent(BSONDocument())
/// let status = event["response.status"]?.intValue
/// ```
public struct RecordedEvent: Sendable, Hashable, CustomStringConvertible {
    /// The whole document.
    public let document: BSONDocument

    /// Takes any document; a key that it lacks reads as empty, zero or nil.
    public init(_ document: BSONDocument) { self.document = document }

    /// What all events of its tree share: a trace id in hex, or what the caller gave.
    public var id: String { document["id"]?.stringValue ?? "" }
    /// The dotted type, `request.sql`.
    public var type: String { document["type"]?.stringValue ?? "" }
    /// The event's own span id, 16 hex digits.
    public var span: String { document["span"]?.stringValue ?? "" }
    /// The parent's span; nil at a root.
    public var parent: String? { document["parent"]?.stringValue }
    /// When the context opened, in Unix seconds.
    public var start: Double { document["start"]?.doubleValue ?? 0 }
    /// When the context closed, in Unix seconds.
    public var end: Double { document["end"]?.doubleValue ?? 0 }
    /// Seconds from start to end.
    public var elapsed: Double { end - start }
    /// The weight's inverse: 1 unless sampled.
    public var rate: Double { document["rate"]?.doubleValue ?? 1 }
    /// The fields.
    public var body: BSONDocument { document["body"]?.documentValue ?? BSONDocument() }
    /// The type of the error that ended it; nil if it ended well.
    public var errorType: String? { document[path: "error.type"]?.stringValue }
    /// The text of the error that ended it; nil if it ended well.
    public var errorMessage: String? { document[path: "error.message"]?.stringValue }

    /// A field by its dotted path.
    public subscript(path: String) -> BSONValue? { body[path: path] }

    public var description: String {
        let outcome = errorType.map { " failed with \($0)" } ?? ""
        return "\(type) \(span)\(outcome) \(body.map { "\($0.key)=\($0.value)" }.joined(separator: " "))"
    }
}

/// An event with its children: what a test compares trees by.
public struct RecordedTree: Sendable, CustomStringConvertible {
    /// The root of this tree.
    public let event: RecordedEvent
    /// In the order of their starts; of those that started at once, in the order of closing.
    public let children: [RecordedTree]

    /// The first child of a type.
    public func child(_ type: String) -> RecordedTree? { children.first { $0.event.type == type } }

    /// This event and all below it.
    public var all: [RecordedEvent] { [event] + children.flatMap(\.all) }

    /// The types of the tree in one line: `request(request.sql,request.sql)`.
    public var shape: String {
        children.isEmpty
            ? event.type : event.type + "(" + children.map(\.shape).joined(separator: ",") + ")"
    }

    public var description: String { lines(indentation: "").joined(separator: "\n") }

    private func lines(indentation: String) -> [String] {
        [indentation + event.description] + children.flatMap { $0.lines(indentation: indentation + "  ") }
    }

    /// The trees of a set of events. An event whose parent is not among them is a root.
    public static func trees(of events: [RecordedEvent]) -> [RecordedTree] {
        let spans = Set(events.map(\.span))
        let byParent = Dictionary(grouping: events.enumerated(), by: { $0.element.parent ?? "" })
        func build(_ event: RecordedEvent) -> RecordedTree {
            let below = (byParent[event.span] ?? []).filter { $0.element.span != event.span }
                .sorted { ($0.element.start, $0.offset) < ($1.element.start, $1.offset) }
            return RecordedTree(event: event, children: below.map { build($0.element) })
        }
        return events.filter { event in event.parent.map { !spans.contains($0) } ?? true }.map(build)
    }
}
