/// The key of a record in a Distlog context, `<counter>@<task id>`, where tasks are numbered `<parent>/<n>`.
///
/// From it come the id of the tree, and spans that are the same whoever works them out, so that the records of several processes
/// draw one tree (`Docs/EventDocument.md`, Records of other programs).
public struct RecordKey: Sendable, Hashable {
    /// How many records of the task came before: 0 is the one with which it begins.
    public let counter: UInt64
    /// The whole id of the task, `<root>/<n>/<n>…`.
    public let task: String

    /// A key by its parts.
    public init(counter: UInt64, task: String) {
        self.counter = counter
        self.task = task
    }

    /// Reads `3@0e6c…/1/2`; nil for anything else.
    public init?(_ text: String) {
        guard let at = text.firstIndex(of: "@"), let counter = UInt64(text[..<at]) else { return nil }
        self.init(counter: counter, task: String(text[text.index(after: at)...]))
    }

    /// The key as text.
    public var description: String { "\(counter)@\(task)" }

    /// What the whole tree shares: the id of the outermost task. Empty if there is none.
    public var root: String { String(task.prefix { $0 != "/" }) }

    /// The span of the record: with counter 0 it stands for the task itself.
    public var span: UInt64 { counter == 0 ? Self.span(task) : Self.span(description) }

    /// The span that the record is inside of; nil at the root of the tree.
    public var parent: UInt64? {
        if counter > 0 { return Self.span(task) }
        return task.lastIndex(of: "/").map { Self.span(String(task[..<$0])) }
    }

    /// FNV-1a, 64 bits; never 0.
    private static func span(_ text: String) -> UInt64 {
        var text = text
        return max(1, text.withUTF8 { EventType.hash(UnsafeRawBufferPointer($0)) })
    }
}
