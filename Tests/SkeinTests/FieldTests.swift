import Foundation
import Skein
import SkeinBSON
import SkeinFoundation
import SkeinTesting
import Testing

@Suite struct FieldTests {
    /// The body of one context that `body` filled.
    private func fields(
        valueBytes: Int? = nil, openContextBytes: Int? = nil, _ body: (Context) -> Void
    ) throws -> (BSONDocument, EventStatistics) {
        let recorder = try TestRecorder {
            if let valueBytes { $0.limits.valueBytes = valueBytes }
            if let openContextBytes { $0.openContextBytes = openContextBytes }
        }
        recorder.withContext("t", body)
        let event = try #require(recorder.events.first)
        _ = try BSONDocument(validating: event.document.bytes)
        return (event.body, recorder.pipeline.statistics)
    }

    @Test func `dotted keys nest in order of first writing`() throws {
        let (body, _) = try fields {
            $0["a"] = 1
            $0["response.status"] = 200
            $0["b"] = 2
            $0["response.size"] = 3
            $0["response.header.host"] = "h"
        }
        let header: BSONDocument = ["host": "h"]
        let response: BSONDocument = [
            "status": .int64(200), "size": .int64(3), "header": .document(header),
        ]
        #expect(body == ["a": .int64(1), "response": .document(response), "b": .int64(2)])
    }

    @Test func `the last write wins, whatever the lengths and types`() throws {
        let (body, _) = try fields {
            $0["x"] = "short"
            $0["x"] = "a much longer value"
            $0["x"] = 5
            $0["x"] = 6
            $0["y"] = true
            $0["y"] = "text"
        }
        #expect(body == ["x": .int64(6), "y": "text"])
    }

    @Test func `a scalar replaces a document, a document is opened for a path through it`() throws {
        let (body, statistics) = try fields {
            $0["a.b"] = 1
            $0["a.c"] = 2
            $0["a"] = 3
            $0["d"] = ["e": 1, "f": 2]
            $0["d.f"] = 9
            $0["d.g"] = "new"
            $0["a.x"] = 1
        }
        let opened: BSONDocument = ["e": .int64(1), "f": .int64(9), "g": "new"]
        #expect(body == ["a": .int64(3), "d": .document(opened)])
        #expect(statistics.fieldsDropped == 1)
    }

    @Test func `nil removes a field and all below it`() throws {
        let (body, _) = try fields {
            $0["a.b"] = 1
            $0["a.c"] = 2
            $0["keep"] = 1
            $0["a"] = Int?.none
        }
        #expect(body == ["keep": .int64(1)])
    }

    @Test func `add counts from 0 in integers until a double comes, and overflows into a double`() throws {
        let (body, statistics) = try fields {
            $0.add("n", 2)
            $0.add("n", 3)
            $0.add("d", 1)
            $0.add("d", 0.5)
            $0["big"] = Int.max
            $0.add("big", 1)
            $0["text"] = "x"
            $0.add("text", 1)
        }
        #expect(body["n"] == .int64(5))
        #expect(body["d"] == .double(1.5))
        #expect(body["big"] == .double(Double(Int.max) + 1))
        #expect(body["text"] == "x")
        #expect(statistics.fieldsDropped == 1)
    }

    @Test func `append begins an array and goes on with it`() throws {
        let (body, statistics) = try fields {
            for n in 0..<12 { $0.append("list", n) }
            $0.append("list", "text")
            $0["n"] = 1
            $0.append("n", 1)
        }
        let list = try #require(body["list"]?.arrayValues)
        let expected = (0..<12).map { BSONValue.int64(Int64($0)) } + [BSONValue.string("text")]
        #expect(list == expected)
        #expect(statistics.fieldsDropped == 1)
    }

    @Test func `merge sets below a key, set with several values an array`() throws {
        let (body, _) = try fields {
            $0.merge("user", ["name": "ann", "plan.kind": "free"])
            $0.set("pair", 1, 2)
        }
        #expect(body[path: "user.plan.kind"] == "free")
        #expect(body["pair"]?.arrayValues == [.int64(1), .int64(2)])
    }

    @Test func `every kind of value has its BSON type`() throws {
        let uuid = try #require(UUID(uuidString: "00112233-4455-6677-8899-AABBCCDDEEFF"))
        let (body, _) = try fields {
            $0["bool"] = false
            $0["int"] = -1
            $0["int32"] = Int32.min
            $0["uint64"] = UInt64.max
            $0["double"] = 0.1
            $0["float"] = Float(0.5)
            $0["string"] = "naïve 🧵"
            $0["empty"] = ""
            $0["substring"] = "abcdef".dropFirst(2)
            $0["static"] = StaticString("s")
            $0["duration"] = Duration.milliseconds(1_500)
            $0["bytes"] = [UInt8](repeating: 7, count: 3)
            $0["array"] = ["a", "b"]
            $0["dictionary"] = ["z": 1, "a": 2]
            $0["date"] = Date(timeIntervalSince1970: 1.5)
            $0["uuid"] = uuid
            $0["data"] = Data([1, 2])
            $0["url"] = URL(string: "http://127.0.0.1/")
            $0["null"] = BSONValue.null
            $0["min"] = BSONValue.minKey
        }
        let uuidBytes: [UInt8] = [
            0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF,
        ]
        #expect(body["bool"] == .bool(false))
        #expect(body["int"] == .int64(-1))
        #expect(body["int32"] == .int32(.min))
        #expect(body["uint64"] == .decimal128(BSONDecimal128(UInt64.max)))
        #expect(body["double"] == .double(0.1))
        #expect(body["float"] == .double(0.5))
        #expect(body["string"] == "naïve 🧵")
        #expect(body["empty"] == "")
        #expect(body["substring"] == "cdef")
        #expect(body["static"] == "s")
        #expect(body["duration"] == .double(1.5))
        #expect(body["bytes"] == .binary(BSONBinary(subtype: 0, bytes: [7, 7, 7])))
        #expect(body["array"]?.arrayValues == ["a", "b"])
        #expect(body["dictionary"]?.documentValue?.keys == ["a", "z"])
        #expect(body["date"] == .datetime(1_500))
        #expect(body["uuid"] == .binary(BSONBinary(subtype: 4, bytes: uuidBytes)))
        #expect(body["data"] == .binary(BSONBinary(subtype: 0, bytes: [1, 2])))
        #expect(body["url"] == "http://127.0.0.1/")
        #expect(body["null"] == .null)
        #expect(body["min"] == "minKey")
    }

    @Test func `Encodable values become documents, arrays and scalars`() throws {
        struct Item: Encodable {
            var name = "bash"
            var sizes = [1, 2]
            var at = Date(timeIntervalSince1970: 2)
        }
        let (body, _) = try fields {
            $0.set("item", encoding: Item())
            $0.set("list", encoding: [1.5, 2.5])
            $0.set("one", encoding: 7)
        }
        #expect(body[path: "item.name"] == "bash")
        #expect(body[path: "item.at"] == .datetime(2_000))
        #expect(body["list"]?.arrayValues == [.double(1.5), .double(2.5)])
        #expect(body["one"]?.intValue == 7)
    }

    @Test func `private values leave no trace and hashed ones are equal for equal values`() throws {
        let (body, _) = try fields {
            $0.set("password", "hunter2", privacy: .private)
            $0.set("mail1", "a@b.c", privacy: .hashed)
            $0.set("mail2", "a@b.c", privacy: .hashed)
            $0.set("mail3", "x@b.c", privacy: .hashed)
            $0.set("open", "text", privacy: .public)
        }
        #expect(body["password"] == "<private>")
        #expect(body["mail1"] == body["mail2"])
        #expect(body["mail1"] != body["mail3"])
        #expect(body["mail1"]?.stringValue?.count == 16)
        #expect(body["open"] == "text")
    }

    @Test(arguments: ["", ".a", "a.", "a..b", "a\0b", String(repeating: "k", count: 513)])
    func `a bad key is dropped and counted`(key: String) throws {
        let (body, statistics) = try fields {
            $0[dynamic: key] = 1
            $0["good"] = 2
        }
        #expect(body == ["good": .int64(2)])
        #expect(statistics.fieldsDropped == 1)
    }

    @Test func `a long value is cut at a character's border and its length is told`() throws {
        let (body, statistics) = try fields(valueBytes: 16) {
            $0["text"] = String(repeating: "ä", count: 20)
            $0["deep.text"] = String(repeating: "x", count: 17)
            $0["bytes"] = [UInt8](repeating: 1, count: 100)
            $0["fits"] = String(repeating: "x", count: 16)
        }
        #expect(body["text"] == .string(String(repeating: "ä", count: 8)))
        #expect(body[path: "_trimmed.text"] == .int64(40))
        #expect(body[path: "_trimmed.deep.text"] == .int64(17))
        #expect(body[path: "_trimmed.bytes"] == .int64(100))
        #expect(body[path: "_trimmed.fits"] == nil)
        #expect(statistics.trimmed == 3)
    }

    @Test func `of ten thousand fields the limit's many are kept, the rest counted`() throws {
        let (body, statistics) = try fields {
            for n in 0..<10_000 { $0[dynamic: "group\(n % 7).field\(n)"] = n }
        }
        #expect(body.count == 7)
        #expect(leaves(body) == 1_024)
        #expect(statistics.fieldsDropped == 10_000 - 1_024)
        #expect(statistics.unslotted == 1)
        #expect(statistics.openContextBytes == 0)
    }

    @Test func `too deep a value is dropped`() throws {
        var deep: BSONValue = .int64(1)
        for _ in 0..<40 { deep = .document(["d": deep]) }
        let shallow: BSONDocument = ["d": .document(["d": .int64(1)])]
        let (body, statistics) = try fields {
            $0["deep"] = deep
            $0["fine"] = BSONValue.document(shallow)
        }
        #expect(body.keys == ["fine"])
        #expect(statistics.fieldsDropped == 1)
    }

    @Test func `the cap of open contexts holds and tells`() throws {
        let (body, statistics) = try fields(openContextBytes: 32 << 10) {
            for n in 0..<100 { $0[dynamic: "k\(n)"] = String(repeating: "v", count: 1_000) }
        }
        #expect(body.count > 2)
        #expect(statistics.fieldsDropped == UInt64(100 - body.count))
        #expect(statistics.openContextBytes == 0)
    }

    @Test func `random writes agree with a dictionary`() throws {
        for seed in 1...300 {
            var model: [String: Int] = [:]
            let keys = ["a", "b", "a.x", "a.y", "c.d.e", "c.d.f", "c.g", "longer_key_name", "b.z"]
            var state = UInt64(seed)
            func next() -> Int {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int(state >> 33)
            }
            let (body, _) = try fields { context in
                for _ in 0..<40 {
                    let key = keys[next() % keys.count]
                    let value = next() % 1_000
                    context[dynamic: key] = value
                    if model.keys.contains(where: { key.hasPrefix($0 + ".") }) { continue }
                    model = model.filter { !$0.key.hasPrefix(key + ".") }
                    model[key] = value
                }
            }
            for (key, value) in model {
                #expect(body[path: key] == .int64(Int64(value)), "seed \(seed), \(key)")
            }
            #expect(leaves(body) == model.count, "seed \(seed)")
        }
    }

    private func leaves(_ document: BSONDocument) -> Int {
        document.reduce(0) { $0 + ($1.value.documentValue.map(leaves) ?? 1) }
    }
}
