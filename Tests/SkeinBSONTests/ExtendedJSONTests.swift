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
        #"{"a":9223372036854775808}"#, #"{"a":1e400}"#, #"{"a":{"$numberInt":"x"}}"#, #"{"a":{"$oid":"12"}}"#,
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

    @Test func `documents of full depth are written, and read back down to libbson's limit`() throws {
        func nested(_ depth: Int) -> BSONDocument {
            (1..<depth).reduce(BSONDocument()) { inner, _ in ["a": .document(inner)] }
        }
        let full = try ExtendedJSON.encode(nested(100), .canonical)
        #expect(full.count(where: { $0 == "{" }) == 100)
        #expect(throws: BSONError.self) { try ExtendedJSON.encode(nested(101), .canonical) }
        let deepest = nested(99)
        #expect(try ExtendedJSON.decode(ExtendedJSON.encode(deepest, .canonical)) == deepest)
        #expect(throws: BSONError.self) {
            try ExtendedJSON.decode(String(repeating: "{\"a\":", count: 100_000))
        }
    }
}
