/// The `Encoder` that a value's `encode(to:)` sees: one node and the way to it.
struct NodeEncoder: Encoder {
    let node: EncodingNode
    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any]

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(KeyedNodes<Key>(encoder: self, isOpen: node.becomeDocument()))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        UnkeyedNodes(encoder: self, isOpen: node.becomeArray())
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleNode(encoder: self)
    }

    /// Encodes a whole value into this node.
    func encode<Value: Encodable>(_ value: Value) throws {
        if let convertible = value as? any BSONConvertible {
            let converted = convertible.bsonValue
            guard converted.isWritable else {
                throw invalid(value, "a regular expression with a NUL, which BSON cannot hold")
            }
            node.set(converted)
            return
        }
        guard codingPath.count < BSONValidator.defaultMaximumDepth else {
            throw invalid(value, "it nests deeper than \(BSONValidator.defaultMaximumDepth)")
        }
        try value.encode(to: self)
        if Value.self is any UnorderedKeys.Type { node.sortKeys() }
    }

    func child(_ key: any CodingKey) throws -> NodeEncoder {
        guard !key.stringValue.utf8.contains(0) else {
            throw invalid(key.stringValue, "a key with a NUL, which BSON cannot hold")
        }
        return NodeEncoder(
            node: node.child(key.stringValue), codingPath: codingPath + [key], userInfo: userInfo)
    }

    func nextChild() -> NodeEncoder {
        let key = PathKey(index: node.children.count)
        return NodeEncoder(node: node.nextChild(), codingPath: codingPath + [key], userInfo: userInfo)
    }

    /// An encoder whose result goes nowhere, for containers that cannot report that they should not exist.
    func detached() -> NodeEncoder {
        NodeEncoder(node: EncodingNode(), codingPath: codingPath, userInfo: userInfo)
    }

    func invalid(_ value: Any, _ reason: String) -> EncodingError {
        EncodingError.invalidValue(
            value,
            .init(codingPath: codingPath, debugDescription: "encoding \(type(of: value)) as BSON: \(reason)"))
    }
}

/// Types whose keys come in no order that means anything.
protocol UnorderedKeys {}
extension Dictionary: UnorderedKeys {}

/// A step of a coding path.
struct PathKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(stringValue: String) {
        self.stringValue = stringValue
        intValue = nil
    }

    init(intValue: Int) {
        self.init(index: intValue)
    }

    init(index: Int) {
        stringValue = String(index)
        intValue = index
    }

    static let `super` = PathKey(stringValue: "super")
}
