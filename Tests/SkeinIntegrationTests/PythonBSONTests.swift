import SkeinBSON
import Testing

extension IntegrationTests {
    /// pymongo's `bson` as the second oracle beside libbson.
    @Suite struct PythonBSON {
        @Test func `Python reads every type that we write`() async throws {
            let folder = try TemporaryFolder()
            var document = BSONDocument()
            document.append("double", .double(0.1))
            document.append("negative zero", .double(-0.0))
            document.append("string", .string("Käse \u{1F9C0} \"\\\n"))
            document.append("document", .document(["a": 1, "b": ["c": "d"]]))
            document.append("array", .array(.array([1, "zwei", .null])))
            document.append("binary", .binary(BSONBinary(subtype: 0, bytes: [0, 255, 1])))
            document.append("uuid", .binary(BSONBinary(subtype: 4, bytes: Array(0..<16))))
            document.append("true", .bool(true))
            document.append("datetime", .datetime(-62_135_596_800_000))
            document.append("null", .null)
            document.append("regex", .regex(pattern: "^a/b$", options: "im"))
            document.append("code", .javascript("x = 1"))
            document.append("int32", .int32(.min))
            document.append("timestamp", .timestamp(increment: 7, seconds: .max))
            document.append("int64", .int64(.min))
            document.append("decimal", .decimal128(BSONDecimal128(low: 12345, high: 0x3040_0000_0000_0000)))
            document.append("min", .minKey)
            document.append("max", .maxKey)
            try folder.write(document.bytes + BSONDocument().bytes, to: "two.bson")

            let read = try await PythonClient.run("decode", "\(folder.path)/two.bson")

            #expect(read == [document, BSONDocument()])
        }

        @Test(arguments: [
            "event.bson-0.3.5", "event.bson-0.5.10", "event-values.bson-0.3.5", "event-values.bson-0.5.10",
            "event-int32-id.bson-0.3.5", "event-int64-id.bson-0.3.5", "event-uint64.bson-0.5.10",
            "control-status.bson-0.3.5",
        ])
        func `we read what old Python clients wrote, and write the same bytes again`(fixture: String) throws {
            let bytes = try PythonClient.fixtureBytes(fixture)
            let document = try BSONDocument(validating: bytes)
            var again = BSONDocument()
            for (key, value) in document { again.append(key, value) }
            #expect(again.bytes == bytes)
        }

        @Test func `text that Python 2 wrote as binary is text`() throws {
            let event = try BSONDocument(validating: PythonClient.fixtureBytes("event-values.bson-0.3.5"))
            #expect(event["type"]?.stringValue == "request")
            #expect(event[path: "body.utf8"]?.stringValue == "Käse")
            #expect(event[path: "body.bytes"]?.stringValue == nil)
        }
    }
}
