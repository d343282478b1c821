#if Lifecycle
    import Foundation
    import Logging
    import ServiceLifecycle
    import Skein
    import SkeinLifecycle
    import SkeinPlatform
    import Testing
    import UnixSignals

    /// A recorder that says what it was asked for.
    private final class CountingRecorder: EventRecorder {
        struct Counts {
            var recorded = 0
            var flushes = 0
            var shutdowns = 0
            /// Whether a task that asked was cancelled.
            var wasCancelled = false
        }

        private let state = Monitor(Counts())
        var counts: Counts { state.withLock { $0 } }

        func record(_ event: UnsafeRawBufferPointer) { state.withLock { $0.recorded += 1 } }

        func flush(timeout: Duration) async -> Bool {
            state.withLock {
                $0.flushes += 1
                $0.wasCancelled = $0.wasCancelled || Task.isCancelled
            }
            return true
        }

        func shutdown(timeout: Duration) async {
            state.withLock {
                $0.shutdowns += 1
                $0.wasCancelled = $0.wasCancelled || Task.isCancelled
            }
        }

        var statistics: RecorderStatistics {
            var statistics = RecorderStatistics()
            statistics.recorded = UInt64(counts.recorded)
            statistics.delivered = statistics.recorded
            return statistics
        }
    }

    /// Says when it runs, and closes a context while it ends.
    private struct Worker: Service {
        let pipeline: EventPipeline
        let started: AsyncStream<Void>.Continuation
        var failure: (any Error)? = nil

        func run() async throws {
            pipeline.withContext("begun") { _ in }
            started.yield()
            if let failure { throw failure }
            try? await gracefulShutdown()
            pipeline.withContext("ended") { _ in }
        }
    }

    private struct Broken: Error {}

    @Suite(.timeLimit(.minutes(1))) struct EventPipelineServiceTests {
        private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        private let started: AsyncStream<Void>
        private let start: AsyncStream<Void>.Continuation

        init() {
            (started, start) = AsyncStream.makeStream()
        }

        private func group(_ services: [any Service]) -> ServiceGroup {
            ServiceGroup(services: services, logger: logger)
        }

        private func waitForStart() async {
            for await _ in started { return }
        }

        @Test func `what the other services close while they end is in the file when the group has ended`()
            async throws
        {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent(
                "skein-\(UUID().uuidString).bson")
            defer { try? FileManager.default.removeItem(at: file) }
            let pipeline = try EventPipeline(.init(endpoint: "file://\(file.path)"))
            let ledger = Monitor<EventStatistics?>(nil)
            let service = EventPipelineService(pipeline) { statistics in
                ledger.withLock { $0 = statistics }
            }
            let group = group([service, Worker(pipeline: pipeline, started: start)])
            async let run: Void = group.run()
            await waitForStart()
            await group.triggerGracefulShutdown()
            try await run
            let statistics = try #require(ledger.withLock { $0 })
            #expect(statistics.created == 2)
            #expect(statistics.acknowledged == 2)
            #expect(statistics.inFlight == 0)
            let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
            #expect(text.contains("begun") && text.contains("ended"))
            pipeline.withContext("too late") { _ in }
            #expect(pipeline.statistics.created == 2)
        }

        @Test func `a signal of the process ends it in order`() async throws {
            let recorder = CountingRecorder()
            let pipeline = try EventPipeline(.init(recorder: recorder))
            let group = ServiceGroup(
                services: [EventPipelineService(pipeline), Worker(pipeline: pipeline, started: start)],
                gracefulShutdownSignals: [.sigusr2], logger: logger)
            async let run: Void = group.run()
            await waitForStart()
            kill(getpid(), SIGUSR2)
            try await run
            #expect(recorder.counts.shutdowns == 1)
            #expect(recorder.counts.recorded == 2)
        }

        @Test func `where nobody takes the events the end is bounded, and what is left is told`() async throws
        {
            let pipeline = try EventPipeline(.init(endpoint: "deliver://127.0.0.1:9"))
            let ledger = Monitor<EventStatistics?>(nil)
            let service = EventPipelineService(pipeline, timeout: .milliseconds(100)) { statistics in
                ledger.withLock { $0 = statistics }
            }
            let group = group([service, Worker(pipeline: pipeline, started: start)])
            async let run: Void = group.run()
            await waitForStart()
            let began = ContinuousClock.now
            await group.triggerGracefulShutdown()
            try await run
            // The bound is 100 ms; a loaded machine may add its own.
            #expect(ContinuousClock.now - began < .seconds(20))
            let statistics = try #require(ledger.withLock { $0 })
            #expect(statistics.created == 2)
            #expect(statistics.acknowledged == 0)
        }

        @Test func `a group that is cancelled flushes, and the flush is not cancelled with it`() async throws
        {
            let recorder = CountingRecorder()
            let pipeline = try EventPipeline(.init(recorder: recorder))
            let group = group([
                EventPipelineService(pipeline), Worker(pipeline: pipeline, started: start),
            ])
            let run = Task { try await group.run() }
            await waitForStart()
            run.cancel()
            _ = await run.result
            #expect(recorder.counts.shutdowns == 1)
            #expect(!recorder.counts.wasCancelled)
        }

        @Test func `a service that fails ends the group with its own error, and what was closed is flushed`()
            async throws
        {
            let recorder = CountingRecorder()
            let pipeline = try EventPipeline(.init(recorder: recorder))
            let group = group([
                EventPipelineService(pipeline),
                Worker(pipeline: pipeline, started: start, failure: Broken()),
            ])
            await #expect(throws: Broken.self) { try await group.run() }
            #expect(recorder.counts.shutdowns == 1)
            #expect(recorder.counts.recorded == 1)
        }

        @Test func `a pipeline that is only flushed goes on, for a context around the group`() async throws {
            let recorder = CountingRecorder()
            let pipeline = try EventPipeline(.init(recorder: recorder))
            let group = group([
                EventPipelineService(pipeline, ending: .flush), Worker(pipeline: pipeline, started: start),
            ])
            try await pipeline.withContext("main") { _ in
                async let run: Void = group.run()
                await waitForStart()
                await group.triggerGracefulShutdown()
                try await run
            }
            #expect(recorder.counts.flushes == 1)
            #expect(recorder.counts.shutdowns == 0)
            #expect(recorder.counts.recorded == 3)
        }

        @Test func `without a pipeline it only waits for the end`() async throws {
            let group = group([
                EventPipelineService(),
                Worker(pipeline: try EventPipeline(.init(recorder: CountingRecorder())), started: start),
            ])
            async let run: Void = group.run()
            await waitForStart()
            await group.triggerGracefulShutdown()
            try await run
        }
    }
#endif
