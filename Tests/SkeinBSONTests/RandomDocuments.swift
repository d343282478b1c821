import CSkeinBSON
import SkeinBSON
import SkeinPlatform

/// Random documents of every type, the same for the same seed.
struct RandomDocuments {
    var random: FastRandom

    init(seed: UInt64) {
        random = FastRandom(seed: seed)
    }

    mutating func document(depth: Int = 4) -> [(String, BSONValue)] {
        let count = Int.random(in: 0...(depth > 0 ? 9 : 2), using: &random)
        return (0..<count).map { _ in (key(), value(depth: depth)) }
    }

    mutating func value(depth: Int) -> BSONValue {
        let kinds = depth > 0 ? 21 : 18
        switch Int.random(in: 0..<kinds, using: &random) {
        case 0: return .double(double())
        case 1: return .string(text())
        case 2: return .binary(binary())
        case 3: return .undefined
        case 4: return .objectID(objectID())
        case 5: return .bool(.random(using: &random))
        case 6: return .datetime(integer())
        case 7: return .null
        case 8: return .regex(pattern: text(nul: false), options: options())
        case 9: return .dbPointer(text(nul: false), objectID())
        case 10: return .javascript(text(nul: false))
        case 11: return .symbol(text())
        case 12: return .int32(Int32(truncatingIfNeeded: integer()))
        case 13:
            return .timestamp(
                increment: UInt32(truncatingIfNeeded: integer()),
                seconds: UInt32(truncatingIfNeeded: integer()))
        case 14: return .int64(integer())
        case 15: return .decimal128(decimal())
        case 16: return .minKey
        case 17: return .maxKey
        case 18: return .document(BSONDocument(document(depth: depth - 1)))
        case 19:
            let count = Int.random(in: 0...12, using: &random)
            return .array(.array((0..<count).map { _ in value(depth: depth - 1) }))
        default: return .javascriptWithScope(text(nul: false), BSONDocument(document(depth: depth - 1)))
        }
    }

    mutating func integer() -> Int64 {
        // Of every magnitude.
        let word = Int64(bitPattern: random.next())
        return word >> Int64.random(in: 0..<64, using: &random)
    }

    mutating func double() -> Double {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: Double(integer())
        case 1: Double.random(in: -1...1, using: &random)
        case 2:
            [0, -0.0, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude].randomElement(
                using: &random) ?? 0
        default: Double(bitPattern: random.next() & 0xFFEF_FFFF_FFFF_FFFF)
        }
    }

    /// Numbers as libbson writes them: of others only the value would survive a way through text.
    mutating func decimal() -> BSONDecimal128 {
        let sign = random.next() & 1 << 63
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return BSONDecimal128(low: 0, high: 0x7C00_0000_0000_0000)
        case 1: return BSONDecimal128(low: 0, high: sign | 0x7800_0000_0000_0000)
        default:
            // Any exponent, any significand below 10³⁴.
            let exponent = UInt64.random(in: 0...12_287, using: &random)
            let high =
                UInt64.random(in: 0..<0x1_ED09_BEAD_87C0, using: &random)
                >> UInt64.random(in: 0..<49, using: &random)
            return BSONDecimal128(low: random.next(), high: sign | exponent << 49 | high)
        }
    }

    mutating func key() -> String {
        text(nul: false)
    }

    mutating func text(nul: Bool = true) -> String {
        var scalars = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...40, using: &random) >> Int.random(in: 0...5, using: &random) {
            let limit: UInt32 = [0x7F, 0x7F, 0x7FF, 0xFFFF, 0x10FFFF].randomElement(using: &random) ?? 0x7F
            let value = UInt32.random(in: (nul ? 0 : 1)...limit, using: &random)
            if let scalar = Unicode.Scalar(value) { scalars.append(scalar) }
        }
        return String(scalars)
    }

    mutating func bytes() -> [UInt8] {
        (0..<Int.random(in: 0...20, using: &random)).map { _ in .random(in: 0...255, using: &random) }
    }

    mutating func binary() -> BSONBinary {
        BSONBinary(
            subtype: [0, 1, 2, 3, 4, 5, 6, 0x80, 0xFF].randomElement(using: &random) ?? 0, bytes: bytes())
    }

    mutating func objectID() -> BSONObjectID {
        BSONObjectID((0..<12).map { _ in .random(in: 0...255, using: &random) }) ?? Samples.objectID
    }

    /// In the order that libbson sorts them into.
    mutating func options() -> String {
        String("ilmsux".filter { _ in Bool.random(using: &random) })
    }

    /// One to four changes of the kinds that break lengths, types and text.
    mutating func mutate(_ bytes: inout [UInt8]) {
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard let place = bytes.indices.randomElement(using: &random) else { return }
            switch Int.random(in: 0..<7, using: &random) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[place] = .random(in: 0...255, using: &random)
            case 2: bytes[place] = 0
            case 3: bytes[place] &+= [1, 255, 4, 252].randomElement(using: &random) ?? 1
            case 4: bytes[place] = BSONType.allCases.randomElement(using: &random)?.rawValue ?? 0
            case 5: bytes.remove(at: place)
            default: bytes.insert(.random(in: 0...255, using: &random), at: place)
            }
        }
        // Half of them keep a true length in front, so that the change inside is what counts.
        if Bool.random(using: &random), bytes.count >= 5 {
            withUnsafeBytes(of: Int32(bytes.count).littleEndian) { bytes.replaceSubrange(0..<4, with: $0) }
        }
    }
}

/// The same document built by libbson.
enum Oracle {
    static func bytes(_ elements: [(String, BSONValue)]) -> [UInt8]? {
        guard let document = build(elements) else { return nil }
        defer { skein_bson_document_free(document) }
        var length = 0
        let bytes = skein_bson_document_bytes(document, &length)
        return Array(UnsafeRawBufferPointer(start: bytes, count: length))
    }

    private static func build(_ elements: some Sequence<(String, BSONValue)>) -> UnsafeMutableRawPointer? {
        guard let document = skein_bson_oracle_new() else { return nil }
        for (key, value) in elements where !append(key, value, to: document) {
            skein_bson_document_free(document)
            return nil
        }
        return document
    }

    private static func append(_ key: String, _ value: BSONValue, to document: UnsafeMutableRawPointer)
        -> Bool
    {
        let count = Int32(key.utf8.count)
        func nested(_ inner: BSONDocument, _ body: (UnsafeMutableRawPointer) -> Bool) -> Bool {
            guard let built = build(inner.map { ($0.key, $0.value) }) else { return false }
            defer { skein_bson_document_free(built) }
            return body(built)
        }
        switch value {
        case .double(let value): return skein_bson_oracle_double(document, key, count, value)
        case .string(let text):
            return skein_bson_oracle_string(document, key, count, text, Int32(text.utf8.count))
        case .document(let inner):
            return nested(inner) { skein_bson_oracle_document(document, key, count, $0) }
        case .array(let inner):
            return nested(inner) { skein_bson_oracle_array(document, key, count, $0) }
        case .binary(let binary):
            return skein_bson_oracle_binary(
                document, key, count, binary.subtype, binary.bytes, UInt32(binary.bytes.count))
        case .undefined: return skein_bson_oracle_undefined(document, key, count)
        case .objectID(let id): return skein_bson_oracle_object_id(document, key, count, id.bytes)
        case .bool(let flag): return skein_bson_oracle_bool(document, key, count, flag)
        case .datetime(let milliseconds):
            return skein_bson_oracle_datetime(document, key, count, milliseconds)
        case .null: return skein_bson_oracle_null(document, key, count)
        case .regex(let pattern, let options):
            return skein_bson_oracle_regex(document, key, count, pattern, Int32(pattern.utf8.count), options)
        case .dbPointer(let collection, let id):
            return skein_bson_oracle_db_pointer(document, key, count, collection, id.bytes)
        case .javascript(let code): return skein_bson_oracle_javascript(document, key, count, code)
        case .symbol(let name):
            return skein_bson_oracle_symbol(document, key, count, name, Int32(name.utf8.count))
        case .javascriptWithScope(let code, let scope):
            return nested(scope) { skein_bson_oracle_javascript_with_scope(document, key, count, code, $0) }
        case .int32(let value): return skein_bson_oracle_int32(document, key, count, value)
        case .timestamp(let increment, let seconds):
            return skein_bson_oracle_timestamp(document, key, count, seconds, increment)
        case .int64(let value): return skein_bson_oracle_int64(document, key, count, value)
        case .decimal128(let value):
            return skein_bson_oracle_decimal128(document, key, count, value.low, value.high)
        case .minKey: return skein_bson_oracle_min_key(document, key, count)
        case .maxKey: return skein_bson_oracle_max_key(document, key, count)
        }
    }

    /// What libbson says of bytes: 0 valid, 1 no document, 2 the structure, 3 the text, 4 no JSON.
    static func verdict(_ bytes: [UInt8]) -> Int {
        Int(skein_bson_oracle_verdict(bytes, bytes.count))
    }
}
