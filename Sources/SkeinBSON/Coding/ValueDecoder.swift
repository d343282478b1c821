/// The `Decoder` that a type's `init(from:)` sees: one value and the way to it.
struct ValueDecoder: Decoder {
    let value: BSONValue
    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any]

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .document(let document) = value else { throw mismatch([String: Any].self) }
        return KeyedDecodingContainer(KeyedValues<Key>(document, decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard let values = value.arrayValues else { throw mismatch([Any].self) }
        return UnkeyedValues(values: values, decoder: self)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        SingleValue(decoder: self)
    }

    /// Decodes this value as a whole.
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let convertible = type as? any BSONConvertible.Type {
            if let result = convertible.init(bsonValue: value) as? Value { return result }
            if type is any BSONScalar.Type { throw mismatch(type) }
        }
        // What nests deeper was refused by validation, unless the value never was bytes.
        guard codingPath.count <= BSONValidator.defaultMaximumDepth else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: codingPath, debugDescription: "decoding \(type) from BSON: it nests too deep")
            )
        }
        return try type.init(from: self)
    }

    func child(_ value: BSONValue, _ key: any CodingKey) -> ValueDecoder {
        ValueDecoder(value: value, codingPath: codingPath + [key], userInfo: userInfo)
    }

    func mismatch(_ type: Any.Type) -> DecodingError {
        let context = DecodingError.Context(
            codingPath: codingPath,
            debugDescription: "decoding \(type) from BSON: found \(value.type) that is none")
        return value.isNull ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }
}
