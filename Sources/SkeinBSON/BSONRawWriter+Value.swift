/// Owned values through the raw writer.
extension BSONRawWriter {
    /// The value alone, after a header of its type. The caller guarantees `value.encodedSize` bytes of room.
    mutating func value(_ value: BSONValue) {
        switch value {
        case .double(let number): integer(number.bitPattern)
        case .string(let string), .javascript(let string), .symbol(let string): text(string)
        case .document(let document), .array(let document): document.bytes.withUnsafeBytes { bytes($0) }
        case .binary(let binary):
            binary.bytes.withUnsafeBytes { binaryValue($0, subtype: binary.subtype) }
        case .undefined, .null, .minKey, .maxKey: break
        case .objectID(let id): objectIDValue(id)
        case .bool(let flag): byte(flag ? 1 : 0)
        case .datetime(let milliseconds): integer(milliseconds)
        case .regex(let pattern, let options):
            terminated(pattern)
            terminated(options)
        case .dbPointer(let collection, let id):
            text(collection)
            objectIDValue(id)
        case .javascriptWithScope(let code, let scope):
            integer(Int32(truncatingIfNeeded: 9 + code.utf8.count + scope.bytes.count))
            text(code)
            scope.bytes.withUnsafeBytes { bytes($0) }
        case .int32(let number): integer(number)
        case .timestamp(let increment, let seconds):
            integer(increment)
            integer(seconds)
        case .int64(let number): integer(number)
        case .decimal128(let number):
            integer(number.low)
            integer(number.high)
        }
    }

    private mutating func text(_ string: String) {
        var string = string
        string.withUTF8 { text(UnsafeRawBufferPointer($0)) }
    }

    private mutating func terminated(_ string: String) {
        var string = string
        string.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
        byte(0)
    }
}

extension BSONValue {
    /// The bytes of the value without type and key.
    var encodedSize: Int {
        switch self {
        case .undefined, .null, .minKey, .maxKey: 0
        case .bool: 1
        case .int32: 4
        case .double, .int64, .datetime, .timestamp: 8
        case .objectID: 12
        case .decimal128: 16
        case .string(let text), .javascript(let text), .symbol(let text): 5 + text.utf8.count
        case .document(let document), .array(let document): document.bytes.count
        case .binary(let binary): (binary.subtype == BSONBinary.oldSubtype ? 9 : 5) + binary.bytes.count
        case .regex(let pattern, let options): 2 + pattern.utf8.count + options.utf8.count
        case .dbPointer(let text, _): 17 + text.utf8.count
        case .javascriptWithScope(let code, let scope): 9 + code.utf8.count + scope.bytes.count
        }
    }

    /// Whether BSON can hold this value: a regular expression with a NUL is the one that it cannot.
    var isWritable: Bool {
        if case .regex(let pattern, let options) = self {
            !pattern.utf8.contains(0) && !options.utf8.contains(0)
        } else {
            true
        }
    }
}
