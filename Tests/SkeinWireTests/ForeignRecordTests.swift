import SkeinBSON
import SkeinWire
import Testing

@Suite struct ForeignRecordTests {
    private func event(_ attributes: BSONDocument, _ record: ForeignRecord = .init()) throws -> BSONDocument {
        let event = try BSONDocument(validating: record.event(attributes, arrival: 5_000_000_000))
        _ = try event.withView { try EventCheck.check($0.bytes).get() }
        return event
    }

    @Test func `a record with nothing but a message is an event`() throws {
        let event = try event(["msg": "hello"])
        #expect(event["type"] == "log")
        #expect(event["host"] == "unknown")
        #expect(event["pid"] == .int32(0))
        #expect(event["start"] == .double(5))
        #expect(event["level"] == .int32(20))
        #expect(event["body"] == ["level": "INFO", "msg": "hello", "meta": ["msg": "hello"]])
        #expect(event["parent"] == nil)
    }

    @Test func `attributes that do not fit their places are kept as they came`() throws {
        let event = try event([
            "msg": ["a": 1], "created": "yesterday", "levelno": "high", "hostname": 7, "process": "x",
            "lineno": "many",
            "exc_text": .array(.array([1])), "context": "none",
        ])
        #expect(event["start"] == .double(5))
        #expect(event["level"] == .int32(20))
        #expect(event[path: "body.msg"] == ["a": 1])
        #expect(event[path: "body.line"] == "many")
        #expect(event[path: "body.exception"] == .array(.array([1])))
        #expect(event[path: "body.context"] == "none")
        #expect(
            event[path: "body.meta"] == [
                "msg": ["a": 1], "created": "yesterday", "levelno": "high", "hostname": 7, "process": "x",
            ])
    }

    @Test func `a level without a number is found by its name, and any number is taken`() throws {
        #expect(try event(["msg": "", "levelname": "Critical"])["level"] == .int32(50))
        #expect(try event(["msg": "", "levelno": 13])["level"] == .int32(13))
        #expect(try event(["msg": "", "levelno": 13])[path: "body.level"] == "Level 13")
        #expect(try event(["msg": "", "levelno": .int64(1 << 40)])["level"] == .int32(.max))
    }

    @Test(arguments: [
        ("a\\nb", "a\nb", "a\nb"), ("C:\\new", "C:\\new", "C:\\new"),
        ("a\\nC:\\new", "a\nC:\\new", "a\nC:\\new"),
        ("x\\ny 7", "x\ny %d", "x\ny 7"), ("is C:\\new", "is %s", "is C:\\new"), ("a\nb", "a\nb", "a\nb"),
        ("a\\nC:\\new 7", "a\nC:\\new %d", "a\\nC:\\new 7"),
    ])
    func `line breaks of the message are turned back where that is certain`(
        message: String, template: String, shown: String
    ) throws {
        #expect(
            try event(["message": .string(message), "msg": .string(template)])[path: "body.msg"]
                == .string(shown))
    }

    @Test func `a traceback in one line gets its lines back`() throws {
        let one = try event(["msg": "", "exc_text": "Traceback:\\n  x\\nE"])
        #expect(one[path: "body.exception"] == "Traceback:\n  x\nE")
        let more = try event(["msg": "", "exc_text": "Traceback:\n  print(\"\\n\")"])
        #expect(more[path: "body.exception"] == "Traceback:\n  print(\"\\n\")")
    }

    @Test func `a log record without a message is refused, a measurement is not`() throws {
        #expect(throws: RejectReason.badRecord) { try event(["name": "x", "msg": .null]) }
        let measurement = try event(["busy": 1.5], ForeignRecord(system: "P", kind: "P"))
        #expect(measurement["type"] == "performance")
        #expect(measurement["level"] == nil)
        #expect(measurement[path: "body.distlog"] == ["system": "P", "kind": "P"])
    }

    @Test func `records of one tree have its id, and spans that anybody can work out`() throws {
        func record(_ key: String) throws -> BSONDocument {
            try event(["msg": "", "context": ["key": .string(key)]])
        }
        let begin = try record("0@root")
        let note = try record("1@root")
        let child = try record("0@root/1")
        let inside = try record("2@root/1")
        for event in [begin, note, child, inside] { #expect(event["id"] == "root") }
        #expect(begin["parent"] == nil)
        #expect(note["parent"] == begin["span"])
        #expect(child["parent"] == begin["span"])
        #expect(inside["parent"] == child["span"])
        // FNV-1a 64 of "root", worked out by another program.
        #expect(begin["span"] == "a354fd1ff0c467c5")
        #expect(begin["trace"]?.stringValue?.utf8.count == 32)
    }

    @Test func `keys that are none, and ids that are too long`() throws {
        for key in ["", "@", "0@", "x@root", "root", "0"] {
            let event = try event(["msg": "", "context": ["key": .string(key)]])
            #expect(event["id"]?.stringValue?.utf8.count == 32, "\(key)")
            #expect(event[path: "body.context.key"] == .string(key))
        }
        let long = try event([
            "msg": "", "context": ["key": .string("0@" + String(repeating: "ä", count: 200))],
        ])
        #expect(long["id"] == .string(String(repeating: "ä", count: 112)))
    }
}
