import Foundation
import SkeinBSON
import Testing

@Suite struct CodingTests {
    struct Everything: Codable, Equatable {
        enum Colour: String, Codable { case red, blue }
        enum Shape: Codable, Equatable {
            case circle(radius: Double)
            case point
        }
        struct Inner: Codable, Equatable {
            var a: Int8
            var b: [UInt16]
        }

        var bool = true
        var string = "grün"
        var double = 0.1
        var float: Float = 1.5
        var int = Int.min
        var int8 = Int8.min
        var int16 = Int16.min
        var int32 = Int32.min
        var int64 = Int64.max
        var uint = UInt.max
        var uint8 = UInt8.max
        var uint16 = UInt16.max
        var uint32 = UInt32.max
        var uint64 = UInt64.max
        var bytes: [UInt8] = [1, 2]
        var present: Int? = 1
        var absent: Int?
        var nested = Inner(a: 1, b: [2, 3])
        var list = [Inner(a: 4, b: []), Inner(a: 5, b: [6])]
        var matrix = [[1.5], [], [2.5, 3.5]]
        var holes: [Int?] = [nil, 1, nil]
        var dictionary = ["z": 1, "a": 2, "m": 3]
        var numbered = [2: "two", 1: "one"]
        var colour = Colour.blue
        var shapes = [Shape.circle(radius: 2), .point]
        var id = Samples.objectID
        var value: BSONValue = ["x": [1, nil]]
        var document: BSONDocument = ["y": 2]
        var binary = BSONBinary(subtype: 4, bytes: [7])
        var decimal = BSONDecimal128(5 as UInt64)
    }

    @Test func `everything comes back as it was`() throws {
        let original = Everything()
        let document = try BSONEncoder().encode(original)
        #expect(try BSONDocument(validating: document.bytes) == document)
        #expect(try BSONDecoder().decode(Everything.self, from: document) == original)
        #expect(try document.withView { try BSONDecoder().decode(Everything.self, from: $0) } == original)
    }

    @Test func `types in the document are those of the table`() throws {
        let document = try BSONEncoder().encode(Everything())
        let types = Dictionary(uniqueKeysWithValues: document.map { ($0.key, $0.value.type) })
        let expected: [String: BSONType] = [
            "bool": .bool, "string": .string, "double": .double, "float": .double, "int": .int64,
            "int8": .int32,
            "int16": .int32, "int32": .int32, "int64": .int64, "uint": .decimal128, "uint8": .int32,
            "uint16": .int32,
            "uint32": .int64, "uint64": .decimal128, "bytes": .binary, "present": .int64,
            "nested": .document, "list": .array, "matrix": .array, "holes": .array, "dictionary": .document,
            "numbered": .document, "colour": .string, "shapes": .array, "id": .objectID, "value": .document,
            "document": .document, "binary": .binary, "decimal": .decimal128,
        ]
        #expect(types == expected)
        #expect(document["dictionary"]?.documentValue?.keys == ["a", "m", "z"])
        #expect(document["holes"] == [nil, 1, nil])
        #expect(document["uint64"] == .decimal128(BSONDecimal128(UInt64.max)))
        #expect(document["shapes"] == [["circle": ["radius": 2.0]], ["point": [:]]])
    }

    @Test func `scalars and arrays are values, not documents`() throws {
        #expect(try BSONEncoder().encodeValue(7) == 7)
        #expect(try BSONEncoder().encodeValue(["a", "b"]) == ["a", "b"])
        #expect(try BSONEncoder().encodeValue(Int?.none) == .null)
        #expect(try BSONEncoder().encodeValue([UInt8](0..<3)) == .binary(BSONBinary(bytes: [0, 1, 2])))
        #expect(try BSONDecoder().decodeValue([Int8].self, from: [1, 2.0, .int32(3)]) == [1, 2, 3])
        #expect(try BSONDecoder().decodeValue(Int?.self, from: .undefined) == nil)
        #expect(try BSONDecoder().decodeValue([UInt8].self, from: [1, 2]) == [1, 2])
        #expect(throws: EncodingError.self) { try BSONEncoder().encode([1]) }
    }

    @Test func `numbers that do not fit are refused`() {
        #expect(throws: DecodingError.self) { try BSONDecoder().decodeValue(Int8.self, from: 128) }
        #expect(throws: DecodingError.self) { try BSONDecoder().decodeValue(UInt64.self, from: -1) }
        #expect(throws: DecodingError.self) { try BSONDecoder().decodeValue(Int.self, from: 1.5) }
        #expect(throws: DecodingError.self) { try BSONDecoder().decodeValue(Int.self, from: "1") }
        #expect(throws: DecodingError.self) { try BSONDecoder().decodeValue(Int.self, from: nil) }
        #expect(throws: DecodingError.self) {
            try BSONDecoder().decodeValue(Int.self, from: .decimal128(BSONDecimal128(UInt64.max)))
        }
    }

    @Test func `errors name the path`() {
        let document: BSONDocument = [
            "nested": ["a": 1, "b": [1, "x"]]
        ]
        struct Outer: Decodable { var nested: Everything.Inner }
        do {
            _ = try BSONDecoder().decode(Outer.self, from: document)
            Issue.record("it must throw")
        } catch DecodingError.typeMismatch(_, let context) {
            #expect(context.codingPath.map(\.stringValue) == ["nested", "b", "1"])
        } catch {
            Issue.record(error)
        }
        #expect(throws: DecodingError.self) { try BSONDecoder().decode(Outer.self, from: [:]) }
        #expect(throws: DecodingError.self) {
            try BSONDecoder().decode(Outer.self, from: BSONDocument(unchecked: [6, 0, 0, 0, 3, 0]))
        }
    }

    @Test func `a conformance decides how a type stands`() throws {
        struct Moment: Codable, Equatable, BSONConvertible {
            var milliseconds: Int64
            init(milliseconds: Int64) { self.milliseconds = milliseconds }
            var bsonValue: BSONValue { .datetime(milliseconds) }
            init?(bsonValue: BSONValue) {
                guard let value = bsonValue.datetimeValue else { return nil }
                milliseconds = value
            }
        }
        let moments = ["at": Moment(milliseconds: 5)]
        let document = try BSONEncoder().encode(moments)
        #expect(document == ["at": .datetime(5)])
        #expect(try BSONDecoder().decode([String: Moment].self, from: document) == moments)
        // Another value goes on to Decodable.
        #expect(try BSONDecoder().decode([String: Moment].self, from: ["at": ["milliseconds": 5]]) == moments)
    }

    @Test func `what BSON cannot hold is refused`() {
        #expect(throws: EncodingError.self) { try BSONEncoder().encode(["a\0": 1]) }
        #expect(throws: EncodingError.self) {
            try BSONEncoder().encode(["a": BSONValue.regex(pattern: "\0", options: "")])
        }
    }

    final class Chain: Codable {
        var next: Chain?
        init(_ next: Chain?) { self.next = next }
    }

    @Test func `depth ends at a hundred, loops included`() throws {
        let deepest = (1..<100).reduce(Chain(nil)) { chain, _ in Chain(chain) }
        let document = try BSONEncoder().encode(deepest)
        _ = try BSONDecoder().decode(Chain.self, from: document)
        #expect(throws: EncodingError.self) { try BSONEncoder().encode(Chain(deepest)) }
        #expect(throws: EncodingError.self) { try BSONEncoder().encode(["ready": document]) }
        let loop = Chain(nil)
        loop.next = loop
        #expect(throws: EncodingError.self) { try BSONEncoder().encode(loop) }
        loop.next = nil
    }

    class Animal: Codable {
        var legs = 4
    }
    final class Dog: Animal {
        var name = "Rex"
        private enum Keys: CodingKey { case name }
        override init() { super.init() }
        required init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            name = try container.decode(String.self, forKey: .name)
            try super.init(from: container.superDecoder())
        }
        override func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            try super.encode(to: container.superEncoder())
            try container.encode(name, forKey: .name)
        }
    }

    @Test func `a superclass has its place`() throws {
        let dog = Dog()
        dog.legs = 3
        let document = try BSONEncoder().encode(dog)
        #expect(document == ["super": ["legs": 3], "name": "Rex"])
        #expect(try BSONDecoder().decode(Dog.self, from: document).legs == 3)
    }

    struct Twisted: Encodable {
        enum Keys: CodingKey { case a, b, c }
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            var list = container.nestedUnkeyedContainer(forKey: .a)
            var inner = container.nestedContainer(keyedBy: Keys.self, forKey: .b)
            try container.encode(1, forKey: .c)
            try list.encode("x")
            try inner.encodeNil(forKey: .a)
            var lists = list.nestedUnkeyedContainer()
            try lists.encode(2)
            var again = encoder.container(keyedBy: Keys.self)
            try again.encode(2, forKey: .c)
        }
    }

    struct Contradiction: Encodable {
        enum Keys: CodingKey { case a }
        func encode(to encoder: any Encoder) throws {
            var keyed = encoder.container(keyedBy: Keys.self)
            try keyed.encode(1, forKey: .a)
            var unkeyed = encoder.unkeyedContainer()
            try unkeyed.encode(2)
        }
    }

    @Test func `containers may be interleaved, but not contradict each other`() throws {
        #expect(try BSONEncoder().encode(Twisted()) == ["a": ["x", [2]], "b": ["a": nil], "c": 2])
        #expect(throws: EncodingError.self) { try BSONEncoder().encode(Contradiction()) }
    }

    @Test func `BSON's own types stand in JSON, too`() throws {
        let value: BSONValue = [
            "a": 1, "b": ["c": [nil, true, 1.5]], "d": "text", "e": .objectID(Samples.objectID),
            "f": .decimal128(BSONDecimal128(7 as UInt64)), "g": .datetime(5),
        ]
        let json = JSONEncoder()
        json.outputFormatting = .sortedKeys
        let text = String(decoding: try json.encode(value), as: UTF8.self)
        #expect(
            text
                == #"{"a":1,"b":{"c":[null,true,1.5]},"d":"text","e":"0123456789abcdeffedcba98","f":"7","g":5}"#
        )
        let back = try JSONDecoder().decode(
            BSONDocument.self, from: Data(#"{"b":{"c":[null,true,1.5,"x"]}}"#.utf8))
        #expect(back == ["b": ["c": [nil, true, 1.5, "x"]]])
        #expect(
            try JSONDecoder().decode([BSONObjectID].self, from: json.encode([Samples.objectID])) == [
                Samples.objectID
            ])
        let decimal = BSONDecimal128(UInt64.max)
        #expect(try JSONDecoder().decode([BSONDecimal128].self, from: json.encode([decimal])) == [decimal])
    }
}
