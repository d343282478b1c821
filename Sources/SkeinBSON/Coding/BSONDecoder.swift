/// Decodes `Decodable` types from BSON: the other way of ``BSONEncoder``.
///
/// Numbers are taken from any numeric type if they fit exactly (a double may round); text from strings, symbols and
/// UTF-8 binaries of subtype 0; null and the deprecated undefined are nil. Of a repeated key the first counts. Any thread.
public struct BSONDecoder: Sendable {
    /// Handed to every `init(from:)`.
    public var userInfo: [CodingUserInfoKey: any Sendable] = [:]

    /// A decoder with an empty ``userInfo``.
    public init() {}

    /// Decodes a document.
    ///
    /// - Throws: `DecodingError`; `dataCorrupted` with a ``BSONError`` beneath if the bytes are no valid document.
    public func decode<Value: Decodable>(_ type: Value.Type, from document: BSONDocument) throws -> Value {
        do throws(BSONError) {
            try document.withView { view throws(BSONError) in try BSONValidator.validate(view.bytes) }
        } catch {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: [], debugDescription: "decoding \(type) from BSON: \(error)",
                    underlyingError: error))
        }
        return try decodeValue(type, from: .document(document))
    }

    /// Decodes a document that stands elsewhere. Copies it first.
    public func decode<Value: Decodable>(_ type: Value.Type, from view: BSONView) throws -> Value {
        try decode(type, from: view.document())
    }

    /// Decodes any value.
    public func decodeValue<Value: Decodable>(_ type: Value.Type, from value: BSONValue) throws -> Value {
        try ValueDecoder(value: value, codingPath: [], userInfo: userInfo).decode(type)
    }
}
