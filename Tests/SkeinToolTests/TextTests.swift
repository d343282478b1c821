import SkeinBSON
import SkeinPlatform
import Testing

@testable import SkeinTool

@Suite struct TextTests {
    @Test func `nothing that a terminal obeys passes, whatever the bytes`() {
        var random = FastRandom(seed: 3)
        for _ in 0..<300 {
            let bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) }
            let text = bytes.withUnsafeBytes { SafeText.of($0) }
            for scalar in text.unicodeScalars {
                #expect(scalar.value >= 0x20 && scalar.value != 0x7F && !SafeText.isUnsafe(scalar))
            }
        }
    }

    @Test(arguments: [
        ("plain ü 🧶", "plain ü 🧶"), ("a\u{1B}[31mb", "a\\x1B[31mb"), ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\u{9B}2J", "\\u{009B}2J"), ("user\u{202E}gpj", "user\\u{202E}gpj"), ("\u{7}\u{0}", "\\x07\\x00"),
        ("C:\\d", "C:\\d"),
        ("zero\u{200B}width", "zero\\u{200B}width"), ("", ""),
    ])
    func `controls are shown as escapes`(raw: String, shown: String) {
        #expect(SafeText.of(raw) == shown)
    }

    @Test func `bytes that are no UTF-8 are shown one by one`() {
        let bytes: [UInt8] = [0x61, 0xFF, 0xC3, 0x28, 0xE2, 0x82, 0x62, 0xF4, 0x90, 0x80, 0x80, 0xC3]
        let text = bytes.withUnsafeBytes { SafeText.of($0) }
        #expect(text == "a\\xFF\\xC3(\\xE2\\x82b\\xF4\\x90\\x80\\x80\\xC3")
    }

    @Test(arguments: [
        (0, "0 µs"), (0.000_000_4, "0.4 µs"), (0.000_83, "830 µs"), (0.000_999_6, "1 ms"),
        (0.0152, "15.2 ms"), (0.152, "152 ms"),
        (0.999_6, "1 s"), (1.25, "1.25 s"), (59.99, "1 min"), (125, "2 min 5 s"), (3599.6, "1 h"),
        (12_000, "3 h 20 min"),
        (90_000, "1 d 1 h"), (-0.5, "-500 ms"), (.nan, "?"), (.infinity, "?"), (1e18, "1e+18 s"),
    ])
    func `durations have a unit that fits`(seconds: Double, text: String) {
        #expect(Quantity.duration(seconds) == text)
    }

    @Test func `counts and bytes read easily`() {
        #expect(
            Quantity.count(0) == "0" && Quantity.count(1_234_567) == "1,234,567"
                && Quantity.count(-1000) == "-1,000")
        #expect(Quantity.count(.min).hasPrefix("-9,223"))
        #expect(
            Quantity.bytes(812) == "812 B" && Quantity.bytes(4_200_000) == "4.2 MB"
                && Quantity.bytes(999_999) == "1 MB")
        #expect(Quantity.plural(1, "event") == "1 event" && Quantity.plural(2, "event") == "2 events")
    }

    @Test func `moments are UTC to the millisecond`() {
        #expect(Moment.text(1_795_188_463.229) == "2026-11-20 15:27:43.229Z")
        #expect(
            Moment.text(1_795_188_463.9999999) == "2026-11-20 15:27:44.000Z"
                || Moment.text(1_795_188_463.9999999) == "2026-11-20 15:27:43.999Z")
        #expect(Moment.text(-0.5) == "1969-12-31 23:59:59.500Z")
        #expect(Moment.text(.nan) == "?" && Moment.text(1e300) == "?")
    }

    @Test func `a line is cut to columns, wide characters and marks counted as they show`() {
        var line = StyledLine()
        line.append("ab", .red)
        line.append("日本語")
        line.append("e\u{301}f")
        #expect(line.width == 10)
        #expect(line.rendered(limit: 10, isColored: false) == "ab日本語e\u{301}f")
        #expect(line.rendered(limit: 9, isColored: false) == "ab日本語…")
        #expect(line.rendered(limit: 6, isColored: false) == "ab日…")
        #expect(line.rendered(limit: 2, isColored: true) == "\u{1B}[31ma\u{1B}[0m…")
        #expect(line.rendered(limit: nil, isColored: true).hasPrefix("\u{1B}[31mab\u{1B}[0m"))
    }

    @Test func `every BSON type has a text`() throws {
        let document: BSONDocument = [
            "double": 1.5, "whole": .double(3), "string": "a b", "document": ["x": 1, "y": ["z"]],
            "array": [1, "two", true],
            "text": .binary(BSONBinary(subtype: 0, bytes: Array("py2".utf8))),
            "bytes": .binary(BSONBinary(subtype: 0, bytes: [0xFF, 0xFE])),
            "uuid": .binary(BSONBinary(subtype: 4, bytes: Array(repeating: 1, count: 16))),
            "undefined": .undefined,
            "bool": false, "datetime": .datetime(1_795_188_463_229), "null": .null,
            "regex": .regex(pattern: "a\u{1B}", options: "i"), "code": .javascript("f()"),
            "symbol": .symbol("s"),
            "int32": .int32(-7), "timestamp": .timestamp(increment: 2, seconds: 1_795_188_463),
            "int64": .int64(.max),
            "min": .minKey, "max": .maxKey,
        ]
        let expected = [
            "double": "1.5", "whole": "3", "string": "a b", "document": "{x: 1, y: [z]}",
            "array": "[1, two, true]",
            "text": "py2", "bytes": "<2 bytes>", "uuid": "<16 bytes>", "undefined": "undefined",
            "bool": "false",
            "datetime": "2026-11-20 15:27:43.229Z", "null": "null", "regex": "/a\\x1B/i", "code": "f()",
            "symbol": "s",
            "int32": "-7", "timestamp": "2026-11-20 15:27:43.000Z #2", "int64": "9223372036854775807",
            "min": "<min key>", "max": "<max key>",
        ]
        for (key, text) in expected {
            #expect(document.withView { $0.first(key).map { FieldText.of($0) } } == text)
        }
    }

    @Test func `indented JSON is the same JSON`() throws {
        let document: BSONDocument = [
            "a": ["b": [1, [], ["c": [:]]], "text": "br{ace\" \\ , [x] : y"], "empty": [:],
            "del": "\u{7F}\u{9B}\u{202E}🧶\u{E0041}",
        ]
        let json = try ExtendedJSON.encode(document, .relaxed)
        for text in [JSONText.indented(json), JSONText.safe(json)] {
            #expect(try ExtendedJSON.decode(text)["a"]?[keyPath: \.documentValue?.bytes] != nil)
            #expect(try ExtendedJSON.decode(text)["del"]?.stringValue == "\u{7F}\u{9B}\u{202E}🧶\u{E0041}")
            #expect(try ExtendedJSON.decode(text)[path: "a.text"]?.stringValue == "br{ace\" \\ , [x] : y")
            #expect(!text.unicodeScalars.contains { SafeText.isUnsafe($0) || $0.value == 0x7F })
        }
        #expect(
            JSONText.indented("{ \"a\" : [ ], \"b\" : { \"c\" : 1 } }")
                == "{\n  \"a\": [],\n  \"b\": {\n    \"c\": 1\n  }\n}")
    }
}
