import SkeinBSON
import Testing

@Suite struct DocumentTests {
    @Test func `hello world is the bytes of bsonspec`() {
        let document: BSONDocument = ["hello": "world"]
        #expect(document.bytes == Array("\u{16}\0\0\0\u{2}hello\0\u{6}\0\0\0world\0\0".utf8))
    }

    @Test func `every type survives the round trip through bytes`() throws {
        let document = try BSONDocument(validating: Samples.everyDocument.bytes)
        let elements = Array(document)
        #expect(elements.map(\.key) == Samples.everyType.map(\.0))
        #expect(elements.map(\.value) == Samples.everyType.map(\.1))
        #expect(Set(elements.map(\.value.type)).count == BSONType.allCases.count)
    }

    @Test func `keys keep their order and repeat`() {
        var document: BSONDocument = ["b": 1, "a": 2]
        document.append("b", 3)
        #expect(document.keys == ["b", "a", "b"])
        #expect(document.count == 3)
        #expect(document["b"] == 1)
    }

    @Test func `setting replaces in place, appends, and removes`() throws {
        var document: BSONDocument = ["a": 1, "b": "two", "c": nil]
        document["b"] = ["longer": "than before"]
        document["d"] = 4
        document["a"] = nil
        document["missing"] = nil
        #expect(document == ["b": ["longer": "than before"], "c": nil, "d": 4])
        #expect(try BSONDocument(validating: document.bytes) == document)
        document["b"] = nil
        document["c"] = nil
        document["d"] = nil
        #expect(document == BSONDocument())
        #expect(document.isEmpty)
    }

    @Test func `a path leads through documents and arrays`() {
        let document: BSONDocument = ["a": ["b": [10, ["c": "deep"]]], "x.y": 1]
        #expect(document[path: "a.b.0"] == 10)
        #expect(document[path: "a.b.1.c"]?.stringValue == "deep")
        #expect(document[path: "a.b.2"] == nil)
        #expect(document[path: "a.b.0.c"] == nil)
        #expect(document[path: "x.y"] == nil)
        #expect(document["x.y"] == 1)
        #expect(document[path: ""] == nil)
        #expect(document[path: "a."] == nil)
        #expect(document[path: "."] == nil)
    }

    @Test func `what BSON cannot hold is not appended`() {
        var document: BSONDocument = ["a": 1]
        let refused = [
            document.append("nul\0key", 1), document.append("r", .regex(pattern: "a\0", options: "")),
        ]
        #expect(refused == [false, false])
        document["a"] = .regex(pattern: "", options: "\0")
        #expect(document == ["a": 1])
        #expect(BSONDocument.array([.regex(pattern: "\0", options: ""), 2]) == ["0": nil, "1": 2])
    }

    @Test func `text may be binary, numbers may be any number`() {
        #expect(BSONValue.binary(BSONBinary(bytes: Array("text".utf8))).stringValue == "text")
        #expect(BSONValue.binary(BSONBinary(bytes: [0xFF])).stringValue == nil)
        #expect(BSONValue.binary(BSONBinary(subtype: 5, bytes: [0x41])).stringValue == nil)
        #expect(BSONValue.double(12).intValue == 12)
        #expect(BSONValue.double(12.5).intValue == nil)
        #expect(BSONValue.double(1e300).intValue == nil)
        #expect(BSONValue.int32(3).doubleValue == 3)
        #expect(BSONValue.decimal128(BSONDecimal128(UInt64.max)).doubleValue == 18_446_744_073_709_551_615.0)
        #expect(BSONValue.decimal128(BSONDecimal128(UInt64.max)).intValue == nil)
        #expect(BSONValue.array(.array([1, "b"])).arrayValues == [1, "b"])
    }

    @Test func `an array of many has its indices as keys`() {
        let array = BSONDocument.array((0..<1_234).map { .int32($0) })
        #expect(array.keys == (0..<1_234).map(String.init))
    }

    @Test func `unchecked rubbish is read without harm`() {
        for bytes: [UInt8] in [[], [0], [5, 0, 0], [9, 0, 0, 0, 2], Array(repeating: 0xFF, count: 40)] {
            var document = BSONDocument(unchecked: bytes)
            #expect(document["a"] == nil)
            #expect(document[path: "a.b"] == nil)
            #expect(Array(document).isEmpty)
            document["a"] = 1
            document["a"] = nil
        }
    }
}
