// How BSON's own types stand in other formats, JSON for one. BSONEncoder and BSONDecoder never come here: to them these
// types are values (BSONConvertible).

extension BSONObjectID: Codable {
    /// As 24 hex digits.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = try BSONObjectID(hex: container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "an object id is 24 hex digits")
        }
        self = id
    }
}

extension BSONDecimal128: Codable {
    /// As text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = try BSONDecimal128(container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a decimal128 is a number of at most 34 digits as text")
        }
        self = value
    }
}

extension BSONDocument: Codable {
    /// As an object; formats that sort or repeat no keys do so.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: PathKey.self)
        for (key, value) in self { try container.encode(value, forKey: PathKey(stringValue: key)) }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: PathKey.self)
        self.init()
        for key in container.allKeys {
            append(key.stringValue, try container.decode(BSONValue.self, forKey: key))
        }
    }
}

extension BSONValue: Codable {
    /// As what comes closest: datetimes as milliseconds, object ids and decimals as text, `minKey` and `maxKey` as null.
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .document(let document):
            try document.encode(to: encoder)
        case .array(let document):
            var container = encoder.unkeyedContainer()
            for (_, value) in document { try container.encode(value) }
        case .binary(let binary):
            try binary.encode(to: encoder)
        case .undefined, .null, .minKey, .maxKey:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        default:
            var container = encoder.singleValueContainer()
            switch self {
            case .double(let value): try container.encode(value)
            case .string(let value), .symbol(let value), .javascript(let value),
                .javascriptWithScope(let value, _):
                try container.encode(value)
            case .bool(let value): try container.encode(value)
            case .int32(let value): try container.encode(value)
            case .int64(let value), .datetime(let value): try container.encode(value)
            case .objectID(let value), .dbPointer(_, let value): try container.encode(value)
            case .decimal128(let value): try container.encode(value)
            case .regex(let pattern, let options): try container.encode("/\(pattern)/\(options)")
            case .timestamp(_, let seconds): try container.encode(seconds)
            default: try container.encodeNil()
            }
        }
    }

    /// From what a self-describing format has: null, bools, numbers, text, arrays, objects.
    public init(from decoder: any Decoder) throws {
        if let container = try? decoder.singleValueContainer() {
            if container.decodeNil() {
                self = .null
                return
            }
            if let value = try? container.decode(Bool.self) {
                self = .bool(value)
                return
            }
            if let value = try? container.decode(Int64.self) {
                self = .int64(value)
                return
            }
            if let value = try? container.decode(Double.self) {
                self = .double(value)
                return
            }
            if let value = try? container.decode(String.self) {
                self = .string(value)
                return
            }
        }
        if var container = try? decoder.unkeyedContainer() {
            var values: [BSONValue] = []
            while !container.isAtEnd { values.append(try container.decode(BSONValue.self)) }
            self = .array(.array(values))
            return
        }
        self = .document(try BSONDocument(from: decoder))
    }
}
