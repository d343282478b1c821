import SkeinBSON

/// Values of fields as one line of safe text.
enum FieldText {
    /// How deep arrays and documents are written out; beyond it stands `{…}`.
    private static let mostDepth = 8

    /// A value: text as it is, numbers, dates, arrays as `[1, 2]`, documents as `{a: 1}`.
    /// - Parameters:
    ///   - quotes: whether text is put into quotation marks where it has spaces or is empty, so that it stays one word.
    ///   - escapesBackslash: see ``SafeText/append(_:to:escapesBackslash:)``.
    static func of(_ element: BSONElement, quotes: Bool = false, escapesBackslash: Bool = false) -> String {
        var text = ""
        append(element, to: &text, quotes: quotes, escapesBackslash: escapesBackslash, depth: 0)
        return text
    }

    private static func append(
        _ element: BSONElement, to text: inout String, quotes: Bool, escapesBackslash: Bool, depth: Int
    ) {
        if let bytes = element.textBytes(), element.type != .binary || isText(bytes) {
            return append(text: bytes, to: &text, quotes: quotes, escapesBackslash: escapesBackslash)
        }
        switch element.type {
        case .document, .array:
            appendNested(element, to: &text, escapesBackslash: escapesBackslash, depth: depth)
        case .double: text += number(element.number ?? .nan)
        case .int32, .int64: text += element.integer.map { String($0) } ?? "?"
        case .bool: text += element.bool == true ? "true" : "false"
        case .null: text += "null"
        case .undefined: text += "undefined"
        case .datetime: text += element.datetime.map { Moment.text(milliseconds: $0) } ?? "?"
        case .binary: text += element.binary.map { "<\($0.bytes.count) bytes>" } ?? "<bytes>"
        case .minKey: text += "<min key>"
        case .maxKey: text += "<max key>"
        default: text += rare(element, escapesBackslash: escapesBackslash)
        }
    }

    private static func append(
        text bytes: UnsafeRawBufferPointer, to text: inout String, quotes: Bool, escapesBackslash: Bool
    ) {
        let needsQuotes =
            quotes
            && (bytes.isEmpty || bytes.contains { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\"") })
        if !needsQuotes { return SafeText.append(bytes, to: &text, escapesBackslash: escapesBackslash) }
        var inner = ""
        SafeText.append(bytes, to: &inner, escapesBackslash: escapesBackslash)
        text +=
            "\"" + inner.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"")
            + "\""
    }

    private static func appendNested(
        _ element: BSONElement, to text: inout String, escapesBackslash: Bool, depth: Int
    ) {
        let isArray = element.type == .array
        guard depth < mostDepth, let view = element.document else {
            text += isArray ? "[…]" : "{…}"
            return
        }
        text += isArray ? "[" : "{"
        var elements = view.makeElements()
        var isFirst = true
        while let inner = elements.nextIfValid() {
            if !isFirst { text += ", " }
            isFirst = false
            if !isArray {
                SafeText.append(inner.key, to: &text, escapesBackslash: escapesBackslash)
                text += ": "
            }
            append(inner, to: &text, quotes: true, escapesBackslash: escapesBackslash, depth: depth + 1)
        }
        text += isArray ? "]" : "}"
    }

    private static func rare(_ element: BSONElement, escapesBackslash: Bool) -> String {
        var text = ""
        switch try? element.bsonValue() {
        case .objectID(let id): return id.hex
        case .decimal128(let number): return number.description
        case .timestamp(let increment, let seconds):
            return "\(Moment.text(Double(seconds))) #\(increment)"
        case .regex(let pattern, let options):
            SafeText.append("/\(pattern)/\(options)".utf8, to: &text, escapesBackslash: escapesBackslash)
        case .javascript(let code), .javascriptWithScope(let code, _):
            SafeText.append(code.utf8, to: &text, escapesBackslash: escapesBackslash)
        case .dbPointer(let name, let id):
            SafeText.append("\(name):\(id.hex)".utf8, to: &text, escapesBackslash: escapesBackslash)
        default: text = "?"
        }
        return text
    }

    /// The shortest text that reads back as the number; whole ones without `.0`.
    static func number(_ value: Double) -> String {
        if let whole = Int64(exactly: value), abs(value) < 1e15 { return String(whole) }
        return value.description
    }

    private static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
        UTF8Validation.isValid(bytes)
    }
}
