/// A place in the document that is being encoded, filled by whoever holds it: containers may be written in any order and
/// interleaved, so the bytes are made at the end.
final class EncodingNode {
    enum Content {
        case nothing
        case value(BSONValue)
        case document
        case array
    }

    private(set) var content = Content.nothing
    private var keys: [String] = []
    private(set) var children: [EncodingNode] = []
    private var places: [String: Int] = [:]

    func set(_ value: BSONValue) {
        content = .value(value)
    }

    /// Becomes a document or goes on being one. False if something else was encoded here before.
    func becomeDocument() -> Bool {
        if case .nothing = content { content = .document }
        if case .document = content { return true }
        return false
    }

    /// Becomes an array or goes on being one. False if something else was encoded here before.
    func becomeArray() -> Bool {
        if case .nothing = content { content = .array }
        if case .array = content { return true }
        return false
    }

    /// The place of a key, made anew if it was there before: the last write wins.
    func child(_ key: String) -> EncodingNode {
        let node = EncodingNode()
        if let place = places[key] {
            children[place] = node
        } else {
            places[key] = children.count
            keys.append(key)
            children.append(node)
        }
        return node
    }

    /// The next place of an array.
    func nextChild() -> EncodingNode {
        let node = EncodingNode()
        children.append(node)
        return node
    }

    /// Dictionaries have no order of their own; documents should have the same one each time.
    func sortKeys() {
        guard case .document = content else { return }
        let order = keys.indices.sorted { keys[$0] < keys[$1] }
        keys = order.map { keys[$0] }
        children = order.map { children[$0] }
        places = Dictionary(uniqueKeysWithValues: zip(keys, keys.indices))
    }

    /// What was encoded here; nil if nothing was.
    func bsonValue() -> BSONValue? {
        switch content {
        case .nothing: return nil
        case .value(let value): return value
        case .document:
            var builder = BSONBuilder()
            write(into: &builder)
            return .document(builder.finish())
        case .array:
            var builder = BSONArrayBuilder()
            write(into: &builder)
            return .array(builder.finish())
        }
    }

    private func write(into builder: inout BSONBuilder) {
        for (key, child) in zip(keys, children) {
            switch child.content {
            case .value(let value): builder.append(key, value)
            case .document, .nothing: builder.appendDocument(key) { child.write(into: &$0) }
            case .array: builder.appendArray(key) { child.write(into: &$0) }
            }
        }
    }

    private func write(into builder: inout BSONArrayBuilder) {
        for child in children {
            switch child.content {
            case .value(let value): builder.append(value)
            case .document, .nothing: builder.appendDocument { child.write(into: &$0) }
            case .array: builder.appendArray { child.write(into: &$0) }
            }
        }
    }
}
