import SkeinBSON
import SkeinWire

/// Takes the standard output of a processor apart: BSON documents, one behind the other, verdicts and answers
/// (`Docs/Processors.md`). Any bytes may come.
struct ProcessorOutput {
    enum Item: Equatable {
        /// The first so many documents are taken.
        case acknowledge(UInt64)
        /// Those before this one are taken; it is refused.
        case refuse(UInt64, String)
        /// Those before this one are taken; it cannot be now.
        case again(UInt64, String)
        /// Any other document.
        case document([UInt8])
    }

    /// What came cannot be taken apart any more.
    struct Garbage: Error, Equatable {
        var reason: String
    }

    private var bytes: [UInt8] = []
    private var start = 0

    /// Bytes that are no whole document yet.
    var pending: Int { bytes.count - start }

    mutating func append(_ more: UnsafeRawBufferPointer) {
        if start > 0, start == bytes.count || start > 1 << 16 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes.append(contentsOf: more)
    }

    /// The next document; nil until more came.
    mutating func next() throws(Garbage) -> Item? {
        let (item, count) = try bytes.withUnsafeBufferPointer { all throws(Garbage) -> (Item?, Int) in
            let rest = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: all[start...]))
            guard rest.count >= 4 else { return (nil, 0) }
            guard let length = BSONView.announcedLength(rest), length <= EventCheck.maximumBytes else {
                throw Garbage(reason: "it wrote what is no BSON")
            }
            guard length <= rest.count else { return (nil, 0) }
            let document = UnsafeRawBufferPointer(rebasing: rest[..<length])
            guard BSONView(prefixOf: document) != nil else {
                throw Garbage(reason: "it wrote what is no BSON")
            }
            return (try Self.item(document), length)
        }
        start += count
        return item
    }

    private static func item(_ bytes: UnsafeRawBufferPointer) throws(Garbage) -> Item {
        guard let view = BSONView(prefixOf: bytes) else { throw Garbage(reason: "it wrote what is no BSON") }
        var elements = view.makeElements()
        guard let first = elements.nextIfValid(), view.first("type") == nil else {
            return .document(Array(bytes))
        }
        func number() throws(Garbage) -> UInt64 {
            // A language without integers sends a double.
            let value = first.integer ?? first.number.flatMap { Int64(exactly: $0) }
            guard let value, value >= 0 else {
                throw Garbage(reason: "its verdict \"\(first.keyString)\" has no number")
            }
            return UInt64(value)
        }
        func reason() -> String { String((view.first("reason")?.text ?? "no reason given").prefix(1000)) }
        if first.hasKey("ack") { return .acknowledge(try number()) }
        if first.hasKey("refuse") { return .refuse(try number(), reason()) }
        if first.hasKey("again") { return .again(try number(), reason()) }
        return .document(Array(bytes))
    }
}
