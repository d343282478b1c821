/// A BSON document that owns its bytes.
///
/// It is its encoding: copying is O(1), comparing and hashing go by the bytes (so the order of keys counts), and
/// reading a key walks from the front. Build large ones with ``BSONBuilder``.
///
/// ```swift
/// var event: BSONDocument = ["id": "7f", "pid": .int32(12), "body": ["rows": 3]]
/// event["host"] = "a.example"
/// let rows = event[path: "body.rows"]?.intValue
/// ```
public struct BSONDocument: Sendable, Hashable {
    /// The encoded document: length, elements, terminator.
    public private(set) var bytes: [UInt8]

    /// The empty document.
    public init() {
        bytes = Self.emptyBytes
    }

    /// Copies and validates bytes that are one document from end to end, at most 100 deep.
    ///
    /// - Throws: the first finding of ``BSONValidator``.
    public init(validating bytes: some Sequence<UInt8>) throws(BSONError) {
        let bytes = Array(bytes)
        try bytes.withUnsafeBytes { bytes -> Result<Void, BSONError> in
            Result { () throws(BSONError) in try BSONValidator.validate(bytes) }
        }.get()
        self.bytes = bytes
    }

    /// Takes bytes that the caller knows to be a valid document. If they are not, reading gives wrong or
    /// missing values, but never touches memory outside of them.
    public init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A document of these elements, in their order. An element that BSON cannot hold is left out, as by
    /// ``append(_:_:)``.
    public init(_ elements: some Sequence<(String, BSONValue)>) {
        self.init()
        for (key, value) in elements { append(key, value) }
    }

    /// The document that an array is: keys `0`, `1`, … A regular expression with a NUL, which BSON cannot hold,
    /// becomes null, so that the others keep their places.
    public static func array(_ values: some Sequence<BSONValue>) -> BSONDocument {
        var builder = BSONArrayBuilder()
        for value in values where !builder.append(value) { builder.append(.null) }
        return builder.finish()
    }

    static let emptyBytes: [UInt8] = [5, 0, 0, 0, 0]

    /// Lends the bytes as a view, without a copy.
    public func withView<Value, Failure: Error>(
        _ body: (BSONView) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        // Array's closure rethrows without a type, so the error goes through a result.
        try bytes.withUnsafeBytes { bytes -> Result<Value, Failure> in
            do throws(Failure) {
                return .success(try body(BSONView(unchecked: bytes)))
            } catch {
                return .failure(error)
            }
        }.get()
    }

    /// Whether there is no element. Costs nothing, unlike the count.
    public var isEmpty: Bool { bytes.count <= 5 }

    /// The number of elements. Cost: a walk.
    public var count: Int {
        withView { view in
            var elements = view.makeElements()
            var count = 0
            while elements.nextIfValid() != nil { count += 1 }
            return count
        }
    }

    /// The keys in order, repeated ones as often as they stand there.
    public var keys: [String] {
        withView { view in
            var elements = view.makeElements()
            var keys: [String] = []
            while let element = elements.nextIfValid() { keys.append(element.keyString) }
            return keys
        }
    }

    /// The value at a dotted path through documents and arrays (`body.list.0`); nil if there is none.
    public subscript(path path: String) -> BSONValue? {
        withView { view in view.find(path: path).flatMap { try? $0.bsonValue() } }
    }

    /// The first value of a key at the top level. A dot in the key is a part of it.
    ///
    /// Setting replaces the first value in its place or appends; setting nil removes it. A key or value that BSON
    /// cannot hold (see ``append(_:_:)``) changes nothing.
    public subscript(key: String) -> BSONValue? {
        get {
            withView { view in view.first(key).flatMap { try? $0.bsonValue() } }
        }
        set {
            guard let place = place(of: key) else {
                if let newValue { append(key, newValue) }
                return
            }
            guard let newValue else {
                bytes.removeSubrange(place)
                patchLength()
                return
            }
            var element = BSONDocument()
            guard element.append(key, newValue),
                bytes.count - place.count + element.bytes.count <= Self.maximumBytes
            else { return }
            bytes.replaceSubrange(place, with: element.bytes[4..<element.bytes.count - 1])
            patchLength()
        }
    }

    /// What an int32 length can tell.
    static let maximumBytes = Int(Int32.max)

    /// Appends an element, whether or not the key is there already. Amortized O(size of the element).
    ///
    /// - Returns: false, and nothing appended, if BSON cannot hold it: a key with a NUL, a regular expression with a
    ///   NUL, or more than 2 GiB in all.
    @discardableResult
    public mutating func append(_ key: String, _ value: BSONValue) -> Bool {
        var key = key
        let size = 2 + key.utf8.count + value.encodedSize
        guard value.isWritable, !key.utf8.contains(0) else { return false }
        if bytes.count < 5 { bytes = Self.emptyBytes }
        guard bytes.count + size <= Self.maximumBytes else { return false }
        let start = bytes.count - 1
        bytes.append(contentsOf: repeatElement(0, count: size))
        bytes.withUnsafeMutableBytes { room in
            guard let base = room.baseAddress else { return }
            var writer = BSONRawWriter(base + start)
            key.withUTF8 { writer.header(value.type, key: UnsafeRawBufferPointer($0)) }
            writer.value(value)
            writer.byte(0)
        }
        patchLength()
        return true
    }

    private mutating func patchLength() {
        let length = Int32(truncatingIfNeeded: bytes.count)
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: length.littleEndian, as: Int32.self) }
    }

    /// Where the first element of this key stands, from its type byte to the end of its value.
    private func place(of key: String) -> Range<Int>? {
        var key = key
        return key.withUTF8 { key in
            withView { view in
                var elements = view.makeElements()
                guard let element = elements.next(key: UnsafeRawBufferPointer(key)) else { return nil }
                let end = elements.offset
                // Type, key, NUL, value.
                let start = end - element.value.count - element.key.count - 2
                return start..<end
            }
        }
    }
}

extension BSONDocument: Sequence {
    public typealias Element = (key: String, value: BSONValue)

    /// Walks the elements, copying each. Ends early at a malformed one, which only `init(unchecked:)` can bring in.
    public struct Iterator: IteratorProtocol {
        let document: BSONDocument
        var offset = 4

        public mutating func next() -> Element? {
            let found = document.withView { view -> (element: Element, next: Int)? in
                var elements = view.makeElements()
                elements.resume(at: offset)
                guard let element = elements.nextIfValid(), let value = try? element.bsonValue() else {
                    return nil
                }
                return ((element.keyString, value), elements.offset)
            }
            guard let found else { return nil }
            offset = found.next
            return found.element
        }
    }

    public func makeIterator() -> Iterator { Iterator(document: self) }

    public var underestimatedCount: Int { 0 }
}

extension BSONDocument: ExpressibleByDictionaryLiteral {
    /// Keeps the order and repeated keys.
    public init(dictionaryLiteral elements: (String, BSONValue)...) {
        self.init(elements)
    }
}
