/// One document in bytes that belong to somebody else.
///
/// Borrowed: it never owns, copies or allocates, and it is valid only while the bytes are. What is inside may be
/// anything: every access is bounds-checked, and malformed bytes end a walk. Any thread may read.
public struct BSONView {
    /// Exactly one document: its length, elements, and the terminator.
    public let bytes: UnsafeRawBufferPointer

    /// Takes bytes that are one document from end to end. Looks at the length and the last byte only;
    /// ``BSONValidator`` checks what is inside.
    ///
    /// - Throws: `truncated`, `badLength`, `missingTerminator` or, if the document ends earlier, `trailingBytes`.
    public init(_ bytes: UnsafeRawBufferPointer) throws(BSONError) {
        guard let base = bytes.baseAddress else { throw BSONFault.truncated.error(at: 0) }
        let size = BSONLayout.documentSize(base, available: bytes.count)
        if size < 0 { throw BSONLayout.fault(size).error(at: 0) }
        if size != bytes.count { throw BSONFault.trailingBytes.error(at: size) }
        self.bytes = bytes
    }

    /// Takes the first document of a run of documents, as in a file or a batch. Nil if it is truncated or its
    /// length or last byte cannot be. The next one begins at `bytes.count`.
    public init?(prefixOf bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return nil }
        let size = BSONLayout.documentSize(base, available: bytes.count)
        if size < 0 { return nil }
        self.bytes = UnsafeRawBufferPointer(start: base, count: size)
    }

    /// A document without elements.
    package static var empty: BSONView { BSONView(unchecked: emptyBytes) }

    // Written once, never freed.
    nonisolated(unsafe) private static let emptyBytes: UnsafeRawBufferPointer = {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 5, alignment: 4)
        bytes.copyBytes(from: [5, 0, 0, 0, 0])
        return UnsafeRawBufferPointer(bytes)
    }()

    /// For bytes whose shape was looked at already. A lie costs wrong answers, never memory.
    init(unchecked bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The length that a document at the start of `bytes` announces, whether or not that many bytes are there.
    ///
    /// For readers that must know how much to fetch: 4 bytes are enough. Nil with fewer, or if no document can
    /// have that length (below 5).
    @inlinable
    public static func announcedLength(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count >= 4 else { return nil }
        let length = Int32(littleEndian: bytes.loadUnaligned(as: Int32.self))
        return length >= 5 ? Int(length) : nil
    }

    /// Whether `bytes` is one document as far as its length and last byte tell. 1 ns; never throws.
    @inlinable
    public static func isPlausible(_ bytes: UnsafeRawBufferPointer) -> Bool {
        announcedLength(bytes) == bytes.count && bytes[bytes.count - 1] == 0
    }

    /// A walk over the elements.
    public func makeElements() -> BSONElements {
        BSONElements(bytes)
    }

    /// Whether there is no element.
    public var isEmpty: Bool { bytes.count <= 5 }

    /// The first element of this key; nil if there is none before the end or before malformed bytes.
    /// About 5 ns for each element passed.
    @inlinable
    public func first(_ key: StaticString) -> BSONElement? {
        key.withUTF8Buffer { first(key: UnsafeRawBufferPointer($0)) }
    }

    /// The first element of a computed key.
    @_disfavoredOverload  // so that a literal takes the StaticString
    public func first(_ key: String) -> BSONElement? {
        var key = key
        return key.withUTF8 { first(key: UnsafeRawBufferPointer($0)) }
    }

    /// The first element of a key given as bytes without a NUL.
    public func first(key: UnsafeRawBufferPointer) -> BSONElement? {
        var elements = makeElements()
        return elements.next(key: key)
    }

    /// The element at a dotted path: `response.status`, `list.0`.
    ///
    /// Each step names a key of a document or an index of an array. A key that itself has a dot is not found
    /// this way. Nil if a step is missing, or leads through a scalar or malformed bytes.
    @inlinable
    public func find(path: StaticString) -> BSONElement? {
        path.withUTF8Buffer { find(path: UnsafeRawBufferPointer($0)) }
    }

    /// The element at a computed dotted path.
    @_disfavoredOverload
    public func find(path: String) -> BSONElement? {
        var path = path
        return path.withUTF8 { find(path: UnsafeRawBufferPointer($0)) }
    }

    /// The element at a dotted path given as bytes.
    public func find(path: UnsafeRawBufferPointer) -> BSONElement? {
        var view = self
        var start = 0
        while true {
            var end = start
            while end < path.count, path[end] != UInt8(ascii: ".") { end += 1 }
            guard let element = view.first(key: UnsafeRawBufferPointer(rebasing: path[start..<end])) else {
                return nil
            }
            if end == path.count { return element }
            guard let inner = element.document else { return nil }
            view = inner
            start = end + 1
        }
    }

    /// A copy that owns its bytes. They are not validated.
    public func document() -> BSONDocument {
        BSONDocument(unchecked: Array(bytes))
    }
}
