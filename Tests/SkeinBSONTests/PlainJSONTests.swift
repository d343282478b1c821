import SkeinBSON
import Testing

@Suite struct PlainJSONTests {
    static let numbers: [(String, BSONDocument)] = [
        ("{}", BSONDocument()), (" {\"a\" : 1 }\n", ["a": .int32(1)]),
        ("{\"a\": NaN}", ["a": .double(.nan)]),
        ("{\"a\": [Infinity, -Infinity]}", ["a": .array(.array([.double(.infinity), .double(-.infinity)]))]),
        ("{\"a\": -0}", ["a": .int32(0)]), ("{\"a\": -0.0}", ["a": .double(-0.0)]),
        ("{\"a\": 2147483648}", ["a": .int64(2_147_483_648)]),
        ("{\"a\": 9223372036854775808}", ["a": .decimal128(BSONDecimal128(UInt64(1) << 63))]),
        ("{\"a\": 123456789012345678901234567890123456}", ["a": "123456789012345678901234567890123456"]),
        ("{\"a\": 1e999}", ["a": .double(.infinity)]),
    ]

    static let texts: [(String, BSONDocument)] = [
        ("{\"$date\": 1, \"x\": {\"$oid\": \"no\"}}", ["$date": .int32(1), "x": ["$oid": "no"]]),
        ("{\"a\": \"\\ud83e\\uddf6\"}", ["a": "🧶"]), ("{\"a\": \"\\ud83ex\"}", ["a": "\u{FFFD}x"]),
        ("{\"a\": \"\\ud83e\\u0041\"}", ["a": "\u{FFFD}A"]), ("{\"a\": \"\\udc00\"}", ["a": "\u{FFFD}"]),
        ("{\"a\\u0000b\": 1}", ["a\u{FFFD}b": .int32(1)]), ("{\"a\": \"\\u0000\"}", ["a": "\u{0}"]),
        ("{\"a\": 1, \"b\": 2, \"a\": 3}", ["a": .int32(3), "b": .int32(2)]),
        (
            "{\"x\": [{\"a\": 1, \"a\": {\"b\": 1, \"c\": [], \"b\": 2}}], \"x\": {\"a\": 1, \"a\": \"text\", \"d\": 4}, \"y\": 0}",
            ["x": ["a": "text", "d": .int32(4)], "y": .int32(0)]
        ),
    ]

    @Test(arguments: numbers + texts)
    func `what Python writes is read`(json: String, document: BSONDocument) throws {
        #expect(try PlainJSON.decode(json) == document)
    }

    @Test(arguments: [
        "", "[]", "{", "{\"a\": }", "{\"a\": 1,}", "{a: 1}", "{\"a\": 01}", "{\"a\": +1}", "{\"a\": Nan}",
        "{\"a\": -Inf}",
        "{\"a\": \"\n\"}", "{\"a\": \"\\x\"}", "{} {}", "{\"a\": 'b'}", "{\"a\": \"\\ud83\"}", "null",
    ])
    func `what is no JSON is refused`(json: String) {
        #expect(throws: BSONError.self) { try PlainJSON.decode(json) }
    }

    @Test func `nesting and size have limits`() throws {
        let deep = String(repeating: "{\"a\":", count: 100_000)
        let error = #expect(throws: BSONError.self) { try PlainJSON.decode(deep) }
        #expect(error?.code == .tooDeep)
        let lists = "{\"a\":" + String(repeating: "[", count: 100_000)
        #expect(throws: BSONError.self) { try PlainJSON.decode(lists) }
        var numbers = Array(("{\"a\": [" + String(repeating: "1,", count: 10_000) + "1]}").utf8)
        let large = #expect(throws: BSONError.self) {
            try numbers.withUnsafeMutableBytes {
                try PlainJSON.decode(utf8: UnsafeRawBufferPointer($0), maximumBytes: 50_000)
            }
        }
        #expect(large?.code == .tooLarge)
    }

    @Test func `what is written is read back, but for types that JSON has not`() throws {
        let document: BSONDocument = [
            "a": .int32(1),
            "b": .array(.array([.null, true, "x\"\\\n\t\u{1}\u{7F}ä🧶", .double(1.5), .double(.nan)])),
            "c": ["d": .int64(1 << 40), "e": [:]], "f": .double(-.infinity), "g": .double(1e300),
        ]
        #expect(try PlainJSON.decode(PlainJSON.encode(document)) == document)
        let typed: BSONDocument = [
            "date": .datetime(-1), "bytes": .binary(BSONBinary(subtype: 0, bytes: [1, 2, 3, 4])),
            "max": .maxKey,
            "uuid": .binary(BSONBinary(subtype: 4, bytes: Array(0..<16))),
        ]
        #expect(
            PlainJSON.encode(typed)
                == "{\"date\": \"1969-12-31T23:59:59.999Z\", \"bytes\": \"AQIDBA==\", \"max\": null, "
                + "\"uuid\": \"00010203-0405-0607-0809-0a0b0c0d0e0f\"}")
    }

    @Test func `Base64 is padded as it should be`() throws {
        for count in 0..<7 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 83 &+ 200) }
            let document: BSONDocument = ["b": .binary(BSONBinary(subtype: 0, bytes: bytes))]
            let text = try #require(try PlainJSON.decode(PlainJSON.encode(document))["b"]?.stringValue)
            let back = try ExtendedJSON.decode(
                "{\"b\": {\"$binary\": {\"base64\": \"\(text)\", \"subType\": \"00\"}}}")
            #expect(back == document)
        }
    }
}
