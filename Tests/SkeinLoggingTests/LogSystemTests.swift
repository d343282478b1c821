import Skein
import SkeinLogging
import SkeinPlatform
import SkeinTesting
import Testing

@Suite struct LogSystemTests {
    private let logger = EventLogger("test")

    @Test func `a handler bound to a block takes its records, and is gone afterwards`() {
        let logs = RecordingHandler()
        withLogHandler(logs) { logger.info("inside") }
        logger.info("outside")
        #expect(logs.messages == ["inside"])
    }

    @Test func `a record goes outwards while handlers let it bubble or leave it`() {
        let (outer, inner) = (RecordingHandler(), RecordingHandler(level: .warning))
        let leaving = ClosureHandler { _ in false }
        withLogHandler(outer) {
            withLogHandler(inner, bubbles: true) {
                withLogHandler(leaving) {
                    logger.info("too low for the inner one")
                    logger.warning("for both")
                }
            }
            withLogHandler(inner) { logger.error("for the inner one") }
        }
        #expect(inner.messages == ["for both", "for the inner one"])
        #expect(outer.messages == ["too low for the inner one", "for both"])
    }

    @Test func `child tasks inherit the handler, the closure keeps its actor`() async {
        let logs = RecordingHandler()
        await withLogHandler(logs) {
            await withTaskGroup { group in
                for n in 0..<8 { group.addTask { logger.info("\(n)") } }
            }
            await MainActor.run { logger.info("main") }
        }
        #expect(Set(logs.messages) == Set((0..<8).map(String.init) + ["main"]))
    }

    @Test func `errors leave the block as they are`() {
        struct Stop: Error, Equatable {}
        #expect(throws: Stop()) {
            try withLogHandler(NullHandler()) { () throws(Stop) in throw Stop() }
        }
    }

    @Test func `messages and metadata are not built for a record that nobody takes`() {
        let built = Counter()
        func value() -> Int {
            built.add()
            return 1
        }
        withLogHandler(NullHandler(level: .warning)) {
            // The process's handler takes none either: no pipeline is bound here, but others' may be active.
            let quiet = EventLogger("test", handler: NullHandler(level: .warning))
            quiet.info("\(value())", ["n": value()])
            EventLogger("test", level: .error).warning("\(value())", ["n": value()])
            #expect(!quiet.isEnabled(.info) && quiet.isEnabled(.warning))
        }
        #expect(built.count == 0)
    }

    @Test func `each level has its function`() {
        let logs = RecordingHandler()
        let logger = EventLogger("test", metadata: ["a": 1], handler: logs)
        logger.trace("x")
        logger.debug("x")
        logger.info("x")
        logger.notice("x")
        logger.warning("x")
        logger.error("x")
        logger.critical("x", ["b": 2])
        logger.log(35, "x", ["a": 3])
        #expect(logs.records.map(\.level) == LogLevel.named + [35])
        #expect(logs.contains(level: .critical, metadata: ["a": 1, "b": 2]))
        #expect(logs.contains(level: 35, metadata: ["a": 3]))
    }

    @Test func `what is logged while a record is handled does not come back in`() {
        let before = LogSystem.statistics
        let seen = Counter()
        let looping = ClosureHandler { record in
            seen.add()
            EventLogger("inside", handler: NullHandler()).error("handling \(record.text)")
            return true
        }
        withLogHandler(looping) { logger.info("once") }
        EventLogger("own", handler: looping).info("once more")
        #expect(seen.count == 2)
        #expect(LogSystem.statistics.fromInside >= before.fromInside + 2)
    }

    @Test func `a thread of Skein's own logs nothing but to the fallback`() throws {
        let logs = RecordingHandler()
        let before = LogSystem.statistics
        try SystemThread(name: "own") {
            CurrentThread.activity = .ownWork
            withLogHandler(logs) { EventLogger("inside").error("x") }
        }.join()
        #expect(logs.records.isEmpty)
        #expect(LogSystem.statistics.fromInside > before.fromInside)
    }

    @Test func `the fallback takes them, and nothing of its own`() {
        // Process-wide, so it looks for its own records only.
        let word = "fallback-\(UInt64.random(in: 0...UInt64.max))"
        let seen = RecordingHandler()
        LogSystem.fallback = ClosureHandler { record in
            guard record.text.hasPrefix(word) else { return false }
            EventLogger("inside", handler: NullHandler()).error("\(record.text) again")
            return seen.handle(record)
        }
        defer { LogSystem.fallback = nil }
        let looping = ClosureHandler { record in
            EventLogger("inside", handler: NullHandler()).error("\(record.text) inside")
            return true
        }
        EventLogger("own", handler: looping).info("\(word)")
        #expect(seen.messages == ["\(word) inside"])
    }

    @Test func `handlers compose`() {
        let (all, errors, own) = (RecordingHandler(), RecordingHandler(level: .error), RecordingHandler())
        let several = MultiplexHandler([
            all, errors, own.filtered(level: .info) { $0.logger.hasPrefix("shop") },
        ])
        #expect(several.level == .all)
        #expect(MultiplexHandler([errors, FilteredHandler(own, level: .warning)]).level == .warning)
        #expect(MultiplexHandler([]).level == .off)
        withLogHandler(several) {
            EventLogger("shop.cart").debug("1")
            EventLogger("shop.cart").info("2")
            EventLogger("other").error("3")
        }
        #expect(all.messages == ["1", "2", "3"] && errors.messages == ["3"] && own.messages == ["2"])
    }

    @Test func `a recording handler answers a test's questions`() throws {
        let logs = RecordingHandler()
        let logger = EventLogger("import", handler: logs)
        logger.warning("line skipped", ["line": 17, "file": "a.csv"])
        try onThreads(4) { logger.info("thread \($0)") }
        #expect(logs.waitForRecords(5) && !logs.waitForRecords(6, timeout: .zero))
        #expect(logs.contains("line skipped", level: .warning, logger: "import", metadata: ["line": 17.0]))
        #expect(!logs.contains("line skipped", level: .info))
        #expect(!logs.contains("line skipped", metadata: ["line": 18]))
        #expect(logs.records("thread*", level: .info).count == 4)
        logs.removeAll()
        #expect(logs.records.isEmpty)
    }
}
