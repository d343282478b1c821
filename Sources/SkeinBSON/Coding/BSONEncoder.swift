/// Encodes `Encodable` values as BSON.
///
/// | Swift | BSON |
/// |---|---|
/// | `Bool`, `String` | bool, string |
/// | `Double`, `Float` | double |
/// | `Int`, `Int64`, `UInt32` | int64 |
/// | `Int32`, `Int16`, `Int8`, `UInt16`, `UInt8` | int32 |
/// | `UInt`, `UInt64` | int64; above 2⁶³ − 1 decimal128, exact |
/// | `[UInt8]` | binary, subtype 0 |
/// | dictionaries with text keys | document, keys sorted |
/// | nil, where it is encoded at all | null |
/// | ``BSONConvertible`` | what it says |
///
/// Some microseconds a value, and allocations: for the edges, not for hot paths. Any thread.
///
/// ```swift
/// struct Hit: Codable { var page: String; var rank: Int }
/// let document = try BSONEncoder().encode(Hit(page: "/", rank: 1))
/// let hit = try BSONDecoder().decode(Hit.self, from: document)
/// ```
public struct BSONEncoder: Sendable {
    /// Handed to every `encode(to:)`.
    public var userInfo: [CodingUserInfoKey: any Sendable] = [:]

    /// An encoder with an empty ``userInfo``.
    public init() {}

    /// Encodes a value that is a document.
    ///
    /// - Throws: `EncodingError.invalidValue` if it is a scalar or an array, nests deeper than 100, or has a key with a
    ///   NUL; and whatever its `encode(to:)` throws.
    public func encode<Value: Encodable>(_ value: Value) throws -> BSONDocument {
        guard case .document(let document) = try encodeValue(value) else {
            throw EncodingError.invalidValue(
                value,
                .init(
                    codingPath: [],
                    debugDescription:
                        "encoding \(Value.self) as BSON: a document was expected, encodeValue takes the rest")
            )
        }
        return document
    }

    /// Encodes any value: a document, an array or a scalar.
    public func encodeValue<Value: Encodable>(_ value: Value) throws -> BSONValue {
        let node = EncodingNode()
        let encoder = NodeEncoder(node: node, codingPath: [], userInfo: userInfo)
        try encoder.encode(value)
        guard let result = node.bsonValue() else {
            throw EncodingError.invalidValue(
                value,
                .init(codingPath: [], debugDescription: "encoding \(Value.self) as BSON: it encoded nothing"))
        }
        // Documents that came in ready-made may nest too deep now that they stand inside others.
        if let document = BSONDocument(bsonValue: result) {
            do throws(BSONError) {
                try document.withView { view throws(BSONError) in try BSONValidator.validate(view.bytes) }
            } catch {
                throw EncodingError.invalidValue(
                    value,
                    .init(
                        codingPath: [], debugDescription: "encoding \(Value.self) as BSON: \(error)",
                        underlyingError: error))
            }
        }
        return result
    }
}
