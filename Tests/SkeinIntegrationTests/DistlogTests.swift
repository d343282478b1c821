import Foundation
import SkeinBSON
import SkeinLogging
import SkeinPickle
import Testing

extension IntegrationTests {
    /// Distlog's own client in Python, and Python's pickle and json, against what reads them here.
    @Suite struct Distlog {
        @Test(arguments: [1, 2, 3])
        func `pickles of random values, of all protocols, are read as Python wrote them`(seed: Int)
            async throws
        {
            let program = try PythonClient.startDistlog("pickles", "1200", "\(seed)")
            #expect(try await program.end() == 0, "\(program.errors.text)")
            var count = 0
            for line in program.output.lines {
                let words = line.split(separator: " ", maxSplits: 1)
                let expected = try ExtendedJSON.decode(String(words[1]))
                let read = try PickleReader().read(hexBytes(words[0]))
                #expect(read.unknownNames == 0)
                let difference = difference(read.value, expected["v"])
                #expect(difference?.debugDescription == nil, "\(words[0].prefix(4_000))")
                count += 1
                if difference != nil { break }
            }
            #expect(count > 1_000)
        }

        @Test func `JSON of random values is read as Python reads it`() async throws {
            let program = try PythonClient.startDistlog("jsons", "1000", "7")
            #expect(try await program.end() == 0, "\(program.errors.text)")
            for line in program.output.lines {
                let words = line.split(separator: " ")
                let json = hexBytes(words[0])
                let read = try json.withUnsafeBytes { try PlainJSON.decode(utf8: $0) }
                #expect(try PickleReader().read(hexBytes(words[1])).value == .document(read))
            }
            #expect(program.output.lines.count == 1_000)
        }

        @Test func `what we write as pickle and as JSON is what Python reads`() async throws {
            // Values of Python's own making, so that there are all kinds.
            let source = try PythonClient.startDistlog("pickles", "400", "11")
            #expect(try await source.end() == 0, "\(source.errors.text)")
            var documents: [BSONDocument] = []
            for line in source.output.lines {
                let value = try ExtendedJSON.decode(String(line.split(separator: " ", maxSplits: 1)[1]))
                let plain = plain(.document(value))
                if case .document(let document) = plain { documents.append(document) }
            }
            for (encoding, written) in [
                ("p", documents.map { PickleWriter.encode($0) }),
                ("j", documents.map { PlainJSON.encodeUTF8($0) }),
            ] {
                let input = written.map(hex).joined(separator: "\n") + "\n"
                let program = try PythonClient.startDistlog("load", encoding, input: input)
                #expect(try await program.end() == 0, "\(program.errors.text)")
                let read = try PythonClient.documents(program.output.lines)
                #expect(read.count == documents.count)
                for (read, document) in zip(read, documents) {
                    #expect(same(read["v"], .document(document)), "\(encoding): \(document)")
                }
            }
        }

        @Test(arguments: ["j", "p"])
        func `a tree of tasks that Distlog logs is in the files, attribute by attribute`(encoding: String)
            async throws
        {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            let client = try PythonClient.startDistlog("tasks", daemon.port("collect"), encoding)
            #expect(try await client.end() == 0, "\(client.errors.text)")
            let sent = try PythonClient.documents(client.output.lines)
            #expect(sent.count == 12)
            let events = try await daemon.storedEvents("log", count: sent.count)
            #expect(events.count == sent.count)
            for (event, attributes) in zip(events, sent) {
                expect(event, toBe: attributes, system: "T", kind: "L")
            }

            // The tree: the task, its three subtasks, what was logged in each.
            let tree = events.dropFirst()
            let root = try #require(tree.first)
            let id = try #require(root["id"]?.stringValue)
            #expect(tree.allSatisfy { $0["id"]?.stringValue == id && $0["trace"] == root["trace"] })
            #expect(root["parent"] == nil)
            let steps = tree.filter {
                $0[path: "body.context.key"]?.stringValue?.hasPrefix("0@\(id)/") == true
            }
            #expect(steps.count == 3)
            #expect(steps.allSatisfy { $0["parent"] == root["span"] })
            let first = try #require(steps.first)
            let inside = tree.filter { $0["parent"] == first["span"] }
            #expect(
                inside.map { $0[path: "body.msg"]?.stringValue } == ["at 1\n of D:\\data", "counted 1"])
            #expect(Set(events.compactMap { $0["span"]?.stringValue }).count == events.count)
            let failed = try #require(tree.first { $0[path: "body.msg"] == "FAILED fail" })
            #expect(failed["level"]?.intValue == 40)
            let exception = try #require(failed[path: "body.exception"]?.stringValue)
            #expect(exception.hasPrefix("Traceback (most recent call last):\n  File "))
            #expect(exception.hasSuffix("ValueError: no\nstock"))

            let status = try await daemon.ask("STATUS")
            let topic = encoding == "j" ? "TLJ" : "TLP"
            #expect(status[path: "distlog.records.\(topic)"]?.intValue == Int64(sent.count))
            try await daemon.finish()
        }

        @Test(arguments: ["PLJ 0", "SLP 0", "TLP 1", "PLP 2", "PLP 3", "PLP 4", "PLP 5", "PPJ 0"])
        func `one record with every kind of value`(how: String) async throws {
            let words = how.split(separator: " ").map(String.init)
            let daemon = try await Daemon.start(in: TemporaryFolder())
            let client = try PythonClient.startDistlog("record", daemon.port("collect"), words[0], words[1])
            #expect(try await client.end() == 0, "\(client.errors.text)")
            let sent = try #require(try PythonClient.documents(client.output.lines).first)
            let letters = words[0].map(String.init)
            let event = try #require(
                try await daemon.storedEvents(letters[1] == "L" ? "log" : "performance", count: 1).first)
            expect(event, toBe: sent, system: letters[0], kind: letters[1])
            #expect(event["id"] == "0e6c1a52-6b1a-4f3e-9c5f-0123456789ab")
            #expect(event[path: "body.meta.stack_info"] == "Stack:\n  here")
            if letters[2] == "P" {
                #expect(event[path: "body.data.when"] == .datetime(1_795_235_400_123))
                #expect(event[path: "body.data.lasted"] == .double(1.5))
                #expect(event[path: "body.data.names.0"] == "only")
            }
            try await daemon.finish()
        }

        private struct OutOfStock: Error {}

        /// Logs a few records in a tree of tasks.
        private func log(_ handler: ZeroMQHandler) throws {
            let metadata: LogMetadata = [
                "text": "K\u{e4}se \u{1F9F6}", "none": BSONValue.null, "number": -7, "large": Int64.max,
                "fraction": 0.1,
                "yes": true, "list": [1, 2], "object": BSONValue.document(["a": ["b": 1.5]]),
            ]
            withLogHandler(handler) {
                withTask("order", ["customer": 17], id: "0e6c1a52-6b1a-4f3e-9c5f-0123456789ab") { task in
                    withSubtask("reserve") { step in
                        EventLogger("shop.stock").warning("few left:\ntea", metadata)
                        step.success("reserved")
                    }
                    try? withSubtask("pay") { _ in throw OutOfStock() }
                    task.bind("paid", false)
                }
            }
            handler.close()
            #expect(handler.statistics.sent == 7)
        }

        @Test(arguments: [0, 1])
        func `what our handler sends is read by Python as its daemon reads it`(encoding: Int) async throws {
            let serializers: [any RecordSerializer] = [JSONRecordSerializer(), PickleRecordSerializer()]
            let daemon = try PythonClient.startDistlog("daemon", "7")
            let port = try await daemon.output.first { !$0.isEmpty }
            try log(
                ZeroMQHandler(
                    endpoint: "tcp://127.0.0.1:\(port)", system: .staging, serializer: serializers[encoding]))
            #expect(try await daemon.end() == 0, "\(daemon.errors.text)")
            let messages = try PythonClient.documents(daemon.output.lines.dropFirst())
            #expect(messages.count == 7)
            #expect(messages.allSatisfy { $0["topic"] == .string(encoding == 0 ? "SLJ" : "SLP") })
            let records = messages.compactMap { $0["record"]?.documentValue }
            let id = "0e6c1a52-6b1a-4f3e-9c5f-0123456789ab"
            #expect(
                records.map { $0[path: "context.key"]?.stringValue }
                    == [
                        "0@\(id)", "0@\(id)/1", "1@\(id)/1", "2@\(id)/1", "0@\(id)/2", "1@\(id)/2", "1@\(id)",
                    ])
            #expect(
                records.map { $0["message"]?.stringValue }
                    == ["order", "reserve", "few left:\\ntea", "reserved", "pay", "FAILED pay", "order"])
            let record = records[2]
            #expect(record["name"] == "shop.stock")
            #expect(record["levelno"] == .int32(30))
            #expect(record["text"] == "K\u{e4}se \u{1F9F6}")
            #expect(record["none"] == .null)
            #expect(record["number"] == .int32(-7))
            #expect(record["large"] == .int64(.max))
            #expect(record["fraction"] == .double(0.1))
            #expect(record["yes"] == .bool(true))
            #expect(record["list"] == .array(.array([.int32(1), .int32(2)])))
            #expect(record["object"] == ["a": ["b": 1.5]])
            #expect(records[5]["exc_text"]?.stringValue?.contains("OutOfStock") == true)
            #expect(
                records[6]["context"] == ["key": .string("1@\(id)"), "customer": .int32(17), "paid": false])
            let own = Set(record.keys)
            // Every attribute of Python's, and Distlog's two.
            #expect(
                own.isSuperset(of: [
                    "name", "levelname", "levelno", "pathname", "filename", "module", "lineno", "funcName",
                    "created", "msecs",
                    "relativeCreated", "thread", "threadName", "processName", "process", "msg", "message",
                    "asctime", "args",
                    "exc_info", "exc_text", "stack_info", "hostname", "context",
                ]))
        }

        @Test(arguments: [0, 1])
        func `what our handler sends to skeind is the tree that it was`(encoding: Int) async throws {
            let serializers: [any RecordSerializer] = [JSONRecordSerializer(), PickleRecordSerializer()]
            let daemon = try await Daemon.start(in: TemporaryFolder())
            try log(
                ZeroMQHandler(
                    endpoint: "tcp://127.0.0.1:\(daemon.port("collect"))", serializer: serializers[encoding]))
            let events = try await daemon.storedEvents("log", count: 7)
            #expect(events.count == 7)
            #expect(events[2][path: "body.msg"] == "few left:\ntea")
            #expect(events[2][path: "body.data.object.a.b"] == .double(1.5))
            #expect(events[2]["level"] == .int32(30))
            #expect(events[0]["parent"] == nil)
            #expect([1, 4, 6].allSatisfy { events[$0]["parent"] == events[0]["span"] })
            #expect([2, 3].allSatisfy { events[$0]["parent"] == events[1]["span"] })
            #expect(events[5]["parent"] == events[4]["span"])
            #expect(events[6][path: "body.context.paid"] == false)
            try await daemon.finish()
        }

        /// The table of `Docs/EventDocument.md`, spelled once more.
        private func expect(
            _ event: BSONDocument, toBe sent: BSONDocument, system: String, kind: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            func check(_ path: String, _ value: BSONValue?) {
                let value = value == .null ? nil : value
                #expect(
                    same(event[path: path], value),
                    "\(path): \(String(describing: event[path: path])), \(sent)",
                    sourceLocation: sourceLocation)
            }
            check("start", sent["created"])
            check("end", sent["created"])
            check("level", sent["levelno"])
            check("host", sent["hostname"])
            check("pid", sent["process"])
            for (path, name) in [
                ("name", "name"), ("level", "levelname"), ("file", "pathname"), ("line", "lineno"),
                ("function", "funcName"), ("module", "module"), ("thread", "threadName"),
                ("context", "context"),
            ] {
                check("body.\(path)", sent[name])
            }
            let message = event[path: "body.msg"]?.stringValue?.replacing("\n", with: "\\n")
            #expect(
                message == sent["message"]?.stringValue?.replacing("\n", with: "\\n"),
                sourceLocation: sourceLocation)
            let exception = event[path: "body.exception"]?.stringValue?.replacing("\n", with: "\\n")
            #expect(exception == sent["exc_text"]?.stringValue, sourceLocation: sourceLocation)
            for (name, value) in sent {
                switch name {
                case "created", "levelno", "hostname", "name", "levelname", "pathname", "lineno", "funcName",
                    "module",
                    "threadName", "context", "message", "exc_text":
                    #expect(event[path: "body.meta.\(name)"] == nil, sourceLocation: sourceLocation)
                case "msg", "args", "filename", "msecs", "relativeCreated", "thread", "processName",
                    "process", "asctime",
                    "exc_info", "stack_info":
                    let kept = event[path: "body.meta"]?.documentValue?[name]
                    #expect(same(kept, value), "\(name)", sourceLocation: sourceLocation)
                default:
                    let kept = event[path: "body.data"]?.documentValue?[name]
                    #expect(same(kept, value), "\(name)", sourceLocation: sourceLocation)
                }
            }
            #expect(
                event[path: "body.distlog"] == ["system": .string(system), "kind": .string(kind)],
                sourceLocation: sourceLocation)
        }
    }
}

// MARK: Values

/// The same value, whichever order the keys have and whichever NaN it is.
private func same(_ first: BSONValue?, _ second: BSONValue?) -> Bool { difference(first, second) == nil }

/// Where two values differ; nil if they are the same.
private func difference(_ first: BSONValue?, _ second: BSONValue?, at path: String = "") -> String? {
    switch (first, second) {
    case (.document(let first), .document(let second)):
        guard Set(first.keys) == Set(second.keys), first.count == second.count else {
            return "\(path): \(first.keys), \(second.keys)"
        }
        return first.lazy.compactMap { difference($0.value, second[$0.key], at: "\(path).\($0.key)") }.first
    case (.array(let first), .array(let second)):
        guard first.count == second.count else { return "\(path): \(first.count), \(second.count) values" }
        return zip(first, second).lazy.compactMap { difference($0.value, $1.value, at: "\(path).\($0.key)") }
            .first
    case (.double(let first), .double(let second)) where first.isNaN && second.isNaN: return nil
    default:
        return first == second ? nil : "\(path): \(String(describing: first)), \(String(describing: second))"
    }
}

/// What JSON can hold.
private func plain(_ value: BSONValue) -> BSONValue {
    switch value {
    case .document(let document): .document(BSONDocument(document.map { ($0.key, plain($0.value)) }))
    case .array(let array): .array(.array(array.map { plain($0.value) }))
    case .binary, .datetime, .decimal128: .null
    default: value
    }
}

private func hexBytes(_ digits: some StringProtocol) -> [UInt8] {
    let nibbles = digits.utf8.map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
    return stride(from: 0, to: nibbles.count - 1, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
}

private func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
