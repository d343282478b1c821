#if Tracing
    import Foundation
    import Instrumentation
    import Skein
    import SkeinTesting
    import SkeinTracing
    import Testing
    import Tracing

    /// The process's tracer, which may be set once: it records where the task says.
    private let bootstrapped: Void = InstrumentationSystem.bootstrap(SkeinTracer())

    @Suite struct BootstrapTests {
        init() { _ = bootstrapped }

        @Test func `the library's free functions make spans of the pipeline that the task is bound to`()
            async throws
        {
            let recorder = try TestRecorder()
            await recorder.bind {
                withSpan("sync") { $0.attributes["n"] = 1 }
                await withSpan("async") { span in
                    await Task.yield()
                    withSpan("inner") { _ in }
                }
                let span = startSpan("by hand")
                span.end()
            }
            #expect(recorder.trees.map(\.shape) == ["sync", "async(async.inner)", "by hand"])
        }

        @Test func `the process's instrument carries headers`() throws {
            let recorder = try TestRecorder()
            var headers = Headers()
            recorder.withContext("request") { _ in
                InstrumentationSystem.instrument.inject(.topLevel, into: &headers, using: HeaderInjector())
            }
            #expect(headers["traceparent"] != nil)
        }

        @Test func `forceFlush brings what has ended to where it belongs`() async throws {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent(
                "skein-\(UUID().uuidString).bson")
            defer { try? FileManager.default.removeItem(at: file) }
            let pipeline = try EventPipeline(.init(endpoint: "file://\(file.path)"))
            let tracer = SkeinTracer(pipeline: pipeline)
            tracer.startSpan("s", context: .topLevel).end()
            // On a thread of its own, where it waits.
            await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    tracer.forceFlush()
                    continuation.resume()
                }
            }
            #expect(pipeline.statistics.acknowledged == 1)
            #expect(try Data(contentsOf: file).count > 100)
            // In a task it must not block, and does not.
            tracer.forceFlush()
            await pipeline.shutdown()
        }
    }
#endif
