/// Builds an array: a ``BSONBuilder`` that counts the keys `0`, `1`, … by itself.
///
/// An append that returns false wrote nothing and used up no index.
public struct BSONArrayBuilder: Sendable {
    var builder: BSONBuilder
    /// The number of values so far.
    public private(set) var count = 0

    /// - Parameter capacity: bytes to reserve.
    public init(capacity: Int = 256) {
        builder = BSONBuilder(capacity: capacity)
    }

    init(moving builder: consuming BSONBuilder) {
        self.builder = builder
    }

    /// Appends a value. False if BSON cannot hold it: a regular expression with a NUL, more than 2 GiB in all.
    @discardableResult
    public mutating func append(_ value: BSONValue) -> Bool {
        guard value.isWritable else { return false }
        let index = count
        let written = builder.room(21 + value.encodedSize) {
            $0.header(value.type, index: index)
            $0.value(value)
        }
        if written { count += 1 }
        return written
    }

    /// Appends a document that `body` builds in place.
    @discardableResult
    public mutating func appendDocument<Failure: Error>(
        _ body: (inout BSONBuilder) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        count += 1
        return try builder.appendDocument(String(count - 1), body)
    }

    /// Appends an array that `body` builds in place.
    @discardableResult
    public mutating func appendArray<Failure: Error>(
        _ body: (inout BSONArrayBuilder) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        count += 1
        return try builder.appendArray(String(count - 1), body)
    }

    /// The array so far, for ``BSONValue/array(_:)``.
    public consuming func finish() -> BSONDocument { builder.finish() }
}
