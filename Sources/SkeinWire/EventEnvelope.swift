/// What a collector needs to know of an event, as places in the bytes of its document.
///
/// A value of 72 bytes without references: made by ``EventCheck``, good for as long as the bytes it was made
/// from. Text that came as BSON binary of subtype 0 (Python 2) is text here too.
public struct EventEnvelope: Sendable, Hashable {
    /// A range of a document's bytes that holds text: UTF-8, unless it came as a binary with other bytes in it.
    /// Offset 0 says that the event has no such text.
    public struct Text: Sendable, Hashable {
        /// Where the text begins, in bytes from the document's first.
        public var offset: UInt32
        /// Its length in bytes.
        public var count: UInt32

        /// A range by its place; without arguments the text that is absent.
        @inlinable
        public init(offset: UInt32 = 0, count: UInt32 = 0) {
            self.offset = offset
            self.count = count
        }

        /// Whether the event has this text.
        @inlinable
        public var isPresent: Bool { offset != 0 }

        /// The text's bytes: empty when absent, or when the range does not fit `document`. Costs nothing.
        @inlinable
        public func bytes(in document: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
            guard offset != 0, Int(offset) + Int(count) <= document.count else {
                return UnsafeRawBufferPointer(start: nil, count: 0)
            }
            return UnsafeRawBufferPointer(rebasing: document[Int(offset)..<Int(offset) + Int(count)])
        }

        /// A copy as a string, nil when absent. Allocates.
        public func string(in document: UnsafeRawBufferPointer) -> String? {
            isPresent ? String(decoding: bytes(in: document), as: UTF8.self) : nil
        }
    }

    /// The type. Always present in an envelope that ``EventCheck`` made.
    public var type = Text()
    /// The id, if it is text.
    public var id = Text()
    /// The id, if it is a number.
    public var numericID: Int64?
    /// The host.
    public var host = Text()
    /// The span id.
    public var span = Text()
    /// The parent's span id.
    public var parent = Text()
    /// Unix seconds; nil if absent, not a number or not finite.
    public var start: Double?
    /// Unix seconds; nil if absent, not a number or not finite.
    public var end: Double?
    /// The level of a log record.
    public var level: Int32?

    /// An envelope in which everything is absent.
    public init() {}

    /// When the event happened, for whatever is laid out by time: its `end`, else its `start`.
    @inlinable
    public var time: Double? { end ?? start }
}
