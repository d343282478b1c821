/// A word of a filter's text.
struct FilterToken {
    enum Kind: Equatable {
        /// The steps of a field's name.
        case name([[UInt8]])
        case keyword(FilterKeyword)
        case comparison(Comparison)
        case number, time
        /// Text in quotes, as it stands between them.
        case quoted
        case open, close, comma, end
    }

    enum Comparison: String, CaseIterable {
        case equal = "="
        case notEqual = "!="
        case lessOrEqual = "<="
        case less = "<"
        case greaterOrEqual = ">="
        case greater = ">"
        case expression = "=~"
        case glob = "~"
    }

    var kind: Kind
    /// Offsets in the text.
    var start: Int
    var end: Int
}

/// Words that are no names, unless they stand behind a dot.
enum FilterKeyword: String {
    case and, or, not, exists
    case isIn = "in"
    case isTrue = "true"
    case isFalse = "false"
    case null
}

/// Takes the text of a filter apart.
struct FilterLexer {
    let source: [UInt8]
    private(set) var position = 0

    init(_ source: [UInt8]) {
        self.source = source
    }

    func fail(_ message: String, at offset: Int, _ code: FilterError.Code = .syntax) -> FilterError {
        FilterError(code, message, in: source, at: offset)
    }

    mutating func next() throws(FilterError) -> FilterToken {
        while let byte = peek(), byte == 0x20 || (0x09...0x0D).contains(byte) { position += 1 }
        let start = position
        guard let byte = peek() else { return FilterToken(kind: .end, start: start, end: start) }
        let kind: FilterToken.Kind
        switch byte {
        case UInt8(ascii: "("): kind = take(1, .open)
        case UInt8(ascii: ")"): kind = take(1, .close)
        case UInt8(ascii: ","): kind = take(1, .comma)
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            _ = try skipQuoted()
            kind = .quoted
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"):
            kind = try number()
        case _ where Self.beginsName(byte): kind = try name()
        default: kind = try comparison()
        }
        return FilterToken(kind: kind, start: start, end: position)
    }

    private mutating func take(_ count: Int, _ kind: FilterToken.Kind) -> FilterToken.Kind {
        position += count
        return kind
    }

    private func peek(_ ahead: Int = 0) -> UInt8? {
        position + ahead < source.count ? source[position + ahead] : nil
    }

    private mutating func comparison() throws(FilterError) -> FilterToken.Kind {
        let rest = source[position...]
        // Longest first, so that <= is not taken for <.
        for sign in FilterToken.Comparison.allCases.sorted(by: {
            $0.rawValue.utf8.count > $1.rawValue.utf8.count
        })
        where rest.starts(with: sign.rawValue.utf8) {
            let after = peek(sign.rawValue.utf8.count)
            if sign == .equal, after == UInt8(ascii: "=") {
                throw fail("expected =, found ==: equality is one =", at: position)
            }
            return take(sign.rawValue.utf8.count, .comparison(sign))
        }
        for (sign, word) in [("&&", "and"), ("||", "or"), ("!", "not")] where rest.starts(with: sign.utf8) {
            throw fail("expected the word \(word), found \(sign)", at: position)
        }
        throw fail("expected a field, a value or a sign, found \(Self.shown(rest))", at: position)
    }

    /// The character at the start of some bytes, for a message.
    static func shown(_ bytes: ArraySlice<UInt8>) -> String {
        guard let scalar = String(decoding: bytes.prefix(4), as: UTF8.self).unicodeScalars.first else {
            return "the end"
        }
        guard scalar.properties.generalCategory != .control, scalar.properties.generalCategory != .format
        else {
            return "U+" + String(scalar.value, radix: 16, uppercase: true)
        }
        return "\"\(scalar)\""
    }

    /// Text in quotes: a backslash keeps the character behind it from ending the text.
    private mutating func skipQuoted() throws(FilterError) -> Range<Int> {
        let start = position
        let quote = source[start]
        position += 1
        while let byte = peek() {
            if byte == quote {
                position += 1
                return start + 1..<position - 1
            }
            position += byte == UInt8(ascii: "\\") && peek(1) != nil ? 2 : 1
        }
        throw fail(
            "expected a closing \(quote == 0x22 ? "\"" : "'") for the text that begins here", at: start)
    }

    // MARK: Names

    private static func beginsName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: "$"), UInt8(ascii: "@"), 0x80...0xFF:
            true
        default: false
        }
    }

    private static func continuesName(_ byte: UInt8) -> Bool {
        beginsName(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || byte == UInt8(ascii: "-")
    }

    private mutating func name() throws(FilterError) -> FilterToken.Kind {
        let start = position
        var steps = [word()]
        while peek() == UInt8(ascii: ".") {
            position += 1
            guard let byte = peek(), byte == 0x22 || byte == 0x27 || Self.continuesName(byte) else {
                throw fail("expected the rest of a field's name behind the dot", at: position)
            }
            guard steps.count < FilterLimits.steps else {
                throw fail("a name of more than \(FilterLimits.steps) steps", at: start, .tooLarge)
            }
            if byte == 0x22 || byte == 0x27 {
                let place = position
                steps.append(try FilterText.unescaped(self, try skipQuoted(), isPattern: false))
                if steps.last?.contains(0) ?? false { throw fail("a key cannot hold a NUL", at: place) }
            } else {
                steps.append(word())
            }
        }
        if steps.count == 1, let keyword = FilterKeyword(rawValue: String(decoding: steps[0], as: UTF8.self))
        {
            return .keyword(keyword)
        }
        return .name(steps)
    }

    private mutating func word() -> [UInt8] {
        let start = position
        while let byte = peek(), Self.continuesName(byte) { position += 1 }
        return Array(source[start..<position])
    }

    // MARK: Numbers and times

    /// Only how far it goes: ``FilterValue`` reads it.
    private mutating func number() throws(FilterError) -> FilterToken.Kind {
        let start = position
        func isDigit(_ byte: UInt8?) -> Bool { byte.map { (0x30...0x39).contains($0) } ?? false }
        if !isDigit(peek()) { position += 1 }
        guard isDigit(peek()) else { throw fail("expected a number behind the sign", at: start) }
        let isTime = isDigit(peek(1)) && isDigit(peek(2)) && isDigit(peek(3)) && peek(4) == UInt8(ascii: "-")
        while let byte = peek() {
            let isExponentSign =
                (byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-"))
                && (isTime || source[position - 1] | 0x20 == UInt8(ascii: "e"))
            let belongs =
                Self.continuesName(byte) && byte != UInt8(ascii: "-") || byte == UInt8(ascii: ".")
                || isExponentSign
                || (isTime && byte == UInt8(ascii: ":"))
            if !belongs { break }
            position += 1
        }
        return isTime ? .time : .number
    }
}
