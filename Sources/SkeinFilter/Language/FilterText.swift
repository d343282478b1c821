/// Text between quotes.
enum FilterText {
    /// Takes the escapes out.
    /// - Parameter isPattern: of a glob or an expression: only the quote and nothing else is escaped for us, every other
    ///   backslash is the pattern's own.
    static func unescaped(
        _ lexer: FilterLexer, _ range: Range<Int>, isPattern: Bool
    ) throws(FilterError) -> [UInt8] {
        let source = lexer.source
        let quote = source[range.lowerBound - 1]
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = source[index]
            guard byte == UInt8(ascii: "\\"), index + 1 < range.upperBound else {
                result.append(byte)
                index += 1
                continue
            }
            let escaped = source[index + 1]
            if isPattern {
                if escaped != quote { result.append(byte) }
                result.append(escaped)
                index += 2
                continue
            }
            switch escaped {
            case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): result.append(escaped)
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "u"):
                index = try unicode(lexer, index, range.upperBound, into: &result)
                continue
            default:
                throw lexer.fail(
                    "expected \\\\, \\\", \\', \\n, \\r, \\t or \\u{…} (only behind ~ and =~ a backslash stands for itself)",
                    at: index, .badValue)
            }
            index += 2
        }
        return result
    }

    /// `\u{1F600}`.
    private static func unicode(
        _ lexer: FilterLexer, _ start: Int, _ end: Int, into result: inout [UInt8]
    ) throws(FilterError) -> Int {
        let source = lexer.source
        var index = start + 2
        var value: UInt32 = 0
        var digits = 0
        if index < end, source[index] == UInt8(ascii: "{") {
            index += 1
            while index < end, digits < 7, let digit = UInt32(String(UnicodeScalar(source[index])), radix: 16)
            {
                value = value << 4 | digit
                digits += 1
                index += 1
            }
            if digits > 0, index < end, source[index] == UInt8(ascii: "}"), let scalar = UnicodeScalar(value)
            {
                result += Array(String(Character(scalar)).utf8)
                return index + 1
            }
        }
        throw lexer.fail("expected \\u{…} with the hexadecimal number of a character", at: start, .badValue)
    }
}
