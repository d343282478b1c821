import Skein
import SkeinLogging
import SkeinPlatform
import SkeinTesting
import Testing

@Suite struct BurstHandlerTests {
    @Test func `detail goes nowhere without an error, and is counted`() {
        let target = RecordingHandler()
        let burst = BurstHandler(target: target, capacity: 10)
        let logger = EventLogger("shop", handler: burst)
        for n in 0..<10 { logger.debug("debug \(n)") }
        logger.info("info")
        #expect(target.messages.isEmpty && burst.heldCount == 8 && burst.unseen == 3)
        burst.flush()
        #expect(target.messages == ["info"] && burst.heldCount == 0 && burst.unseen == 10)
    }

    @Test func `an error lets all that is held go, in order`() {
        let target = RecordingHandler()
        let burst = BurstHandler(target: target)
        let logger = EventLogger("shop", handler: burst)
        logger.debug("1")
        logger.info("2")
        logger.trace("3")
        logger.error("4")
        #expect(target.messages == ["1", "2", "3", "4"] && burst.unseen == 0 && burst.heldCount == 0)
    }

    @Test func `a message is formatted when its record is let go, not before, and never if it is not`() {
        let formatted = Counter()
        let target = StreamHandler(to: DescriptorSink(descriptor: -1))
        let burst = BurstHandler(target: target)
        let logger = EventLogger("shop", handler: burst)
        logger.debug("\(deferred: Told(formatted))")
        burst.flush()
        #expect(formatted.count == 0)
        logger.debug("\(deferred: Told(formatted))")
        #expect(formatted.count == 0)
        logger.error("now")
        #expect(formatted.count == 1)
    }

    @Test func `the target's own level and filter apply`() {
        let target = RecordingHandler(level: .warning)
        let burst = BurstHandler(target: target)
        let logger = EventLogger("shop", handler: burst)
        logger.debug("1")
        logger.warning("2")
        logger.error("3")
        #expect(target.messages == ["2", "3"])
    }

    @Test func `a record that was held is an event of the context and the time it was made in`() throws {
        let clock = ManualClock()
        let recorder = try TestRecorder(clock: clock)
        let burst = BurstHandler(target: ContextHandler())
        let logger = EventLogger("shop", handler: burst)
        recorder.withContext("first", id: "given") { _ in
            withContext(".part") { _ in
                clock.advance(by: .seconds(1))
                logger.debug("held")
            }
        }
        clock.advance(by: .seconds(10))
        recorder.withContext("second") { _ in logger.error("let go") }
        recorder.bind { logger.debug("in none") }
        recorder.withContext("third") { _ in logger.error("let go") }
        let held = try #require(recorder.events("first.part.log").first)
        let part = try #require(recorder.events("first.part").first)
        #expect(held["msg"] == .string("held") && held.id == "given" && held.parent == part.span)
        #expect(held.start == part.start + 1 && held.end == held.start)
        #expect(held.document["trace"] == part.document["trace"])
        #expect(recorder.events("second.log").count == 1 && recorder.events("third.log").count == 1)
        #expect(recorder.events("log").first?["msg"] == .string("in none"))
    }

    @Test func `what is held for a pipeline that is gone goes nowhere, and does no harm to that of others`()
        throws
    {
        let memory = MemoryRecorder()
        let staying = try EventPipeline(.init(recorder: memory))
        let burst = BurstHandler(target: ContextHandler(), capacity: 20, threshold: 0.5)
        let logger = EventLogger("shop", handler: burst)
        var expected: [String] = []
        do {
            let going = try EventPipeline(.init(recorder: MemoryRecorder()))
            // Runs of one pipeline and of the other, cut by an overflow.
            for n in 0..<30 {
                let stays = n / 3 % 2 == 0
                let pipeline = stays ? staying : going
                if stays { expected.append("\(n)") }
                pipeline.withContext("request", id: n % 4 == 0 ? "given" : nil) { _ in logger.debug("\(n)") }
            }
        }
        let held = burst.heldCount
        logger.error("now")
        let seen = memory.events.map { RecordedEvent($0) }.filter { $0.type == "request.log" }
            .compactMap { $0["msg"]?.stringValue }
        #expect(!seen.isEmpty && seen == expected.suffix(seen.count))
        #expect(Int(burst.unseen) + held == 30)
    }

    @Test func `what an unsampled context held stays silent`() throws {
        let recorder = try TestRecorder()
        let burst = BurstHandler(target: ContextHandler())
        let logger = EventLogger("shop", handler: burst)
        recorder.withContext("quiet", sample: .never) { _ in logger.debug("held") }
        recorder.withContext("loud") { _ in logger.error("let go") }
        #expect(recorder.events.map(\.type) == ["loud.log", "loud"])
    }

    @Test func `what comes after a close is dropped and counted; the target stays open`() {
        let target = RecordingHandler()
        let burst = BurstHandler(target: target)
        let logger = EventLogger("shop", handler: burst)
        logger.info("before")
        burst.close()
        logger.error("after")
        #expect(target.messages == ["before"] && burst.unseen == 1 && burst.heldCount == 0)
    }

    @Test func `capacities and thresholds that make no sense do no harm`() {
        for (capacity, threshold) in [
            (-5, 0.8), (0, 0), (Int.max, 1e300), (3, -.infinity), (3, .nan), (3, .infinity),
        ] {
            let target = RecordingHandler()
            let burst = BurstHandler(target: target, capacity: capacity, threshold: threshold)
            let logger = EventLogger("shop", handler: burst)
            for _ in 0..<100 { logger.info("x") }
            burst.close()
            #expect(target.records.count == 100)
        }
    }

    @Test func `on many threads nothing is lost or doubled, and each thread's order holds`() throws {
        let target = RecordingHandler()
        let burst = BurstHandler(target: target, capacity: 50)
        let logger = EventLogger("shop", handler: burst)
        try onThreads(8) { thread in
            for n in 0..<2_000 {
                let level: LogLevel = n % 97 == 0 ? .error : n % 7 == 0 ? .info : .debug
                logger.log(level, "x", ["thread": thread, "n": n])
            }
        }
        burst.flush()
        var last = [Int](repeating: -1, count: 8)
        var infos = 0
        for record in target.records {
            let values = try #require(record.metadata?.document)
            let (thread, n) = (Int(values["thread"]?.intValue ?? -1), Int(values["n"]?.intValue ?? -1))
            #expect(last[thread] < n)
            last[thread] = n
            if record.level >= .info { infos += 1 }
        }
        let each = (0..<2_000).count { $0 % 97 == 0 || $0 % 7 == 0 }
        #expect(infos == 8 * each)
        #expect(Int(burst.unseen) + target.records.count == 16_000)
    }

    @Test func `a target that logs to the handler it is a target of waits for nobody`() {
        let seen = RecordingHandler()
        let inner = Monitor<BurstHandler?>(nil)
        let burst = BurstHandler(
            target: ClosureHandler { record in
                seen.handle(record)
                if record.text == "outer" {
                    inner.withLock { $0 }?.handle(LogRecord(level: .error, "inner"))
                }
                return true
            })
        inner.withLock { $0 = burst }
        burst.handle(LogRecord(level: .error, "outer"))
        #expect(seen.messages == ["outer", "inner"])
        inner.withLock { $0 = nil }
    }
}
