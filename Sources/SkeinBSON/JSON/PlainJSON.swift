/// JSON as programs exchange it, in which no key has a meaning: what Python's `json` writes and reads.
///
/// Reading takes RFC 8259 and what `json.dumps` adds: `NaN`, `Infinity`, `-Infinity`. Any thread; allocates.
///
/// | JSON | BSON |
/// |---|---|
/// | object | document; of a repeated key the last value counts; U+0000 in a key becomes U+FFFD |
/// | array, text, `true`, `false`, `null` | array, string, bool, null; a lone surrogate becomes U+FFFD |
/// | whole number | int32 if it fits, else int64, else decimal128 (up to 34 digits), else string |
/// | other number | double |
///
/// Writing has no types beyond those of JSON: a date, UUID or decimal becomes text, bytes become Base64.
/// ``ExtendedJSON`` is the one that keeps every type.
///
/// ```swift
/// let document = try PlainJSON.decode("{\"$date\": 1, \"x\": NaN}")
/// print(PlainJSON.encode(document))  // {"$date": 1, "x": NaN}
/// ```
public enum PlainJSON {
    /// Reads one object.
    ///
    /// - Parameters:
    ///   - maximumDepth: how deep objects and arrays may nest; the object itself is the first. 1 to 100.
    ///   - maximumBytes: how large the document may become.
    /// - Throws: `invalidJSON` with the place, `invalidUTF8`, `tooDeep`, `tooLarge`.
    public static func decode(
        utf8: UnsafeRawBufferPointer, maximumDepth: Int = 100, maximumBytes: Int = 64 << 20
    ) throws(BSONError) -> BSONDocument {
        guard utf8.count <= ExtendedJSON.maximumBytes else {
            throw BSONError(
                code: .tooLarge,
                message:
                    "reading JSON: a text of \(utf8.count) bytes; at most \(ExtendedJSON.maximumBytes) are taken"
            )
        }
        guard UTF8Validation.isValid(utf8) else {
            throw BSONError(code: .invalidUTF8, message: "reading JSON: the text is not UTF-8")
        }
        var style = JSONReader.Style()
        style.isPlain = true
        style.maximumDepth = min(maximumDepth, BSONValidator.defaultMaximumDepth)
        style.maximumBytes = maximumBytes
        var reader = JSONReader(utf8, style)
        return try reader.document()
    }

    /// Reads one object.
    public static func decode(_ json: String) throws(BSONError) -> BSONDocument {
        var json = json
        return try json.withUTF8 { utf8 -> Result<BSONDocument, BSONError> in
            Result { () throws(BSONError) in try decode(utf8: UnsafeRawBufferPointer(utf8)) }
        }.get()
    }

    /// A whole number beyond 64 bits.
    static func wholeNumber(_ digits: String) -> BSONValue {
        let count = digits.utf8.count - (digits.utf8.first == UInt8(ascii: "-") ? 1 : 0)
        guard count <= 34, let value = BSONDecimal128(digits) else { return .string(digits) }
        return .decimal128(value)
    }

    // MARK: Writing

    /// The document as one line, as `json.dumps` separates it (`{"a": 1, "b": [2]}`), in UTF-8.
    public static func encode(_ document: BSONDocument) -> String {
        String(decoding: encodeUTF8(document), as: UTF8.self)
    }

    /// The same as bytes. What is malformed in the document is left out.
    public static func encodeUTF8(_ document: BSONDocument) -> [UInt8] {
        var writer = PlainJSONWriter()
        writer.bytes.reserveCapacity(document.bytes.count)
        document.withView { writer.object($0) }
        return writer.bytes
    }
}

/// The text being written.
private struct PlainJSONWriter {
    var bytes: [UInt8] = []

    mutating func object(_ view: BSONView) {
        bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        var elements = view.makeElements()
        while let element = elements.nextIfValid() {
            if !isFirst { bytes += ", ".utf8 }
            isFirst = false
            text(element.key)
            bytes += ": ".utf8
            value(element)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func array(_ view: BSONView) {
        bytes.append(UInt8(ascii: "["))
        var isFirst = true
        var elements = view.makeElements()
        while let element = elements.nextIfValid() {
            if !isFirst { bytes += ", ".utf8 }
            isFirst = false
            value(element)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private mutating func value(_ element: BSONElement) {
        switch element.type {
        case .document: if let view = element.document { object(view) }
        case .array: if let view = element.document { array(view) }
        case .bool: bytes += (element.bool == true ? "true" : "false").utf8
        case .int32, .int64: bytes += String(element.integer ?? 0).utf8
        case .double: number(element.number ?? .nan)
        case .null, .undefined, .minKey, .maxKey: bytes += "null".utf8
        case .string, .symbol: if let utf8 = element.textBytes() { text(utf8) }
        default: text((try? element.bsonValue())?.plainText ?? "")
        }
    }

    private mutating func number(_ number: Double) {
        if number.isFinite {
            bytes += String(number).utf8
        } else {
            bytes += (number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity").utf8
        }
    }

    private mutating func text(_ string: String) {
        var string = string
        string.withUTF8 { text(UnsafeRawBufferPointer($0)) }
    }

    private mutating func text(_ utf8: UnsafeRawBufferPointer) {
        guard UTF8Validation.isValid(utf8) else { return text(String(decoding: utf8, as: UTF8.self)) }
        bytes.append(UInt8(ascii: "\""))
        var start = 0
        for index in utf8.indices
        where utf8[index] < 0x20 || utf8[index] == 0x22 || utf8[index] == 0x5C || utf8[index] == 0x7F {
            bytes += utf8[start..<index]
            start = index + 1
            escape(utf8[index])
        }
        bytes += utf8[start...]
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case 0x22: bytes += "\\\"".utf8
        case 0x5C: bytes += "\\\\".utf8
        case 0x0A: bytes += "\\n".utf8
        case 0x0D: bytes += "\\r".utf8
        case 0x09: bytes += "\\t".utf8
        default:
            let digits = String(byte, radix: 16)
            bytes += ("\\u00" + (digits.utf8.count < 2 ? "0" : "") + digits).utf8
        }
    }
}
