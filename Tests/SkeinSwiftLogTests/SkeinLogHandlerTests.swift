#if SwiftLog
    import Logging
    import Skein
    import SkeinLogging
    import SkeinSwiftLog
    import SkeinTesting
    import Testing

    struct Broken: Error, Equatable {}

    /// Numbers each call, so that a test sees who was asked, and when.
    final class Asked: @unchecked Sendable {
        // Sendable: used by one test's task alone.
        private(set) var count = 0
        func next<Value>(_ value: Value) -> Value {
            count += 1
            return value
        }
    }

    @Suite struct SkeinLogHandlerTests {
        let recorder: TestRecorder

        init() throws { recorder = try TestRecorder() }

        private func logger(
            _ label: String = "shop.cart", level: Logger.Level = .trace,
            handler: (any LogRecordHandler)? = nil, provider: Logger.MetadataProvider? = nil
        ) -> Logger {
            Logger(label: label) {
                SkeinLogHandler(label: $0, level: level, handler: handler, metadataProvider: provider)
            }
        }

        // MARK: Records

        @Test func `a log call is a record of the current context`() throws {
            let logger = logger()
            recorder.withContext("request") { _ in
                logger.warning(
                    "low stock", error: Broken(), metadata: ["left": .stringConvertible(3)])
            }
            let tree = try #require(recorder.tree("request"))
            #expect(tree.shape == "request(request.log)")
            let record = try #require(recorder.events("request.log").first)
            #expect(record.document["level"] == .int32(30))
            #expect(record["name"] == .string("shop.cart"))
            #expect(record["level"] == .string("WARNING"))
            #expect(record["msg"] == .string("low stock"))
            #expect(record["exception"] == .string("Broken: Broken()"))
            #expect(record["file"] == .string(#fileID))
            #expect((record["line"]?.intValue ?? 0) > 0)
            #expect(record["function"]?.stringValue == #function)
            #expect(record["module"] == .string("SkeinSwiftLogTests"))
            #expect(record["thread"]?.stringValue?.isEmpty == false)
            #expect(record["data"] == .document(["left": .int64(3)]))
            #expect(record.start == record.end)
        }

        @Test(
            arguments: [
                (.trace, .trace, 5), (.debug, .debug, 10), (.info, .info, 20), (.notice, .notice, 25),
                (.warning, .warning, 30), (.error, .error, 40), (.critical, .critical, 50),
            ] as [(Logger.Level, LogLevel, Int32)])
        func `each level has its number`(level: Logger.Level, own: LogLevel, number: Int32) throws {
            #expect(LogLevel(level) == own)
            let logger = logger()
            recorder.bind { logger.log(level: level, "x") }
            let event = try #require(recorder.events("log").first)
            #expect(event.document["level"] == .int32(number))
            #expect(event["level"] == .string(level.rawValue.uppercased()))
        }

        @Test func `a source of one's own is the module`() {
            let logger = logger()
            recorder.bind { logger.info("x", source: "plugin.one") }
            #expect(recorder.events.first?["module"] == .string("plugin.one"))
        }

        // MARK: Levels, as values

        @Test func `a logger's level keeps records out, and nothing of them is evaluated`() {
            let logs = RecordingHandler()
            let asked = Asked()
            var logger = logger(level: .warning, handler: logs)
            logger.info("\(asked.next("no"))", metadata: asked.next([:]))
            logger.warning("yes")
            logger.logLevel = .info
            logger.info("\(asked.next("now"))")
            #expect(logs.messages == ["yes", "now"])
            #expect(asked.count == 1)
        }

        @Test func `copies have levels and metadata of their own`() {
            let logs = RecordingHandler()
            var first = logger(level: .error, handler: logs)
            first[metadataKey: "who"] = "first"
            var second = first
            second.logLevel = .trace
            second[metadataKey: "who"] = "second"
            second[metadataKey: "only"] = "second"
            #expect(first.logLevel == .error)
            #expect(second.logLevel == .trace)
            #expect(first[metadataKey: "who"] == "first")
            #expect(first[metadataKey: "only"] == nil)
            first.info("not this")
            first.error("one")
            second.info("two")
            #expect(logs.messages == ["one", "two"])
            #expect(logs.contains("one", metadata: ["who": "first"]))
            #expect(logs.contains("two", metadata: ["who": "second", "only": "second"]))
        }

        @Test func `without a level said it is info, as with swift-log's own handlers`() {
            #expect(SkeinLogHandler(label: "x").logLevel == .info)
            #expect(SkeinLogHandler(label: "x", metadataProvider: nil).logLevel == .info)
        }

        @Test func `a handler's own level keeps records out before their metadata is put together`() {
            let asked = Asked()
            let logs = RecordingHandler(level: .error)
            let provider = Logger.MetadataProvider { asked.next(["p": "1"]) }
            let logger = logger(handler: logs, provider: provider)
            logger.info("no")
            #expect(asked.count == 0)
            logger.error("yes")
            #expect(asked.count == 1)
            #expect(logs.messages == ["yes"])
        }

        // MARK: Metadata

        @Test func `of metadata the call's counts most, then the provider's, then the logger's`() {
            let logs = RecordingHandler()
            var logger = logger(
                handler: logs,
                provider: .init { ["a": "provided", "b": "provided", "p": "provided"] })
            logger[metadataKey: "a"] = "own"
            logger[metadataKey: "o"] = "own"
            logger[metadataKey: "b"] = "own"
            logger.info("x", metadata: ["a": "called", "c": "called"])
            logger.info("y")
            #expect(
                logs.records.map { $0.metadata?.document } == [
                    ["a": "called", "b": "provided", "c": "called", "o": "own", "p": "provided"],
                    ["a": "provided", "b": "provided", "o": "own", "p": "provided"],
                ])
        }

        @Test func `metadata keeps its types as far as swift-log has any`() throws {
            final class Plan: CustomStringConvertible, Sendable { let description = "gold" }
            let logger = logger()
            recorder.bind {
                logger.info(
                    "x",
                    metadata: [
                        "text": "a", "interpolated": "\(1 + 1)", "plan": .stringConvertible(Plan()),
                        "int": .stringConvertible(42), "bool": .stringConvertible(true),
                        "double": .stringConvertible(0.5),
                        "took": .stringConvertible(Duration.milliseconds(250)),
                        "list": ["a", .stringConvertible(2), ["nested": ["deep"]]],
                        "document": ["b": .stringConvertible(Int32(1)), "a": ["c": "d"]],
                        "user.id": "17",
                    ])
            }
            let event = try #require(recorder.events.first)
            #expect(
                event["data"]
                    == .document([
                        "bool": true, "document": ["a": ["c": "d"], "b": .int32(1)], "double": 0.5, "int": 42,
                        "interpolated": "2", "list": ["a", 2, ["nested": ["deep"]]], "plan": "gold",
                        "text": "a", "took": 0.25, "user": ["id": "17"],
                    ]))
        }

        @Test func `metadata nested without end is cut off, not followed`() throws {
            var value = Logger.MetadataValue.string("bottom")
            for _ in 0..<1_000 { value = .array([value]) }
            let logs = RecordingHandler()
            logger(handler: logs).info("x", metadata: ["deep": value])
            var depth = 0
            var found = logs.records.first?.metadata?.document["deep"]
            while let inner = found?.arrayValues?.first {
                depth += 1
                found = inner
            }
            #expect(depth == 31)
            #expect(found == .string("…"))
        }

        @Test func `attributed metadata is its text`() {
            let logs = RecordingHandler()
            logger(handler: logs).info("x", metadata: ["user": .attributed("ann", attributes: [])])
            #expect(logs.contains("x", metadata: ["user": "ann"]))
        }

        @Test func `no metadata is none`() {
            let logs = RecordingHandler()
            logger(handler: logs, provider: .init { [:] }).info("x", metadata: [:])
            #expect(logs.records.first?.metadata == nil)
        }

        @Test func `a provider reads the task, and can be replaced`() {
            enum Task { @TaskLocal static var user: String? }
            let logs = RecordingHandler()
            var logger = logger(
                handler: logs, provider: .init { Task.user.map { ["user": .string($0)] } ?? [:] })
            logger.info("nobody")
            Task.$user.withValue("ann") { logger.info("ann") }
            logger.handler.metadataProvider = .init { ["user": "fixed"] }
            logger.info("fixed")
            #expect(logs.records.map { $0.metadata?.document["user"] } == [nil, "ann", "fixed"])
        }

        @Test func `the context's ids are metadata for other handlers`() throws {
            let logs = RecordingHandler()
            let logger = logger(handler: logs, provider: .skein)
            logger.info("outside")
            recorder.withContext("request") { _ in logger.info("inside") }
            #expect(logs.records("outside").first?.metadata == nil)
            let event = try #require(recorder.events("request").first)
            #expect(
                logs.records("inside").first?.metadata?.document
                    == ["span_id": .string(event.span), "trace_id": .string(event.id)])
        }

        // MARK: Where records go

        @Test func `handlers bound to a task take swift-log's records, too`() {
            let logs = RecordingHandler(level: .warning)
            let logger = logger()
            recorder.withContext("request") { _ in
                withLogHandler(logs) {
                    logger.info("an event")
                    logger.error("taken")
                }
            }
            #expect(logs.messages == ["taken"])
            #expect(recorder.events("request.log").map { $0["msg"] } == [.string("an event")])
        }

        @Test func `debug records are held back, and let go in order when an error comes`() {
            let logs = RecordingHandler()
            let burst = BurstHandler(target: logs, emitLevel: .info, burstLevel: .error)
            let logger = logger(level: .debug, handler: burst)
            logger.debug("one", metadata: ["n": .stringConvertible(1)])
            logger.debug("two")
            #expect(logs.messages.isEmpty)
            logger.error("three")
            #expect(logs.messages == ["one", "two", "three"])
            #expect(logs.contains("one", level: .debug, metadata: ["n": 1]))
        }

        @Test func `what is held back and let go elsewhere is still of the tree it was made in`() throws {
            let burst = BurstHandler(target: ContextHandler())
            let logger = logger(level: .debug, handler: burst)
            recorder.withContext("request") { _ in logger.debug("detail", metadata: ["n": "1"]) }
            burst.handle(LogRecord(level: .error, "elsewhere"))
            let tree = try #require(recorder.tree("request"))
            #expect(tree.shape == "request(request.log)")
            #expect(tree.children.first?.event["data.n"] == .string("1"))
        }

        @Test func `a context that is not sampled silences its records`() {
            let logger = logger()
            recorder.withContext("request", sample: .never) { _ in logger.critical("nothing") }
            #expect(recorder.events.isEmpty)
        }

        // MARK: No way back in

        @Test func `a handler that logs does not come back to itself`() {
            struct Talkative: LogRecordHandler {
                let logger: Logger
                let taken: Asked
                func handle(_ record: LogRecord) -> Bool {
                    logger.info("handling \(record.text)")
                    return taken.next(true)
                }
            }
            let taken = Asked()
            let inner = Logger(label: "inner") { SkeinLogHandler(label: $0) }
            let logger = logger(handler: Talkative(logger: inner, taken: taken))
            let before = LogSystem.statistics.fromInside
            recorder.bind { logger.info("x") }
            #expect(taken.count == 1)
            #expect(LogSystem.statistics.fromInside > before)
            #expect(recorder.events.isEmpty)
        }

        @Test func `a recorder that logs does not come back to itself`() throws {
            final class Logging: EventRecorder {
                let logger = Logger(label: "recorder") { SkeinLogHandler(label: $0) }
                let count = Asked()
                func record(_ event: UnsafeRawBufferPointer) {
                    logger.error("\(count.next(event.count)) bytes")
                }
                func flush(timeout: Duration) async -> Bool { true }
                func shutdown(timeout: Duration) async {}
                var statistics: RecorderStatistics { RecorderStatistics() }
            }
            let logging = Logging()
            let pipeline = try EventPipeline(.init(recorder: logging))
            let logger = logger()
            pipeline.bind { logger.info("x") }
            #expect(logging.count.count == 1)
        }

        @Test func `a provider that logs with the same logger ends`() {
            let logs = RecordingHandler()
            let asked = Asked()
            let inner = logger(handler: logs, provider: .init { asked.next(["inner": "1"]) })
            let outer = logger(
                handler: logs,
                provider: .init {
                    inner.info("from the provider")
                    return asked.next(["outer": "1"])
                })
            outer.info("x")
            #expect(logs.messages == ["x"])
            #expect(asked.count == 1)
        }
    }
#endif
