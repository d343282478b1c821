/// Builds a document element by element, in memory of its own that grows.
///
/// An append costs about 10 ns and no allocation but for growth. Values go in as they are: nothing is looked up,
/// repeated keys stay. Each append returns false and writes nothing if BSON cannot hold the element: a NUL in the
/// key, a regular expression with a NUL, more than 2 GiB in all.
///
/// ```swift
/// var builder = BSONBuilder()
/// builder.append("type", string: "request")
/// builder.appendDocument("body") { body in
///     body.append("status", int32: 200)
///     body.appendArray("tags") { tags in
///         tags.append("a")
///         tags.append("b")
///     }
/// }
/// let document = builder.finish()
/// ```
public struct BSONBuilder: Sendable {
    /// Its count is the room; `used` is what is written.
    var storage: [UInt8]
    var used = 4
    /// Where the documents that are open inside begin.
    var open: [Int] = []

    /// - Parameter capacity: bytes to reserve.
    public init(capacity: Int = 256) {
        storage = [UInt8](repeating: 0, count: max(16, capacity))
    }

    /// The size of the document if it were finished now.
    public var byteCount: Int { used + 1 + open.count }

    // MARK: Elements

    /// Appends a value of any type.
    @discardableResult
    public mutating func append(_ key: String, _ value: BSONValue) -> Bool {
        guard value.isWritable else { return false }
        return element(value.type, key, value.encodedSize) { $0.value(value) }
    }

    /// Appends a double, NaN and the infinities included.
    @discardableResult
    public mutating func append(_ key: String, double value: Double) -> Bool {
        element(.double, key, 8) { $0.integer(value.bitPattern) }
    }

    /// Appends a string; a NUL inside is kept.
    @discardableResult
    public mutating func append(_ key: String, string value: String) -> Bool {
        var value = value
        return value.withUTF8 { append(key, utf8: UnsafeRawBufferPointer($0)) }
    }

    /// Appends a string given as bytes that the caller knows to be UTF-8.
    @discardableResult
    public mutating func append(_ key: String, utf8: UnsafeRawBufferPointer) -> Bool {
        element(.string, key, 5 + utf8.count) { $0.text(utf8) }
    }

    /// Appends a copy of a document.
    @discardableResult
    public mutating func append(_ key: String, document value: BSONDocument) -> Bool {
        append(key, .document(value))
    }

    /// Appends a copy of a document that stands elsewhere.
    @discardableResult
    public mutating func append(_ key: String, document value: BSONView) -> Bool {
        element(.document, key, value.bytes.count) { $0.bytes(value.bytes) }
    }

    /// Appends an array of values, in order.
    @discardableResult
    public mutating func append(_ key: String, array values: [BSONValue]) -> Bool {
        append(key, .array(.array(values)))
    }

    /// Appends a copy of bytes as a binary. Subtype 2 repeats its length inside the value; that is done here.
    @discardableResult
    public mutating func append(_ key: String, binary value: UnsafeRawBufferPointer, subtype: UInt8 = 0)
        -> Bool
    {
        element(.binary, key, value.count + (subtype == BSONBinary.oldSubtype ? 9 : 5)) {
            $0.binaryValue(value, subtype: subtype)
        }
    }

    /// Appends an object id.
    @discardableResult
    public mutating func append(_ key: String, objectID value: BSONObjectID) -> Bool {
        element(.objectID, key, 12) { $0.objectIDValue(value) }
    }

    /// Appends a bool.
    @discardableResult
    public mutating func append(_ key: String, bool value: Bool) -> Bool {
        element(.bool, key, 1) { $0.byte(value ? 1 : 0) }
    }

    /// Milliseconds since the Unix epoch.
    @discardableResult
    public mutating func append(_ key: String, datetime milliseconds: Int64) -> Bool {
        element(.datetime, key, 8) { $0.integer(milliseconds) }
    }

    /// Appends a null.
    @discardableResult
    public mutating func appendNull(_ key: String) -> Bool {
        element(.null, key, 0) { _ in }
    }

    /// Appends an int32.
    @discardableResult
    public mutating func append(_ key: String, int32 value: Int32) -> Bool {
        element(.int32, key, 4) { $0.integer(value) }
    }

    /// Appends an int64, however small the number is.
    @discardableResult
    public mutating func append(_ key: String, int64 value: Int64) -> Bool {
        element(.int64, key, 8) { $0.integer(value) }
    }

    /// Appends a decimal128.
    @discardableResult
    public mutating func append(_ key: String, decimal128 value: BSONDecimal128) -> Bool {
        append(key, .decimal128(value))
    }

    /// Appends a copy of an element that stands elsewhere, as it is.
    @discardableResult
    public mutating func append(_ element: BSONElement) -> Bool {
        let size = 2 + element.key.count + element.value.count
        return room(size) {
            $0.header(element.type, key: element.key)
            $0.bytes(element.value)
        }
    }

    // MARK: Nesting

    /// Appends a document that `body` builds in place. If `body` throws, what it wrote so far stays.
    @discardableResult
    public mutating func appendDocument<Failure: Error>(
        _ key: String, _ body: (inout BSONBuilder) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        guard begin(.document, key) else { return false }
        let depth = open.count
        defer { close(to: depth - 1) }
        try body(&self)
        return true
    }

    /// Appends an array that `body` builds in place. If `body` throws, what it wrote so far stays.
    @discardableResult
    public mutating func appendArray<Failure: Error>(
        _ key: String, _ body: (inout BSONArrayBuilder) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        guard begin(.array, key) else { return false }
        let depth = open.count
        // Moved there and back, so that the storage keeps one owner and is never copied.
        var array = BSONArrayBuilder(moving: self)
        self = BSONBuilder(moved: ())
        defer {
            self = array.builder
            array = BSONArrayBuilder(moving: BSONBuilder(moved: ()))
            close(to: depth - 1)
        }
        try body(&array)
        return true
    }

    /// Opens a document or an array inside, for who cannot work in a closure. Everything goes into it until `end`.
    mutating func begin(_ type: BSONType, _ key: String) -> Bool {
        guard element(type, key, 5, { $0.pointer += 4 }) else { return false }
        open.append(used - 4)
        return true
    }

    /// Closes what was opened last.
    mutating func end() {
        if let start = open.popLast() { terminate(start) }
    }

    // MARK: The end

    /// The document so far. Documents that are still open inside are closed in it. A builder that is not used again hands
    /// its memory over; one that is goes on as it was, and the document is a copy.
    public consuming func finish() -> BSONDocument {
        var done = self
        done.close(to: 0)
        done.terminate(0)
        done.storage.removeLast(done.storage.count - done.used)
        return BSONDocument(unchecked: done.storage)
    }

    /// Forgets all elements and keeps the memory.
    public mutating func removeAll() {
        used = 4
        open.removeAll(keepingCapacity: true)
    }

    // MARK: Memory

    /// What stands in `self` while the storage is with an array builder.
    private init(moved: ()) {
        storage = []
    }

    private mutating func close(to depth: Int) {
        while open.count > depth, let start = open.popLast() { terminate(start) }
    }

    private mutating func terminate(_ start: Int) {
        // Room for the terminators of all open documents is part of every check below, so this always fits.
        grow(1)
        let length = Int32(truncatingIfNeeded: used + 1 - start)
        storage.withUnsafeMutableBytes { memory in
            memory[used] = 0
            memory.storeBytes(of: length.littleEndian, toByteOffset: start, as: Int32.self)
        }
        used += 1
    }

    @inline(__always)
    mutating func element(
        _ type: BSONType, _ key: String, _ valueSize: Int, _ write: (inout BSONRawWriter) -> Void
    ) -> Bool {
        var key = key
        return key.withUTF8 { key in
            let key = UnsafeRawBufferPointer(key)
            if let base = key.baseAddress, BSONLayout.indexOfZero(base, from: 0, to: key.count) >= 0 {
                return false
            }
            return room(2 + key.count + valueSize) {
                $0.header(type, key: key)
                write(&$0)
            }
        }
    }

    @inline(__always)
    mutating func room(_ size: Int, _ write: (inout BSONRawWriter) -> Void) -> Bool {
        guard byteCount + size <= BSONDocument.maximumBytes else { return false }
        if used + size > storage.count { grow(size) }
        storage.withUnsafeMutableBytes { memory in
            guard let base = memory.baseAddress else { return }
            var writer = BSONRawWriter(base + used)
            write(&writer)
            used = writer.pointer - base
        }
        return true
    }

    private mutating func grow(_ size: Int) {
        guard used + size > storage.count else { return }
        let count = max(storage.count * 2, used + size)
        storage.append(contentsOf: repeatElement(0, count: count - storage.count))
    }
}
