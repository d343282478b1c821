import SkeinBSON
import Testing

@Suite struct BuilderTests {
    @Test func `the builder writes what the document writes`() {
        var builder = BSONBuilder(capacity: 0)
        for (key, value) in Samples.everyType { builder.append(key, value) }
        #expect(builder.byteCount == Samples.everyDocument.bytes.count)
        #expect(builder.finish() == Samples.everyDocument)
        builder.removeAll()
        #expect(builder.finish() == BSONDocument())
    }

    @Test func `typed appends write their types`() {
        var builder = BSONBuilder()
        builder.append("a", double: 0.5)
        builder.append("b", string: "text")
        builder.append("c", document: ["x": 1])
        builder.append("d", array: [1, 2])
        [UInt8](1...3).withUnsafeBytes {
            builder.append("e", binary: $0, subtype: 2)
            builder.append("f", binary: $0)
        }
        builder.append("g", objectID: Samples.objectID)
        builder.append("h", bool: true)
        builder.append("i", datetime: 5)
        builder.appendNull("j")
        builder.append("k", int32: 1)
        builder.append("l", int64: 2)
        builder.append("m", decimal128: BSONDecimal128(3 as UInt64))
        (["y": 1] as BSONDocument).withView { view in
            builder.append("n", document: view)
            if let element = view.first("y") { builder.append(element) }
        }
        #expect(
            builder.finish() == [
                "a": 0.5, "b": "text", "c": ["x": 1], "d": [1, 2],
                "e": .binary(BSONBinary(subtype: 2, bytes: [1, 2, 3])),
                "f": .binary(BSONBinary(bytes: [1, 2, 3])),
                "g": .objectID(Samples.objectID), "h": true, "i": .datetime(5), "j": nil, "k": .int32(1),
                "l": 2,
                "m": .decimal128(BSONDecimal128(3 as UInt64)), "n": ["y": 1], "y": 1,
            ])
    }

    @Test func `documents and arrays are built in place`() throws {
        var builder = BSONBuilder(capacity: 1)
        builder.appendDocument("outer") { outer in
            outer.append("a", int32: 1)
            outer.appendArray("list") { list in
                for index in 0..<12 { list.append(.int32(Int32(index))) }
                list.append(.regex(pattern: "\0", options: ""))
                list.appendDocument { $0.append("k", bool: false) }
                list.appendArray { $0.append("inner") }
            }
            outer.appendDocument("empty") { _ in }
        }
        builder.append("after", nil)
        let list: [BSONValue] = (0..<12).map { .int32($0) } + [["k": false], ["inner"]]
        let document = builder.finish()
        #expect(try BSONDocument(validating: document.bytes) == document)
        #expect(
            document == [
                "outer": ["a": .int32(1), "list": .array(.array(list)), "empty": [:]], "after": nil,
            ])
    }

    @Test func `a body that throws leaves a sound document`() throws {
        struct Stop: Error {}
        var builder = BSONBuilder()
        #expect(throws: Stop.self) {
            try builder.appendDocument("a") { a throws(Stop) in
                a.append("kept", 1)
                try a.appendArray("b") { b throws(Stop) in
                    b.append("too")
                    throw Stop()
                }
            }
        }
        builder.append("c", 2)
        #expect(builder.finish() == ["a": ["kept": 1, "b": ["too"]], "c": 2])
    }

    @Test func `finishing inside closes what is open in the copy only`() {
        var builder = BSONBuilder()
        var early = BSONDocument()
        builder.appendDocument("a") { a in
            a.append("x", 1)
            early = a.finish()
            a.append("y", 2)
        }
        #expect(early == ["a": ["x": 1]])
        #expect(builder.finish() == ["a": ["x": 1, "y": 2]])
    }
}
