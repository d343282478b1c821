import SkeinBSON
import Testing

@Suite struct ExtendedJSONTests {
    @Test func `every type survives canonical JSON`() throws {
        let json = try ExtendedJSON.encode(Samples.everyDocument, .canonical)
        #expect(try ExtendedJSON.decode(json) == Samples.everyDocument)
        #expect(!json.contains("\n"))
    }

    @Test func `canonical spells the types as the specification does`() throws {
        let spellings: [(BSONValue, String)] = [
            (7, #"{ "$numberLong" : "7" }"#), (.int32(7), #"{ "$numberInt" : "7" }"#),
            (7.0, #"{ "$numberDouble" : "7.0" }"#),
            (.double(-.infinity), #"{ "$numberDouble" : "-Infinity" }"#),
            (.double(.nan), #"{ "$numberDouble" : "NaN" }"#),
            (.datetime(0), #"{ "$date" : { "$numberLong" : "0" } }"#),
            (.objectID(Samples.objectID), #"{ "$oid" : "0123456789abcdeffedcba98" }"#),
            (
                .binary(BSONBinary(subtype: 2, bytes: [1, 2, 3])),
                #"{ "$binary" : { "base64" : "AQID", "subType" : "02" } }"#
            ),
            (
                .regex(pattern: "a/b", options: "mi"),
                #"{ "$regularExpression" : { "pattern" : "a/b", "options" : "im" } }"#
            ),
            (.timestamp(increment: 5, seconds: 6), #"{ "$timestamp" : { "t" : 6, "i" : 5 } }"#),
            (.decimal128(BSONDecimal128(7 as UInt64)), #"{ "$numberDecimal" : "7" }"#),
            (.symbol("s"), #"{ "$symbol" : "s" }"#), (.javascript("f"), #"{ "$code" : "f" }"#),
            (.undefined, #"{ "$undefined" : true }"#), (.minKey, #"{ "$minKey" : 1 }"#), (nil, "null"),
            (true, "true"),
            ("a\"b\n\u{0}", #""a\"b\n\u0000""#), ([nil, []], "[ null, [  ] ]"),
        ]
        for (value, spelling) in spellings {
            #expect(try ExtendedJSON.encode(value, .canonical) == spelling)
        }
    }

    @Test func `relaxed is plain where JSON is`() throws {
        let document: BSONDocument = [
            "a": 7, "b": 1.5, "c": .datetime(1_500), "d": .int32(-1), "e": ["f": "g"],
        ]
        let json = try ExtendedJSON.encode(document, .relaxed)
        #expect(
            json
                == #"{ "a" : 7, "b" : 1.5, "c" : { "$date" : "1970-01-01T00:00:01.500Z" }, "d" : -1, "e" : { "f" : "g" } }"#
        )
        var back = try ExtendedJSON.decode(json)
        #expect(back["a"] == .int32(7))
        back["a"] = 7
        #expect(back == document)
    }

    @Test(arguments: [
        "", "  ", "{", "}", "[1]", "1", "null", #""a""#, #"{"a":1} {"b":2}"#, #"{"a":1} x"#, #"{"a":1,}"#,
        "{a:1}",
        #"{"a":1e400}"#, #"{"a":{"$numberInt":"x"}}"#, #"{"a":{"$oid":"12"}}"#,
        #"{"a\u0000b":1}"#, #"{"a":"\ud800"}"#, "{\"a\":\"x\0y\"}", "{\"a\":\"\n\"}", #"{"a":01}"#,
        #"{"a":1}}"#,
    ])
    func `what is no JSON object is refused`(json: String) {
        let error = #expect(throws: BSONError.self) { try ExtendedJSON.decode(json) }
        #expect(error?.code == .invalidJSON)
    }

    @Test func `bytes that are not UTF-8 are refused before libbson sees them`() {
        let error = #expect(throws: BSONError.self) {
            try Array("{\"a\":\"".utf8 + [0xC0, 0x80] + "\"}".utf8).withUnsafeBytes {
                _ = try ExtendedJSON.decode(utf8: $0)
            }
        }
        #expect(error?.code == .invalidUTF8)
    }

    @Test func `white space around an object is taken`() throws {
        #expect(try ExtendedJSON.decode(" \r\n\t{ }\n") == BSONDocument())
    }

    @Test func `a malformed document is refused, not written`() {
        let broken = BSONDocument(unchecked: [12, 0, 0, 0, 2, 0x61, 0, 1, 0, 0, 0, 0])
        #expect(throws: BSONError.self) { try ExtendedJSON.encode(broken, .relaxed) }
    }

    @Test func `documents of full depth are written and read, deeper ones neither`() throws {
        func plain(_ depth: Int) -> BSONDocument {
            (1..<depth).reduce(["d": .datetime(-1)]) { inner, _ in ["a": .document(inner)] }
        }
        func scopes(_ depth: Int) -> BSONDocument {
            (1..<depth).reduce(["d": .datetime(-1)]) { inner, _ in ["a": .javascriptWithScope("f", inner)] }
        }
        for document in [plain(100), scopes(100)] {
            #expect(try ExtendedJSON.decode(ExtendedJSON.encode(document, .canonical)) == document)
        }
        #expect(throws: BSONError.self) { try ExtendedJSON.encode(plain(101), .canonical) }
        let open = String(repeating: "{\"a\":", count: 99)
        let close = String(repeating: "}", count: 99)
        for (inner, isFine) in [
            ("{}", true), ("[]", true), (#"{"$date":{"$numberLong":"1"}}"#, true),
            (#"{"$code":"","$scope":{}}"#, true),
            ("[[]]", false), ("{\"a\":{}}", false), (#"{"$code":"","$scope":{"a":[]}}"#, false),
            (#"{"$scope":{"a":[]},"$code":""}"#, false),
        ] {
            do {
                let document = try ExtendedJSON.decode(open + inner + close)
                #expect(isFine, "\(inner)")
                #expect(try BSONDocument(validating: document.bytes) == document)
            } catch {
                #expect(!isFine && error.code == .tooDeep, "\(inner): \(error)")
            }
        }
        for bomb in ["{\"a\":", "{\"a\":[[[[", #"{"a":{"$code":"","$scope":{"a":"#, #"{"a":{"$scope":"#] {
            #expect(throws: BSONError.self) {
                try ExtendedJSON.decode(String(repeating: bomb, count: 100_000))
            }
        }
    }

    @Test func `typed values may come in any order, and in older spellings`() throws {
        let oid = "0123456789abcdeffedcba98"
        let spellings: [(String, BSONValue)] = [
            (
                #"{"$binary":{"subType":"2","base64":"AQI="}}"#,
                .binary(BSONBinary(subtype: 2, bytes: [1, 2]))
            ),
            (#"{"$binary":"AQ==","$type":"80"}"#, .binary(BSONBinary(subtype: 0x80, bytes: [1]))),
            (
                #"{"$uuid":"00112233-4455-6677-8899-AAbbccddeeff"}"#,
                .binary(BSONBinary(subtype: 4, bytes: (0..<16).map { $0 * 0x11 }))
            ),
            (#"{"$timestamp":{"i":1,"t":4294967295}}"#, .timestamp(increment: 1, seconds: .max)),
            (#"{"$regularExpression":{"options":"xi","pattern":"a"}}"#, .regex(pattern: "a", options: "ix")),
            (#"{"$regex":"a","$options":"mi"}"#, .regex(pattern: "a", options: "im")),
            (#"{"$regex":"a"}"#, ["$regex": "a"]),
            (#"{"$regex":{"$oid":"\#(oid)"}}"#, ["$regex": .objectID(Samples.objectID)]),
            (#"{"$dbPointer":{"$id":{"$oid":"\#(oid)"},"$ref":"c"}}"#, .dbPointer("c", Samples.objectID)),
            (
                #"{"$scope":{"a":{"$numberInt":"1"}},"$code":"f"}"#,
                .javascriptWithScope("f", ["a": .int32(1)])
            ),
            (#"{"$date":"1970-01-01T00:00:00Z"}"#, .datetime(0)), (#"{"$date":-5}"#, .datetime(-5)),
            (#"{"$ref":"c","$id":1}"#, ["$ref": "c", "$id": .int32(1)]), (#"{"$gt":1}"#, ["$gt": .int32(1)]),
            (#"{"a":1,"$oid":2}"#, ["a": .int32(1), "$oid": .int32(2)]), ("-0", .double(-0.0)),
            ("-0.0e-5", .double(-0.0)),
            ("2147483648", .int64(2_147_483_648)),
            ("9223372036854775808", .double(9_223_372_036_854_775_808)),
            ("1e2", .double(100)),
            (#""\u00e9\ud83e\udeb6\/\b\f\n\r\t\\\"""#, .string("é🪶/\u{8}\u{c}\n\r\t\\\"")),
        ]
        for (json, value) in spellings {
            let document = try ExtendedJSON.decode("{\"v\":\(json)}")
            #expect(document.bytes == BSONDocument([("v", value)]).bytes, "\(json)")
        }
    }

    @Test(arguments: [
        #"{"$numberInt":1}"#, #"{"$numberInt":"2147483648"}"#, #"{"$numberInt":"+1"}"#,
        #"{"$numberInt":" 1"}"#,
        #"{"$numberLong":"9223372036854775808"}"#, #"{"$numberDouble":"x"}"#, #"{"$numberDouble":"0x10"}"#,
        #"{"$numberDouble":"1e999"}"#, #"{"$numberDouble":"inf"}"#, #"{"$numberDecimal":"x"}"#,
        #"{"$oid":"0"}"#,
        #"{"$numberInt":"1","x":1}"#, #"{"$date":"x"}"#, #"{"$date":{"$numberInt":"1"}}"#, #"{"$date":true}"#,
        #"{"$binary":{"base64":"A","subType":"00"}}"#, #"{"$binary":{"base64":"AB==","subType":"00"}}"#,
        #"{"$binary":{"base64":"AA=A","subType":"00"}}"#,
        #"{"$binary":{"base64":"AA==AAAA","subType":"00"}}"#,
        #"{"$binary":{"base64":"AA===","subType":"00"}}"#, #"{"$binary":{"base64":"====","subType":"00"}}"#,
        #"{"$binary":{"base64":"","subType":"100"}}"#, #"{"$binary":{"base64":"","subType":""}}"#,
        #"{"$binary":{"base64":"","subType":"+1"}}"#, #"{"$binary":{"base64":""}}"#,
        #"{"$binary":{"base64":"","base64":""}}"#,
        #"{"$uuid":"0011223344556677-8899-aabb-ccdd-eeff"}"#,
        #"{"$uuid":"0011223-4455-6677-8899-aabbccddeeffg"}"#,
        #"{"$timestamp":{"t":-1,"i":1}}"#, #"{"$timestamp":{"t":1}}"#,
        #"{"$timestamp":{"t":4294967296,"i":1}}"#,
        #"{"$regularExpression":{"pattern":"a\u0000","options":""}}"#,
        #"{"$regex":"a","$options":"i","x":1}"#,
        #"{"$dbPointer":{"$ref":"x"}}"#, #"{"$dbPointer":{"$ref":"x","$id":"y"}}"#, #"{"$scope":{}}"#,
        #"{"$code":"x","y":1}"#, #"{"$code":1}"#, #"{"$code":"x","$scope":1}"#, #"{"$undefined":false}"#,
        #"{"$minKey":2}"#,
        #""\ud83e""#, #""\udeb6""#, #""\ud83e\u0041""#, #""\x""#, #""\u12g4""#, #""\u12"#, #""\"#, #"""#,
        "+1", ".5", "5.", "1e", "1e+",
        "--1", "00", "0x1", "NaN", "Infinity", "nul", "truer", "'a'", "[1,]", "[,1]", "[1 2]", "[", "[1}",
        "{1:2}",
    ])
    func `a typed value or a scalar that is wrong is refused`(json: String) {
        let error = #expect(throws: BSONError.self) { try ExtendedJSON.decode("{\"v\":\(json)}") }
        #expect(error?.code == .invalidJSON)
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2012-12-24T12:15:30.501Z", 1_356_351_330_501),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2000-02-29T00:00:00.1Z", 951_782_400_100), ("2000-03-01T00:00:00.123456789+00:00", 951_868_800_123),
        ("2026-11-20T23:00:00+01:00", 1_795_212_000_000), ("2026-11-20T17:30:00-0430", 1_795_212_000_000),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000), ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000), ("2026-11-20T22:00:00+00", 1_795_212_000_000),
    ])
    func `dates are those of RFC 3339`(text: String, milliseconds: Int64) throws {
        #expect(try ExtendedJSON.decode("{\"d\":{\"$date\":\"\(text)\"}}") == ["d": .datetime(milliseconds)])
    }

    @Test(arguments: [
        "", "2026", "2026-11-20", "2026-11-20T22:15Z", "2026-11-20T22:15:00", "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00ZZ",
        "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+01:60", "2026-01-01T00:00:00+1",
        "26-01-01T00:00:00Z",
        "2026-01-01 00:00:00Z", "+026-01-01T00:00:00Z",
    ])
    func `what is no date is refused`(text: String) {
        #expect(throws: BSONError.self) { try ExtendedJSON.decode("{\"d\":{\"$date\":\"\(text)\"}}") }
    }

    @Test func `an error tells the place`() {
        let error = #expect(throws: BSONError.self) { try ExtendedJSON.decode(#"{"a": 1, "b" 2}"#) }
        #expect(error?.offset == 13)
    }
}
