/// Reads a filter's text: `or` of `and` of `not`, parentheses and terms.
struct FilterParser {
    private var lexer: FilterLexer
    private var token: FilterToken
    private var terms = 0
    private var depth = 0

    static func parse(_ text: String) throws(FilterError) -> FilterSyntax {
        // The length first: a text may be very long.
        let source = Array(text.utf8.prefix(FilterLimits.sourceBytes + 1))
        var lexer = FilterLexer(source)
        guard source.count <= FilterLimits.sourceBytes else {
            throw lexer.fail(
                "a filter of more than \(FilterLimits.sourceBytes) bytes", at: FilterLimits.sourceBytes,
                .tooLarge)
        }
        let first = try lexer.next()
        if first.kind == .end { throw lexer.fail("expected a filter, found nothing", at: first.start) }
        var parser = FilterParser(lexer: lexer, token: first)
        let syntax = try parser.alternatives()
        guard parser.token.kind == .end else { throw parser.unexpected("and, or, or the end") }
        return syntax
    }

    private init(lexer: FilterLexer, token: FilterToken) {
        self.lexer = lexer
        self.token = token
    }

    private mutating func advance() throws(FilterError) {
        token = try lexer.next()
    }

    private func unexpected(_ expected: String) -> FilterError {
        lexer.fail("expected \(expected), found \(shown(token))", at: token.start)
    }

    private func shown(_ token: FilterToken) -> String {
        if token.kind == .end { return "the end" }
        let text = lexer.source[token.start..<token.end]
        let cut = String(decoding: text.prefix(40), as: UTF8.self)
        let safe = String(
            String.UnicodeScalarView(
                cut.unicodeScalars.map {
                    $0.properties.generalCategory == .control || $0.properties.generalCategory == .format
                        ? "." : $0
                }))
        return token.kind == .quoted ? "the text \(safe)" : "\"\(safe)\""
    }

    // MARK: Composition

    private mutating func alternatives() throws(FilterError) -> FilterSyntax {
        var parts = [try conjunction()]
        while token.kind == .keyword(.or) {
            try advance()
            parts.append(try conjunction())
        }
        return parts.count == 1 ? parts[0] : .any(parts)
    }

    private mutating func conjunction() throws(FilterError) -> FilterSyntax {
        var parts = [try negation()]
        while token.kind == .keyword(.and) {
            try advance()
            parts.append(try negation())
        }
        return parts.count == 1 ? parts[0] : .all(parts)
    }

    private mutating func negation() throws(FilterError) -> FilterSyntax {
        switch token.kind {
        case .keyword(.not):
            try enter()
            try advance()
            let inner = try negation()
            depth -= 1
            return .not(inner)
        case .open:
            try enter()
            try advance()
            let inner = try alternatives()
            guard token.kind == .close else { throw unexpected("and, or, or a closing parenthesis") }
            try advance()
            depth -= 1
            return inner
        default: return .term(try term())
        }
    }

    private mutating func enter() throws(FilterError) {
        depth += 1
        guard depth <= FilterLimits.depth else {
            throw lexer.fail(
                "more than \(FilterLimits.depth) parentheses and nots inside each other", at: token.start,
                .tooLarge)
        }
    }

    private mutating func count() throws(FilterError) {
        terms += 1
        guard terms <= FilterLimits.terms else {
            throw lexer.fail("more than \(FilterLimits.terms) terms", at: token.start, .tooLarge)
        }
    }

    // MARK: Terms

    private mutating func term() throws(FilterError) -> FilterTerm {
        try count()
        if token.kind == .keyword(.exists) {
            try advance()
            return FilterTerm(field: try field("the name of a field"), test: .exists)
        }
        let field = try field("the name of a field, exists, not, or a parenthesis")
        switch token.kind {
        case .comparison(let sign):
            try advance()
            return FilterTerm(field: field, test: try test(sign))
        case .keyword(.isIn):
            try advance()
            return FilterTerm(field: field, test: .oneOf(try list(), isNegated: false))
        case .keyword(.not):
            try advance()
            guard token.kind == .keyword(.isIn) else { throw unexpected("in") }
            try advance()
            return FilterTerm(field: field, test: .oneOf(try list(), isNegated: true))
        default: throw unexpected("=, !=, <, <=, >, >=, ~, =~ or in")
        }
    }

    private mutating func field(_ expected: String) throws(FilterError) -> FilterField {
        guard case .name(let path) = token.kind else { throw unexpected(expected) }
        guard let field = FilterField(path) else {
            throw lexer.fail(
                "elapsed is a number and has no fields (the body's own is body.elapsed)", at: token.start)
        }
        try advance()
        return field
    }

    private mutating func test(_ sign: FilterToken.Comparison) throws(FilterError) -> FilterTerm.Test {
        switch sign {
        case .equal: return .oneOf([try literal()], isNegated: false)
        case .notEqual: return .oneOf([try literal()], isNegated: true)
        case .less: return .order(.less, try ordered())
        case .lessOrEqual: return .order(.lessOrEqual, try ordered())
        case .greater: return .order(.greater, try ordered())
        case .greaterOrEqual: return .order(.greaterOrEqual, try ordered())
        case .glob:
            let (pattern, place) = try pattern("a glob in quotes")
            do throws(BadFilterValue) {
                return .glob(try GlobPart.parse(pattern))
            } catch {
                throw lexer.fail(error.message, at: place, .badPattern)
            }
        case .expression:
            let (pattern, place) = try pattern("a regular expression in quotes")
            do throws(BadRegularExpression) {
                return .expression(try RegularExpression(pattern))
            } catch {
                // The place in the text is that in the pattern, but for escaped quotes before it.
                throw lexer.fail(
                    error.message, at: min(place + 1 + error.offset, lexer.source.count), .badPattern)
            }
        }
    }

    private mutating func pattern(_ expected: String) throws(FilterError) -> (pattern: [UInt8], place: Int) {
        guard token.kind == .quoted else { throw unexpected(expected) }
        let place = token.start
        let pattern = try FilterText.unescaped(lexer, token.start + 1..<token.end - 1, isPattern: true)
        try advance()
        return (pattern, place)
    }

    private mutating func list() throws(FilterError) -> [FilterLiteral] {
        guard token.kind == .open else { throw unexpected("( and values") }
        try advance()
        var values = [try literal()]
        while token.kind == .comma {
            try advance()
            try count()
            values.append(try literal())
        }
        guard token.kind == .close else { throw unexpected("a comma or a closing parenthesis") }
        try advance()
        return values
    }

    private mutating func ordered() throws(FilterError) -> FilterLiteral {
        let place = token.start
        let value = try literal()
        switch value {
        case .number, .text: return value
        case .bool, .null:
            throw lexer.fail("true, false and null have no order; expected = or !=", at: place, .badValue)
        }
    }

    private mutating func literal() throws(FilterError) -> FilterLiteral {
        let place = token.start
        let text = lexer.source[token.start..<token.end]
        let value: FilterLiteral
        do throws(BadFilterValue) {
            switch token.kind {
            case .number: value = .number(try FilterValue.number(text))
            case .time: value = .number(try FilterValue.time(text))
            case .keyword(.isTrue): value = .bool(true)
            case .keyword(.isFalse): value = .bool(false)
            case .keyword(.null): value = .null
            case .quoted: value = .text([])
            case .name:
                throw BadFilterValue(
                    "expected a value, found \(shown(token)): text stands in quotes, and fields only on the left"
                )
            default: throw BadFilterValue("expected a value, found \(shown(token))")
            }
        } catch {
            let isSyntax = token.kind != .number && token.kind != .time
            throw lexer.fail(error.message, at: place, isSyntax ? .syntax : .badValue)
        }
        if token.kind == .quoted {
            let bytes = try FilterText.unescaped(lexer, token.start + 1..<token.end - 1, isPattern: false)
            try advance()
            return .text(bytes)
        }
        try advance()
        return value
    }
}
