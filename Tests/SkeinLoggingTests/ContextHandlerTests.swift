import Skein
import SkeinLogging
import SkeinTesting
import Testing

@Suite struct ContextHandlerTests {
    private struct OutOfStock: Error, CustomStringConvertible {
        let description = "no tea left"
    }

    @Test func `a record is an event of the current context`() throws {
        let recorder = try TestRecorder()
        let logger = EventLogger("shop.cart", handler: ContextHandler())
        let line = #line + 2
        recorder.withContext("request") { _ in
            logger.info("put in cart", ["item": "tea", "count": 2, "user.id": 17])
        }
        let tree = try #require(recorder.tree("request"))
        let event = try #require(tree.child("request.log")?.event)
        #expect(event.id == tree.event.id)
        #expect(event.parent == tree.event.span)
        #expect(event.span != tree.event.span)
        #expect(event.start == event.end)
        #expect(event.start >= tree.event.start && event.end <= tree.event.end)
        #expect(event.document["level"] == .int32(20))
        #expect(event["name"] == .string("shop.cart"))
        #expect(event["level"] == .string("INFO"))
        #expect(event["msg"] == .string("put in cart"))
        #expect(event["data.item"] == .string("tea"))
        #expect(event["data.count"] == .int64(2))
        #expect(event["data.user.id"] == .int64(17))
        #expect(event["file"] == .string(#filePath))
        #expect(event["line"] == .int64(Int64(line)))
        #expect(event["module"] == .string("SkeinLoggingTests"))
        #expect(event["function"]?.stringValue?.contains("current context") == true)
        #expect(event["thread"]?.stringValue?.isEmpty == false)
        #expect(event["exception"] == nil)
        #expect(tree.event.document["level"] == nil)
    }

    @Test func `names join as those of contexts do`() throws {
        let recorder = try TestRecorder()
        func log(_ handler: ContextHandler) { LogSystem.handle(LogRecord(level: .info, "x"), with: handler) }
        recorder.withContext("request") { _ in
            withContext(".sql") { _ in
                log(ContextHandler())
                log(ContextHandler(type: ".note"))
                log(ContextHandler(type: "^.note"))
                log(ContextHandler(dynamicType: "^.computed"))
                log(ContextHandler(dynamicType: ".computed"))
                log(ContextHandler(type: "audit"))
            }
        }
        recorder.bind { log(ContextHandler()) }
        let tree = try #require(recorder.tree("request"))
        #expect(Set(tree.children.map(\.event.type)) == ["request.sql", "request.note", "request.computed"])
        let sql = try #require(tree.child("request.sql"))
        #expect(
            sql.children.map(\.event.type) == ["request.sql.log", "request.sql.note", "request.sql.computed"])
        let audit = try #require(recorder.tree("audit"))
        #expect(audit.event.parent == nil && audit.event.id != tree.event.id)
        #expect(recorder.tree("log")?.event.parent == nil)
    }

    @Test func `a context that is not sampled silences its records, and no message is formatted`() throws {
        let recorder = try TestRecorder()
        let formatted = Counter()
        recorder.withContext("request", sample: .never) { _ in
            LogSystem.handle(
                LogRecord(level: .critical, "\(deferred: Told(formatted))"), with: ContextHandler())
        }
        #expect(recorder.events.isEmpty)
        #expect(formatted.count == 0)
    }

    @Test func `the weight of a sampled context is its records' too`() throws {
        let recorder = try TestRecorder()
        for _ in 0..<64 {
            recorder.withContext("request", sample: .rate(0.5)) { _ in
                LogSystem.handle(LogRecord(level: .info, "x"), with: ContextHandler())
            }
        }
        let records = recorder.events("request.log")
        #expect(records.count == recorder.events("request").count && !records.isEmpty)
        #expect(records.allSatisfy { $0.rate == 0.5 })
    }

    @Test func `a given id and its trace stand in the record, too`() throws {
        let recorder = try TestRecorder()
        recorder.withContext("request", id: "order-17") { _ in
            LogSystem.handle(LogRecord(level: .info, "x"), with: ContextHandler())
        }
        let (request, record) = (recorder.events("request")[0], recorder.events("request.log")[0])
        #expect(record.id == "order-17")
        #expect(record.document["trace"] != nil && record.document["trace"] == request.document["trace"])
    }

    @Test func `an error stands as exception, a foreign one as it came`() throws {
        let recorder = try TestRecorder()
        let logger = EventLogger("shop", handler: ContextHandler())
        recorder.withContext("request") { _ in
            logger.error("cannot reserve", error: OutOfStock())
            logger.error("their side", error: LoggedException("Traceback:\n  line 1"))
        }
        let records = recorder.events("request.log")
        #expect(records[0]["exception"] == .string("OutOfStock: no tea left"))
        #expect(records[1]["exception"] == .string("Traceback:\n  line 1"))
        #expect(records[0].document["level"] == .int32(40))
        #expect(records[0].errorType == nil)
    }

    @Test func `levels without names keep their number, 0 included`() throws {
        let recorder = try TestRecorder()
        recorder.bind {
            for level in [LogLevel.notSet, 35, -3, 1_000] {
                LogSystem.handle(LogRecord(level: level, "x"), with: ContextHandler())
            }
        }
        #expect(recorder.events("log").map { $0.document["level"] } == [0, 35, -3, 1_000].map { .int32($0) })
        #expect(
            recorder.events("log").map { $0["level"]?.stringValue } == [
                "NOTSET", "Level 35", "Level -3", "Level 1000",
            ])
    }

    @Test func `a record of many or large values is an event like any other`() throws {
        let recorder = try TestRecorder()
        var metadata = LogMetadata()
        for n in 0..<200 { metadata["key\(n)"] = String(repeating: "x", count: n) }
        let text = String(repeating: "long ", count: 20_000)
        recorder.bind {
            for _ in 0..<3 {
                LogSystem.handle(
                    LogRecord(level: .info, LogMessage(text), metadata: metadata), with: ContextHandler())
                LogSystem.handle(LogRecord(level: .info, "short"), with: ContextHandler())
            }
        }
        let records = recorder.events("log")
        #expect(records.count == 6)
        #expect(records[4]["data.key199"]?.stringValue?.count == 199)
        #expect(records[4]["msg"]?.stringValue?.isEmpty == false)
        #expect(records[5]["msg"] == .string("short") && records[5]["data"] == nil)
        #expect(recorder.pipeline.statistics.openContextBytes == 0)
    }

    @Test func `keys that cannot be are dropped and counted, the record stays`() throws {
        let recorder = try TestRecorder()
        recorder.bind {
            LogSystem.handle(
                LogRecord(
                    level: .info, "x", metadata: ["": 1, "a..b": 2, "n\u{0}l": 3, "good": 4] as LogMetadata),
                with: ContextHandler())
        }
        let record = try #require(recorder.events("log").first)
        #expect(record["data"] == .document(["good": 4]))
        #expect(recorder.pipeline.statistics.fieldsDropped == 3)
    }

    @Test func `records go to a journal as they go to any recorder`() async throws {
        let sink = try ScratchFile()
        let pipeline = try EventPipeline(.init(endpoint: "file://\(sink.path)"))
        let logger = EventLogger("shop", handler: ContextHandler())
        for n in 0..<1_000 {
            pipeline.withContext("request") { _ in logger.debug("step \(n)", ["n": n]) }
        }
        #expect(await pipeline.flush())
        await pipeline.shutdown()
        let documents = try sink.documents().map { RecordedEvent($0) }
        let records = documents.filter { $0.type == "request.log" }
        #expect(records.map { $0["msg"]?.stringValue } == (0..<1_000).map { "step \($0)" })
        #expect(pipeline.statistics.created == 2_000 && pipeline.statistics.acknowledged == 2_000)
    }
}
