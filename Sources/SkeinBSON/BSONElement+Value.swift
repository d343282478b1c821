/// Borrowed elements as owned values.
extension BSONElement {
    /// The value with bytes of its own. Documents and arrays are validated through and through.
    ///
    /// - Throws: `invalidUTF8` for text, and whatever ``BSONValidator`` finds inside a document. The offset is
    ///   counted from the start of the value.
    public func bsonValue() throws(BSONError) -> BSONValue {
        switch type {
        case .double: return .double(Double(bitPattern: load(UInt64.self)))
        case .string: return .string(try string(4, value.count - 5))
        case .document: return .document(try inner(0))
        case .array: return .array(try inner(0))
        case .binary:
            guard let (subtype, bytes) = binary else { throw BSONFault.badValue.error(at: 0) }
            return .binary(BSONBinary(subtype: subtype, bytes: Array(bytes)))
        case .undefined: return .undefined
        case .objectID: return .objectID(try objectID(0))
        case .bool: return .bool(value[0] != 0)
        case .datetime: return .datetime(load(Int64.self))
        case .null: return .null
        case .regex:
            let end = value.firstIndex(of: 0) ?? 0
            return .regex(pattern: try string(0, end), options: try string(end + 1, value.count - end - 2))
        case .dbPointer:
            return .dbPointer(try string(4, value.count - 17), try objectID(value.count - 12))
        case .javascript: return .javascript(try string(4, value.count - 5))
        case .symbol: return .symbol(try string(4, value.count - 5))
        case .javascriptWithScope:
            let code = Int(load(Int32.self, at: 4))
            return .javascriptWithScope(try string(8, code - 1), try inner(8 + code))
        case .int32: return .int32(load(Int32.self))
        case .timestamp:
            return .timestamp(increment: load(UInt32.self), seconds: load(UInt32.self, at: 4))
        case .int64: return .int64(load(Int64.self))
        case .decimal128: return .decimal128(decimal128)
        case .minKey: return .minKey
        case .maxKey: return .maxKey
        }
    }

    private func string(_ offset: Int, _ count: Int) throws(BSONError) -> String {
        guard let text = String(validating: part(offset, count), as: UTF8.self) else {
            throw BSONFault.invalidUTF8.error(at: offset)
        }
        return text
    }

    private func inner(_ offset: Int) throws(BSONError) -> BSONDocument {
        let bytes = part(offset, value.count - offset)
        try BSONValidator.validate(bytes)
        return BSONDocument(unchecked: Array(bytes))
    }

    private func objectID(_ offset: Int) throws(BSONError) -> BSONObjectID {
        guard let id = BSONObjectID(part(offset, 12)) else { throw BSONFault.badLength.error(at: offset) }
        return id
    }
}
