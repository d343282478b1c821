#if Tracing
    import Skein
    import SkeinLogging
    import SkeinTesting
    import SkeinTracing
    import Testing
    import Tracing

    private actor Counter {
        var count = 0
        func add(_ tracer: SkeinTracer) async -> Int {
            await tracer.withSpan("add") { span in
                await Task.yield()
                span.attributes["count"] = count
                count += 1
                return count
            }
        }
    }

    /// `withSpan` in all its forms, and both worlds' bindings inside each other.
    @Suite struct TaskTests {
        let recorder: TestRecorder
        let tracer: SkeinTracer

        init() throws {
            recorder = try TestRecorder()
            tracer = recorder.tracer
        }

        // MARK: withSpan

        @Test func `withSpan returns what its closure does, and ends the span`() {
            let value = tracer.withSpan("hello", context: .topLevel) { span in
                #expect(span.isRecording)
                return "yes"
            }
            #expect(value == "yes")
            #expect(recorder.events.map(\.type) == ["hello"])
        }

        @Test func `an error that leaves withSpan is the event's, and goes on`() throws {
            #expect(throws: Broken.self) { try tracer.withSpan("hello") { _ in throw Broken() } }
            let event = try #require(recorder.events("hello").first)
            #expect(event.errorType == "Broken")
            #expect(event.errorMessage == "Broken()")
            #expect(event["span.status"] == .string("error"))
            #expect(recorder.events("hello.log").first?.document["level"] == .int32(40))
        }

        @Test func `the same of the asynchronous form`() async throws {
            let value = await tracer.withSpan("hello") { span in
                await Task.yield()
                #expect(ServiceContext.current?.skeinContext === span.skeinContext)
                return 7
            }
            #expect(value == 7)
            await #expect(throws: Broken.self) {
                try await tracer.withSpan("failing") { _ in
                    await Task.yield()
                    throw Broken()
                }
            }
            #expect(recorder.events("failing").first?.errorType == "Broken")
        }

        @Test func `the same through an existential, as libraries hold a tracer`() async throws {
            let any: any Tracer = tracer
            let value = any.withAnySpan("a") { span in
                span.attributes["n"] = 1
                return 1
            }
            let other = await any.withSpan("b") { span in
                await Task.yield()
                span.attributes["n"] = 2
                return 2
            }
            #expect(value + other == 3)
            #expect(recorder.events.map { $0["n"] } == [.int64(1), .int64(2)])
        }

        @Test func `withSpan stays on its actor`() async {
            let counter = Counter()
            _ = await counter.add(tracer)
            #expect(await counter.add(tracer) == 2)
            #expect(recorder.events("add").map { $0["count"] } == [.int64(0), .int64(1)])
        }

        @Test func `child tasks inherit the span; a detached one begins a tree`() async throws {
            await tracer.withSpan("root") { _ in
                await withTaskGroup { group in
                    for index in 0..<20 {
                        group.addTask {
                            tracer.withSpan("child") { $0.attributes["index"] = index }
                        }
                    }
                }
                await Task { tracer.withSpan("task") { _ in } }.value
                await Task.detached { [tracer] in tracer.withSpan("detached") { _ in } }.value
            }
            let tree = try #require(recorder.tree("root"))
            #expect(tree.children.count == 21)
            #expect(tree.children.filter { $0.event.type == "root.child" }.count == 20)
            #expect(recorder.tree("detached") != nil)
        }

        // MARK: Both worlds

        @Test func `a span inside a context is its child, and the current context inside the span`() throws {
            recorder.withContext("request") { request in
                tracer.withSpan("query", ofKind: .client) { span in
                    #expect(Context.current === span.skeinContext)
                    Context.current?["by"] = "skein"
                    span.attributes["rows"] = 3
                }
                #expect(Context.current === request)
            }
            let tree = try #require(recorder.tree("request"))
            #expect(tree.shape == "request(request.query)")
            #expect(tree.child("request.query")?.event["by"] == .string("skein"))
            #expect(tree.child("request.query")?.event["rows"] == .int64(3))
        }

        @Test func `spans and contexts inside each other make one tree, whatever the order`() throws {
            tracer.withSpan("a") { _ in
                withContext(".b") { b in
                    tracer.withSpan("c") { c in
                        #expect(Context.current === c.skeinContext)
                        withContext(".d") { d in
                            #expect(Context.current === d)
                            tracer.withSpan("e") { _ in }
                        }
                        #expect(Context.current === c.skeinContext)
                    }
                    #expect(Context.current === b)
                    tracer.withSpan("f") { _ in }
                }
                withContext("^.g") { _ in }
            }
            #expect(recorder.trees.map(\.shape) == ["a(a.b(a.b.c(a.b.c.d(a.b.c.d.e)),a.b.f),a.g)"])
        }

        @Test func `the same across asynchronous calls and child tasks`() async throws {
            await tracer.withSpan("a") { _ in
                await withContext(".b") { _ in
                    await Task.yield()
                    async let c: Void = tracer.withSpan("c") { _ in
                        await withContext(".d") { _ in await Task.yield() }
                    }
                    async let e: Void = withContext(".e") { _ in
                        await Task.yield()
                        tracer.withSpan("f") { _ in }
                    }
                    _ = await (c, e)
                }
            }
            #expect(recorder.trees.count == 1)
            #expect(
                Set(recorder.events.map(\.type)) == ["a", "a.b", "a.b.c", "a.b.c.d", "a.b.e", "a.b.e.f"])
        }

        @Test func `an explicit parent wins over what the task is in`() throws {
            let other = tracer.startSpan("other", context: .topLevel)
            recorder.withContext("request") { _ in
                tracer.withSpan("inner") { _ in
                    tracer.startSpan("child", context: other.context).end()
                    tracer.startSpan("fresh", context: .topLevel).end()
                }
            }
            other.end()
            #expect(
                Set(recorder.trees.map(\.shape))
                    == ["request(request.inner)", "other(other.child)", "fresh"])
        }

        @Test func `a span bound by hand, in a task that is in no context, is the current context there`()
            async throws
        {
            let span = tracer.startSpan("callback", context: .topLevel)
            await Task.detached {
                ServiceContext.withValue(span.context) {
                    Context.current?["seen"] = true
                    withContext(".step") { _ in }
                }
            }.value
            span.end()
            let tree = try #require(recorder.tree("callback"))
            #expect(tree.shape == "callback(callback.step)")
            #expect(tree.event["seen"] == .bool(true))
        }

        @Test func `another span bound inside a context is the innermost`() throws {
            let other = tracer.startSpan("other", context: .topLevel)
            tracer.withSpan("a") { _ in
                withContext(".b") { _ in
                    ServiceContext.withValue(other.context) {
                        #expect(Context.current === other.skeinContext)
                        withContext(".x") { _ in }
                    }
                }
            }
            other.end()
            #expect(Set(recorder.trees.map(\.shape)) == ["a(a.b)", "other(other.x)"])
        }

        @Test func `a context opened by hand is entered inside spans, and left again`() throws {
            let upload = recorder.bind { Context.open("upload") }
            tracer.withSpan("callback") { span in
                upload.run {
                    #expect(Context.current === upload)
                    tracer.withSpan("chunk") { _ in }
                }
                #expect(Context.current === span.skeinContext)
            }
            tracer.withSpan("another") { _ in
                upload.run { tracer.withSpan("chunk") { _ in } }
            }
            upload.finish()
            #expect(recorder.tree("upload")?.shape == "upload(upload.chunk,upload.chunk)")
            #expect(recorder.tree("callback")?.shape == "callback")
        }

        @Test func `a pipeline bound inside a span begins trees of its own`() throws {
            let other = try TestRecorder()
            tracer.withSpan("a") { _ in
                other.bind { withContext(".b") { _ in } }
                withContext(".c") { _ in }
            }
            #expect(other.trees.map(\.shape) == ["b"])
            #expect(recorder.trees.map(\.shape) == ["a(a.c)"])
        }

        @Test func `a context goes into a service context and out again`() throws {
            recorder.withContext("request") { context in
                #expect(context.serviceContext.skeinContext === context)
                tracer.startSpan("child", context: context.serviceContext).end()
                var service = ServiceContext.topLevel
                #expect(service.skeinContext == nil)
                service.skeinContext = context
                #expect(service.skeinContext === context)
                service.skeinContext = nil
                #expect(service.isEmpty)
            }
            #expect(recorder.tree("request")?.shape == "request(request.child)")
        }

        @Test func `what is logged inside a span is a record of the span`() throws {
            tracer.withSpan("s") { _ in EventLogger("shop").warning("low stock") }
            let record = try #require(recorder.events("s.log").first)
            #expect(record["msg"] == .string("low stock"))
            #expect(record.parent == recorder.events("s").first?.span)
        }

        @Test func `an active span is found by its service context until it ends`() {
            #expect(tracer.activeSpan(identifiedBy: .topLevel) == nil)
            let span = tracer.startSpan("s", context: .topLevel)
            #expect(tracer.activeSpan(identifiedBy: span.context)?.operationName == "s")
            tracer.activeSpan(identifiedBy: span.context)?.attributes["n"] = 1
            span.end()
            #expect(tracer.activeSpan(identifiedBy: span.context) == nil)
            #expect(recorder.events.first?["n"] == .int64(1))
        }

        // MARK: Threads

        @Test func `threads that set different attributes at once lose none`() async throws {
            let span: any Tracing.Span = tracer.startSpan("s", context: .topLevel)
            await withTaskGroup { group in
                for task in 0..<4 {
                    group.addTask {
                        for index in 0..<50 { span.attributes["k\(task)_\(index)"] = index }
                        span.addEvent("done")
                    }
                }
            }
            span.end()
            #expect(recorder.events("s").first?.body.count == 200)
            #expect(span.attributes.count == 200)
            #expect(recorder.events("s.log").count == 4)
        }

        @Test func `what is added to a span from inside of many others is the span's`() async throws {
            let span = tracer.startSpan("s", context: .topLevel)
            await withTaskGroup { group in
                for task in 0..<8 {
                    group.addTask {
                        for index in 0..<50 {
                            tracer.withSpan("other\(task)", context: .topLevel) { _ in
                                span.addEvent(SpanEvent(name: "\(index)"))
                                tracer.startSpan("child", context: span.context).end()
                            }
                        }
                    }
                }
            }
            span.end()
            let own = try #require(recorder.events("s").first?.span)
            #expect(recorder.events("s.log").count == 400)
            #expect(recorder.events("s.child").count == 400)
            #expect(recorder.events("s.*").allSatisfy { $0.parent == own })
        }

        @Test func `many spans ended from many threads, each once`() async throws {
            let spans = (0..<200).map { tracer.startSpan("s\($0 % 5)", context: .topLevel) }
            await withTaskGroup { group in
                for _ in 0..<4 {
                    group.addTask { for span in spans { span.end() } }
                }
            }
            #expect(recorder.events.count == 200)
            #expect(recorder.pipeline.statistics.finishedTwice == 600)
        }
    }
#endif
