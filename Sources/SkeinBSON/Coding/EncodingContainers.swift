/// The three containers over an encoding node.
///
/// A container asked for where another kind was encoded before is closed: writing to it throws, since asking could not.
struct KeyedNodes<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: NodeEncoder
    let isOpen: Bool

    var codingPath: [any CodingKey] { encoder.codingPath }

    func encodeNil(forKey key: Key) throws {
        try child(key).node.set(.null)
    }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try child(key).encode(value)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        nested(key).container(keyedBy: keyType)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        nested(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { nested(PathKey.super) }

    func superEncoder(forKey key: Key) -> any Encoder { nested(key) }

    private func child(_ key: any CodingKey) throws -> NodeEncoder {
        guard isOpen else { throw encoder.invalid(key.stringValue, "two kinds of containers for one value") }
        return try encoder.child(key)
    }

    /// Cannot throw; what is written to a place that cannot be is dropped.
    private func nested(_ key: any CodingKey) -> NodeEncoder {
        (try? child(key)) ?? encoder.detached()
    }
}

struct UnkeyedNodes: UnkeyedEncodingContainer {
    let encoder: NodeEncoder
    let isOpen: Bool

    var codingPath: [any CodingKey] { encoder.codingPath }
    var count: Int { isOpen ? encoder.node.children.count : 0 }

    func encodeNil() throws {
        try next().node.set(.null)
    }

    func encode<Value: Encodable>(_ value: Value) throws {
        try next().encode(value)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> {
        nested().container(keyedBy: keyType)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        nested().unkeyedContainer()
    }

    func superEncoder() -> any Encoder { nested() }

    private func next() throws -> NodeEncoder {
        guard isOpen else { throw encoder.invalid("", "two kinds of containers for one value") }
        return encoder.nextChild()
    }

    private func nested() -> NodeEncoder {
        (try? next()) ?? encoder.detached()
    }
}

struct SingleNode: SingleValueEncodingContainer {
    let encoder: NodeEncoder

    var codingPath: [any CodingKey] { encoder.codingPath }

    func encodeNil() throws {
        encoder.node.set(.null)
    }

    func encode<Value: Encodable>(_ value: Value) throws {
        try encoder.encode(value)
    }
}
