extension BSONValue {
    /// The value as text, for formats that have no such value: a date as `2026-11-20T22:15:00.123Z`, a UUID as 8-4-4-4-12 digits,
    /// other bytes as Base64, numbers by their digits.
    package var plainText: String {
        switch self {
        case .string(let text), .symbol(let text), .javascript(let text), .javascriptWithScope(let text, _):
            text
        case .datetime(let milliseconds): InternetDate.text(milliseconds: milliseconds)
        case .decimal128(let number): number.description
        case .objectID(let id): id.description
        case .regex(let pattern, let options): "/\(pattern)/\(options)"
        case .timestamp(let increment, let seconds): "\(seconds).\(increment)"
        case .dbPointer(let collection, let id): "\(collection)/\(id)"
        case .binary(let binary): binary.plainText
        case .int32(let number): "\(number)"
        case .int64(let number): "\(number)"
        case .double(let number): "\(number)"
        case .bool(let flag): flag ? "true" : "false"
        case .null, .undefined, .minKey, .maxKey: "null"
        case .document, .array: ""
        }
    }
}

extension BSONBinary {
    /// A UUID (subtype 4) by its groups of digits, other bytes as Base64.
    package var plainText: String {
        guard subtype == 4, bytes.count == 16 else { return Base64.encode(bytes) }
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { digits[$0].joined() }.joined(separator: "-")
    }
}
