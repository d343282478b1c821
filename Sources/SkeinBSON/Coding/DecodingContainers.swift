/// The three containers over a value.
struct KeyedValues<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: ValueDecoder
    private let keys: [String]
    private let values: [String: BSONValue]

    init(_ document: BSONDocument, decoder: ValueDecoder) {
        var keys: [String] = []
        var values: [String: BSONValue] = [:]
        for (key, value) in document where values[key] == nil {
            keys.append(key)
            values[key] = value
        }
        self.decoder = decoder
        self.keys = keys
        self.values = values
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] { keys.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { values[key.stringValue] != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try child(key).value.isNull }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try child(key).decode(type)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try child(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try child(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        decoder.child(values["super"] ?? .null, PathKey.super)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        decoder.child(values[key.stringValue] ?? .null, key)
    }

    private func child(_ key: Key) throws -> ValueDecoder {
        guard let value = values[key.stringValue] else {
            throw DecodingError.keyNotFound(
                key,
                .init(
                    codingPath: codingPath,
                    debugDescription: "decoding BSON: there is no key \"\(key.stringValue)\""))
        }
        return decoder.child(value, key)
    }
}

struct UnkeyedValues: UnkeyedDecodingContainer {
    let values: [BSONValue]
    let decoder: ValueDecoder
    private(set) var currentIndex = 0

    init(values: [BSONValue], decoder: ValueDecoder) {
        self.values = values
        self.decoder = decoder
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { values.count }
    var isAtEnd: Bool { currentIndex >= values.count }

    mutating func decodeNil() throws -> Bool {
        guard try current(BSONValue.self).value.isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try step(type) { decoder in try decoder.decode(type) }
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try step([String: Any].self) { decoder in try decoder.container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try step([Any].self) { decoder in try decoder.unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder {
        try step((any Decoder).self) { decoder in decoder }
    }

    /// Goes on only if `body` succeeds, so that a caller may try another type.
    private mutating func step<Value>(_ type: Any.Type, _ body: (ValueDecoder) throws -> Value) throws
        -> Value
    {
        let result = try body(current(type))
        currentIndex += 1
        return result
    }

    private func current(_ type: Any.Type) throws -> ValueDecoder {
        let key = PathKey(index: currentIndex)
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                type,
                .init(codingPath: codingPath + [key], debugDescription: "decoding BSON: the array ends here"))
        }
        return decoder.child(values[currentIndex], key)
    }
}

struct SingleValue: SingleValueDecodingContainer {
    let decoder: ValueDecoder

    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool { decoder.value.isNull }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoder.decode(type) }
}
