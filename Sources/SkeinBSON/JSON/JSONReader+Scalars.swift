/// Text, numbers and the three words.
extension JSONReader {
    /// A value that is neither object nor array.
    mutating func scalar() throws(BSONError) -> BSONValue {
        guard let byte = next() else { throw failure("a value was expected") }
        switch byte {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "N") where style.isPlain: return try word("NaN", .double(.nan))
        case UInt8(ascii: "I") where style.isPlain: return try word("Infinity", .double(.infinity))
        case UInt8(ascii: "-")
        where style.isPlain && index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "I"):
            return try word("-Infinity", .double(-.infinity))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw failure("a value was expected")
        }
    }

    private mutating func word(_ word: StaticString, _ value: BSONValue) throws(BSONError) -> BSONValue {
        let end = index + word.utf8CodeUnitCount
        guard end <= bytes.count, word.withUTF8Buffer({ $0.elementsEqual(bytes[index..<end]) }) else {
            throw failure("a value was expected")
        }
        index = end
        return value
    }

    // MARK: Text

    /// A string; white space in front of it is passed.
    mutating func string() throws(BSONError) -> String {
        guard next() == UInt8(ascii: "\"") else { throw failure("a string was expected") }
        index += 1
        let start = index
        // Most have no escapes: one copy.
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                index += 1
                return String(decoding: bytes[start..<index - 1], as: UTF8.self)
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard byte >= 0x20 else { throw failure("a control character in a string must be escaped") }
            index += 1
        }
        throw failure("a string does not end")
    }

    private mutating func escapedString(from start: Int) throws(BSONError) -> String {
        var text = Array(bytes[start..<index])
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                index += 1
                return String(decoding: text, as: UTF8.self)
            }
            if byte == UInt8(ascii: "\\") {
                index += 1
                try escape(into: &text)
                continue
            }
            guard byte >= 0x20 else { throw failure("a control character in a string must be escaped") }
            text.append(byte)
            index += 1
        }
        throw failure("a string does not end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(BSONError) {
        guard index < bytes.count else { throw failure("a string does not end") }
        let letter = bytes[index]
        index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var value = try fourHexDigits()
            if value & 0xFC00 == 0xD800, index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"),
                bytes[index + 1] == UInt8(ascii: "u")
            {
                let behind = index
                index += 2
                let low = try fourHexDigits()
                if low & 0xFC00 == 0xDC00 {
                    value = 0x10000 + (value & 0x3FF) << 10 + low & 0x3FF
                } else {
                    index = behind
                }
            }
            let scalar = Unicode.Scalar(value) ?? (style.isPlain ? "\u{FFFD}" : nil)
            guard let scalar else { throw failure("half a surrogate pair") }
            text.append(contentsOf: String(scalar).utf8)
        default:
            throw failure("an escape that JSON does not have")
        }
    }

    private mutating func fourHexDigits() throws(BSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard index < bytes.count, let digit = HexDigits.value(bytes[index]) else {
                throw failure("four hexadecimal digits were expected")
            }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }

    // MARK: Numbers

    /// A number: int32 if it is whole and fits, else int64 if it fits, else double (in plain JSON decimal128 or text). Minus zero
    /// is a double, in plain JSON 0, as Python has it; and there a number beyond a double is an infinity.
    private mutating func number() throws(BSONError) -> BSONValue {
        let start = index
        let shape = Self.numberShape(bytes[index...])
        guard shape.end > start else { throw failure("a number that JSON does not have") }
        index = shape.end
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if shape.isWhole, style.isPlain || text != "-0" {
            if let value = Int64(text) { return Int32(exactly: value).map { .int32($0) } ?? .int64(value) }
            if style.isPlain { return PlainJSON.wholeNumber(text) }
        }
        if style.isPlain { return .double(Double(text) ?? .nan) }
        guard let value = Double(text), value.isFinite else { throw failure("a number beyond a double") }
        return .double(value)
    }

    /// Where a number as JSON writes it ends (at its start if there is none), and whether it has neither fraction nor
    /// exponent.
    static func numberShape(_ text: Slice<UnsafeRawBufferPointer>) -> (end: Int, isWhole: Bool) {
        var index = text.startIndex
        func digits() -> Bool {
            let start = index
            while index < text.endIndex, case UInt8(ascii: "0")...UInt8(ascii: "9") = text[index] {
                index += 1
            }
            return index > start
        }
        func skip(_ one: UInt8, or other: UInt8) -> Bool {
            guard index < text.endIndex, text[index] == one || text[index] == other else { return false }
            index += 1
            return true
        }
        let none = (end: text.startIndex, isWhole: false)
        _ = skip(UInt8(ascii: "-"), or: UInt8(ascii: "-"))
        if skip(UInt8(ascii: "0"), or: UInt8(ascii: "0")) {
            if index < text.endIndex, case UInt8(ascii: "0")...UInt8(ascii: "9") = text[index] { return none }
        } else if !digits() {
            return none
        }
        var isWhole = true
        if skip(UInt8(ascii: "."), or: UInt8(ascii: ".")) {
            guard digits() else { return none }
            isWhole = false
        }
        if skip(UInt8(ascii: "e"), or: UInt8(ascii: "E")) {
            _ = skip(UInt8(ascii: "+"), or: UInt8(ascii: "-"))
            guard digits() else { return none }
            isWhole = false
        }
        return (index, isWhole)
    }
}
