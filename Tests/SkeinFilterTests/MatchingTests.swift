import SkeinBSON
import SkeinFilter
import Testing

struct MatchingTests {
    @Test(arguments: [
        ("type = \"request.sql\"", true), ("type ~ \"req*\"", true), ("type ~ \"req\"", false),
        ("pid = 7", true),
        ("service = 'shop'", true), ("level >= 40", false), ("not level >= 40", true), ("level != 40", false),
        ("not level = 40", true), ("exists level", false), ("exists body", true), ("exists service", true),
        ("elapsed = 500ms", true), ("elapsed > 250ms", true), ("elapsed > 0.5s", false),
        ("elapsed <= 0.5", true),
        ("exists elapsed", true), ("elapsed in (1s, 0.5)", true), ("elapsed != 1", true),
        ("elapsed ~ \"*\"", false),
        ("start >= 2026-11-20T10:00Z", true), ("start = 2026-11-20T10:00", true),
        ("start > 2026-11-20T11:00+01:00", false),
        ("end < 2026-11-20T10:00:00.501Z", true), ("start > 2026-11-21", false), ("start > 0001-01-01", true),
        ("start < 9999-12-31", true),
        ("body.moon = 1969-07-20T20:17:40Z", true), ("body.moon < 1970-01-01", true), ("body.type = 1", true),
        ("response.status >= 500", true), ("body.response.status = 503", true),
        ("response.status.x = 1", false),
        ("response = 1", false), ("exists response", true), ("list = 2", true), ("list > 2", true),
        ("list > 3", false),
        ("list.1 = 2", true), ("list.3 = 2", false), ("list.00 = 1", false), ("list != 2", false),
        ("list != 9", true),
        ("empty = 1", false), ("empty != 1", true), ("exists empty", true), ("exists empty.0", false),
        ("queries.time > 1s", true), ("queries.time > 3s", false), ("queries.0.time = 0.5", true),
        ("queries.time != 0.5", false), ("queries.time != 7", true), ("exists queries.time", true),
        ("nested = 5", false), ("nested.0 = 5", true), ("nested.0.0 = 5", true), ("old = \"text\"", true),
        ("\u{e9}t\u{e9} = true", true), ("été = false", false), ("été = 1", false), ("nothing = null", true),
        ("missing = null", false), ("nothing != null", false), ("body.\"a.b c\" = 1", true),
        ("body.'é\"' = 2", true),
        ("name in (\"x\", \"Zoë\")", true), ("name not in (\"x\", 5)", true), ("missing not in (1)", false),
        ("name < \"b\"", true), ("name > \"Zo\"", true), ("name >= \"Zoë\"", true), ("name < 5", false),
        ("response.status = \"503\"", false), ("response.status != \"503\"", true),
        ("name ~ \"Z?[ë]\"", true),
        ("name =~ \"^z..$\"", false), ("name =~ \"(?i)^z..$\"", true), ("name =~ \"\\w{3}\"", true),
        ("response.status =~ \"5\"", false), ("a-long-name.with-steps = 1", true), ("twice = 1", true),
        ("twice = 2", false), ("(level = 1 or pid = 7) and not (pid = 8 or name = 'y')", true),
        ("level = 1 or pid = 8 or name = 'Zoë' and type = 'x'", false),
        ("when = 2026-11-20T10:00:00.250Z", true),
        ("when > 2026-11-20T10:00Z", true), ("when < 1795168800.2501", true), ("when = 1795168800.25", true),
        ("bin = \"text\"", false), ("symbol = 'sym'", true), ("nan = 1", false), ("nan != 1", true),
        ("nan < 1", false),
        ("inf > 1e300", true), ("dinf > 1e300", true), ("dnan = 1", false), ("dec = 0.1", true),
        ("dec < 0.2", true),
        ("dec > 1e-6000", true), ("rate = 0.1", false), ("body.rate = 0.1", true),
        ("big = 9007199254740993", true),
        ("d53 = 9007199254740993", false), ("d53 = 9007199254740992", true), ("d53 < 9007199254740993", true),
        ("big > 9007199254740992.5", true), ("max = 9223372036854775807", true),
        ("max < 9223372036854775808", true),
        ("min = -9223372036854775808", true), ("min > -9223372036854775809", true),
        ("min < -9223372036854775807.5", true),
        ("max < 9223372036854775807.5", true), ("dmax = 9223372036854775808", true),
        ("dmax > 9223372036854775807", true),
        ("regex = \"a\"", false), ("exists regex", true), ("exists code.x", false),
    ])
    func `Each kind of comparison`(_ filter: String, _ expected: Bool) throws {
        var body: BSONDocument = [
            "type": .int32(1), "response": ["status": .int32(503)],
            "list": .array(.array([.int32(1), .int32(2), .int64(3)])), "empty": .array(.array([])),
            "queries": .array(.array([["time": .double(0.5)], .int32(1), ["time": .double(2)]])),
            "nested": .array(.array([.array(.array([.int32(5)]))])),
            "old": .binary(BSONBinary(subtype: 0, bytes: Array("text".utf8))),
            "bin": .binary(BSONBinary(subtype: 4, bytes: Array("text".utf8))), "symbol": .symbol("sym"),
            "été": true, "nothing": .null, "moon": .int64(-14_182_940), "a.b c": .int32(1), "é\"": .int32(2),
            "name": "Zoë",
            "a-long-name": ["with-steps": .int64(1)], "when": .datetime(1_795_168_800_250),
        ]
        body.append("twice", .int32(1))
        body.append("twice", .int32(2))
        let numbers: BSONDocument = [
            "nan": .double(.nan), "inf": .double(.infinity), "rate": .double(0.1),
            "big": .int64(9_007_199_254_740_993),
            "d53": .double(9_007_199_254_740_992), "max": .int64(.max), "min": .int64(.min),
            "dmax": .double(9_223_372_036_854_775_808),
            "dec": .decimal128(try #require(BSONDecimal128("0.1"))),
            "dinf": .decimal128(try #require(BSONDecimal128("Infinity"))),
            "dnan": .decimal128(try #require(BSONDecimal128("NaN"))),
            "regex": .regex(pattern: "a", options: ""),
            "code": .javascriptWithScope("x", ["x": .int32(1)]),
        ]
        for element in numbers { body.append(element.key, element.value) }
        #expect(try matches(filter, event(body)) == expected)
    }

    /// Numbers around the borders of what the types hold, as exact decimals.
    private static let borders: [String] = {
        var numbers: [String] = ["0", "1", "-1", "2147483647", "-2147483648", "123"]
        for base in [Int128(1) << 53, 1 << 62, 1 << 63, Int128(Int32.max)] {
            for offset in Int128(-2)...2 {
                numbers.append("\(base + offset)")
                numbers.append("\(-base - offset)")
            }
        }
        return numbers
    }()

    /// Every way to store a whole number exactly.
    private static func stored(_ text: String) -> [BSONValue] {
        var values: [BSONValue] = []
        guard let number = Int128(text) else { return [] }
        if let value = Int32(exactly: number) { values.append(.int32(value)) }
        if let value = Int64(exactly: number) { values.append(.int64(value)) }
        if let value = Double(text), Int128(value) == number { values.append(.double(value)) }
        if let value = BSONDecimal128(text) { values.append(.decimal128(value)) }
        return values
    }

    @Test func `Whole numbers of every type compare exactly with each other`() throws {
        for right in Self.borders {
            let filters = try ["=", "!=", "<", "<=", ">", ">="].map { try EventFilter("n \($0) \(right)") }
            let high = try #require(Int128(right))
            for left in Self.borders {
                let low = try #require(Int128(left))
                let expected = [low == high, low != high, low < high, low <= high, low > high, low >= high]
                for value in Self.stored(left) {
                    let found = event(["n": value]).withView { view in filters.map { $0.matches(view) } }
                    #expect(found == expected, "\(value) against \(right)")
                }
            }
        }
    }

    @Test func `Every type of value against every kind of literal holds for none but its own kind`() throws {
        let id = try #require(BSONObjectID(hex: "507f1f77bcf86cd799439011"))
        let values: [(BSONValue, Character)] = [
            (.double(1), "n"), (.string("1"), "t"), (.document(["a": .int32(1)]), "-"),
            (.binary(BSONBinary(subtype: 0, bytes: [0x31])), "t"),
            (.binary(BSONBinary(subtype: 5, bytes: [0x31])), "-"),
            (.binary(BSONBinary(subtype: 2, bytes: [0x31])), "-"), (.undefined, "0"), (.objectID(id), "-"),
            (.bool(true), "b"), (.datetime(1000), "n"), (.null, "0"),
            (.regex(pattern: "1", options: ""), "-"),
            (.dbPointer("1", id), "-"), (.javascript("1"), "-"), (.symbol("1"), "t"),
            (.javascriptWithScope("1", [:]), "-"), (.int32(1), "n"),
            (.timestamp(increment: 1, seconds: 1), "-"),
            (.int64(1), "n"), (.decimal128(BSONDecimal128(Int64(1))), "n"), (.minKey, "-"), (.maxKey, "-"),
        ]
        let literals: [(String, Character)] = [
            ("1", "n"), ("1.0", "n"), ("1s", "n"), ("1970-01-01T00:00:01Z", "n"), ("\"1\"", "t"),
            ("true", "b"), ("null", "0"),
        ]
        for (value, kind) in values {
            for (literal, wanted) in literals {
                let equal = kind == wanted
                #expect(try matches("x = \(literal)", event(["x": value])) == equal, "\(value) = \(literal)")
                #expect(
                    try matches("x != \(literal)", event(["x": value])) == !equal, "\(value) != \(literal)")
                guard wanted == "n" || wanted == "t" else { continue }
                #expect(
                    try matches("x >= \(literal)", event(["x": value])) == equal, "\(value) >= \(literal)")
                #expect(try !matches("x < \(literal)", event(["x": value])), "\(value) < \(literal)")
            }
            for pattern in ["x ~ \"1\"", "x =~ \"1\""] {
                #expect(try matches(pattern, event(["x": value])) == (kind == "t"), "\(value) \(pattern)")
            }
            #expect(try matches("exists x", event(["x": value])))
        }
    }

    @Test(arguments: [
        ("*", "", true), ("", "", true), ("", "a", false), ("a*b", "ab", true), ("a*b", "axxb", true),
        ("a*b", "axxc", false),
        ("*a*", "xax", true), ("*abc", "abcabc", true), ("*abc", "ab", false), ("a**b", "ab", true),
        ("?", "é", true),
        ("??", "é", false), ("*?", "", false), ("[a-c]x", "bx", true), ("[!a-c]x", "bx", false),
        ("[^a-c]x", "éx", true),
        ("[]]", "]", true), ("[a-]", "-", true), ("\\*", "*", true), ("\\*", "a", false),
        ("a\\?", "a?", true),
        ("[\\]]", "]", true), ("*ab*ab*", "abab", true), ("*ab*ab*", "ab", false), ("*a?c", "abcaxc", true),
        ("*aab", "aaaab", true), ("[α-ω]*", "λx", true),
    ])
    func `Globs`(_ glob: String, _ text: String, _ expected: Bool) throws {
        #expect(try matches("x ~ \"\(glob)\"", event(["x": .string(text)])) == expected)
    }

    @Test func `Text that is no UTF-8 is compared by its bytes`() throws {
        let body: BSONDocument = ["x": .binary(BSONBinary(subtype: 0, bytes: [0x61, 0xFF, 0xC3, 0x62]))]
        for (filter, expected) in [
            ("x ~ \"a??b\"", true), ("x ~ \"a[a-z]*\"", false), ("x ~ \"a[!a-z]*\"", true),
            ("x =~ \"b$\"", true),
            ("x =~ \"^a.b\"", false), ("x > \"a\"", true), ("x = \"a\"", false),
        ] {
            #expect(try matches(filter, event(body)) == expected, "\(filter)")
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `Patterns that would run for ever end, do not match, and are counted`() throws {
        for pattern in [
            "(a+)+$", "(a|a)*$", "(a*)*b", "\\w*\\d", "(?:a?){60}a{60}$", "^(([a-z])+.)+[A-Z]([a-z])+$",
            "(?R)?b", "(?i)[a-z]*[a-z]*[0-9]",
            "(?<=a{5})b|a*c",
        ] {
            let filter = try EventFilter("x =~ \"\(pattern)\"")
            let text = String(repeating: "a", count: 60_000) + "!"
            let clock = ContinuousClock()
            let time = clock.measure {
                #expect(!event(["x": .string(text)]).withView { filter.matches($0) }, "\(pattern)")
            }
            #expect(time < .seconds(5), "\(pattern): \(time)")
            #expect(filter.statistics.overruns <= 1)
        }
        let filter = try EventFilter("x =~ \"(a+)+$\"")
        for length in [40, 1000, 60_000, 70_000] {
            let text = String(repeating: "a", count: length) + "!"
            #expect(!event(["x": .string(text)]).withView { filter.matches($0) })
        }
        #expect(filter.statistics.overruns == 4)
        #expect(event(["x": "aaaa"]).withView { filter.matches($0) })
    }

    @Test func `One filter is used by many threads at once`() async throws {
        let filter = try EventFilter("x =~ \"(ab)+c$\" and n > 10")
        let found = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<2000).count { number in
                        event(["x": .string("ababc"), "n": .int64(Int64(number))]).withView {
                            filter.matches($0)
                        }
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(found == 8 * 1989)
        #expect(filter.statistics.overruns == 0)
    }
}

struct PassingTests {
    @Test func `What does not match is passed over only if its elements end where it does`() throws {
        let filter = try EventFilter("n = 1 and type = \"request.sql\"")
        func passes(_ document: BSONDocument) -> Bool { document.withView { filter.passesOver($0) } }
        #expect(passes(event(["n": .int32(2)])))
        #expect(passes([:]))
        #expect(!passes(event(["n": .int32(1)])))
        var bytes = event(["n": .int32(2)]).bytes
        bytes += event(["n": .int32(1)]).bytes
        let length = Int32(bytes.count)
        withUnsafeBytes(of: length.littleEndian) { bytes.replaceSubrange(0..<4, with: $0) }
        #expect(!passes(BSONDocument(unchecked: bytes)))
    }
}
