/// What a record carries besides its message: keys with typed values, in an order.
///
/// A protocol, so that an adapter can hand over what it has without copying it. ``LogMetadata`` is the one for everybody else.
public protocol LogMetadataSource: Sendable {
    /// Calls `body` with each key and its value, in order; of a key that comes twice, the last counts.
    func visit(_ body: (_ key: String, _ value: any FieldValue & Sendable) -> Void)
}

extension LogMetadataSource {
    /// One document of all pairs, its keys as they are: dots do not nest here.
    public var document: BSONDocument {
        var values: [(key: String, value: BSONValue)] = []
        visit { key, value in
            if let place = values.firstIndex(where: { $0.key == key }) {
                values[place].value = value.bsonValue
            } else {
                values.append((key: key, value: value.bsonValue))
            }
        }
        var document = BSONDocument()
        for (key, value) in values { document.append(key, value) }
        return document
    }
}

/// Metadata as a literal spells it.
///
/// ```swift
/// let metadata: LogMetadata = ["user.id": 17, "plan": "free"]      // {user: {id: 17}, plan: "free"}
/// ```
/// Values keep their types to the query; dots in keys nest, as in the fields of a context. One allocation; none if empty.
public struct LogMetadata: LogMetadataSource, ExpressibleByDictionaryLiteral {
    @usableFromInline var pairs: [(String, any FieldValue & Sendable)]

    /// Nothing.
    @inlinable
    public init() { pairs = [] }

    @inlinable
    public init(dictionaryLiteral elements: (String, any FieldValue & Sendable)...) { pairs = elements }

    /// A dictionary's pairs, sorted by key.
    public init(_ values: [String: any FieldValue & Sendable]) {
        pairs = values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Whether there is nothing in it.
    public var isEmpty: Bool { pairs.isEmpty }

    /// The value of a key, the last one if there are several; nil takes the key out.
    public subscript(key: String) -> (any FieldValue & Sendable)? {
        get { pairs.last { $0.0 == key }?.1 }
        set {
            guard let newValue else { return pairs.removeAll { $0.0 == key } }
            if let place = pairs.lastIndex(where: { $0.0 == key }) {
                pairs[place].1 = newValue
            } else {
                pairs.append((key, newValue))
            }
        }
    }

    public func visit(_ body: (_ key: String, _ value: any FieldValue & Sendable) -> Void) {
        // In place, as a structure, whose parts can be lent: a tuple's are copied, and that counts references.
        pairs.withUnsafeBufferPointer { pairs in
            guard let base = pairs.baseAddress else { return }
            base.withMemoryRebound(to: Pair.self, capacity: pairs.count) { pair in
                for index in 0..<pairs.count { Self.lend(pair[index], body) }
            }
        }
    }

    /// Laid out as the tuple is.
    private struct Pair {
        let key: String
        let value: any FieldValue & Sendable
    }

    @inline(__always)
    private static func lend(
        _ pair: borrowing Pair, _ body: (_ key: String, _ value: any FieldValue & Sendable) -> Void
    ) {
        body(pair.key, pair.value)
    }
}

/// None at all, in the place of an optional, which is copied more slowly.
struct NoMetadata: LogMetadataSource {
    func visit(_ body: (_ key: String, _ value: any FieldValue & Sendable) -> Void) {}
}

/// What a logger always says, then what a call adds.
struct JoinedMetadata: LogMetadataSource {
    let first: LogMetadata
    let second: LogMetadata

    func visit(_ body: (_ key: String, _ value: any FieldValue & Sendable) -> Void) {
        first.visit(body)
        second.visit(body)
    }
}
