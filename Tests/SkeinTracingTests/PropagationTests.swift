#if Tracing
    import Skein
    import SkeinTesting
    import SkeinTracing
    import Testing
    import Tracing

    private enum UnrelatedKey: ServiceContextKey { typealias Value = Int }

    @Suite struct PropagationTests {
        let recorder: TestRecorder
        let tracer: SkeinTracer
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

        init() throws {
            recorder = try TestRecorder()
            tracer = recorder.tracer
        }

        @Test func `a tree goes from one service to the next`() throws {
            let server = try TestRecorder()
            var headers = Headers()
            tracer.withSpan("client", ofKind: .client) { span in
                tracer.inject(span.context, into: &headers, using: HeaderInjector())
            }
            var service = ServiceContext.topLevel
            server.tracer.extract(headers, into: &service, using: HeaderExtractor())
            server.tracer.withSpan("server", context: service, ofKind: .server) { _ in
                server.tracer.withSpan("inner") { _ in }
            }
            let trees = RecordedTree.trees(of: recorder.events + server.events)
            #expect(trees.map(\.shape) == ["client(server(server.inner))"])
            #expect(Set(trees.flatMap(\.all).map(\.id)).count == 1)
        }

        @Test func `the headers are W3C's, and Skein's own functions read them`() throws {
            let headers = recorder.withContext("client") { context in
                context.setBaggage("tenant", "acme")
                return tracer.withSpan("call") { tracer.headers($0.context) }
            }
            #expect(headers.pairs.map(\.name) == ["traceparent", "baggage"])
            let traceparent = try #require(TraceParent(headers["traceparent"] ?? ""))
            let call = try #require(recorder.events("client.call").first)
            #expect(traceparent.trace.description == call.id)
            #expect(headers["traceparent"]?.contains(call.span) == true)
            #expect(headers["baggage"] == "tenant=acme")
        }

        @Test func `what came is continued: trace, span, flag, state and baggage`() throws {
            let service = tracer.context(
                ("TraceParent", parent), ("tracestate", "vendor=1,skein=r:0.5"), ("Baggage", "a=b,c=d%20e"))
            let headers = tracer.withSpan("server", context: service) { span in
                #expect(span.skeinContext.baggage["c"] == "d e")
                return tracer.headers(span.context)
            }
            let event = try #require(recorder.events.first)
            #expect(event.id == "4bf92f3577b34da6a3ce929d0e0e4736")
            #expect(event.parent == "00f067aa0ba902b7")
            #expect(event.rate == 0.5)
            #expect(headers["traceparent"] == "00-\(event.id)-\(event.span)-01")
            #expect(headers["tracestate"] == "skein=r:0.5,vendor=1")
            #expect(headers["baggage"] == "a=b,c=d%20e")
        }

        @Test func `a tree that the caller does not record is not recorded, and told on as such`() throws {
            let service = tracer.context(
                ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"))
            let headers = tracer.withSpan("server", context: service) { span in
                #expect(!span.isRecording)
                span.attributes["n"] = 1
                return tracer.withSpan("inner") { tracer.headers($0.context) }
            }
            #expect(recorder.events.isEmpty)
            let told = try #require(TraceParent(headers["traceparent"] ?? ""))
            #expect(told.trace.description == "4bf92f3577b34da6a3ce929d0e0e4736")
            #expect(!told.isSampled)
        }

        @Test(arguments: [
            "", "00", "garbage", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ])
        func `a malformed traceparent begins a tree, is counted, and is not passed on`(text: String) throws {
            let service = tracer.context(("traceparent", text), ("tracestate", "x=y"))
            #expect(tracer.headers(service).pairs.isEmpty)
            tracer.withSpan("server", context: service) { _ in }
            #expect(recorder.events.first?.parent == nil)
            #expect(recorder.events.first?.id.count == 32)
            #expect(recorder.pipeline.statistics.malformedHeaders == 1)
        }

        @Test func `baggage alone travels on with a new tree`() throws {
            let service = tracer.context(("baggage", "tenant=acme"))
            let headers = tracer.withSpan("server", context: service) { tracer.headers($0.context) }
            #expect(headers["baggage"] == "tenant=acme")
            #expect(headers["traceparent"] != nil)
            #expect(recorder.events.first?.parent == nil)
        }

        @Test func `what came is passed on as it came while there is no span`() {
            let service = tracer.context(("traceparent", parent), ("tracestate", "a=b"))
            #expect(tracer.headers(service)["traceparent"] == parent)
            #expect(tracer.headers(service)["tracestate"] == "a=b")
        }

        @Test func `without a pipeline what came is still passed on by the span`() {
            let gone = SkeinTracer(pipeline: nil)
            let service = gone.context(("traceparent", parent))
            // Whether another test's pipeline is active or not: the trace goes on.
            let span = gone.startSpan("server", context: service)
            let told = gone.headers(span.context)["traceparent"]
            #expect(told?.contains("4bf92f3577b34da6a3ce929d0e0e4736") == true)
            span.end()
        }

        @Test func `a carrier without headers leaves the service context alone, and its other values stay`() {
            var service = ServiceContext.topLevel
            service[UnrelatedKey.self] = 42
            #expect(tracer.context(("accept", "*/*"), into: service).count == 1)
            let continued = tracer.context(("traceparent", parent), into: service)
            #expect(continued[UnrelatedKey.self] == 42)
            let span = tracer.startSpan("s", context: continued)
            #expect(span.context[UnrelatedKey.self] == 42)
            span.end()
        }

        @Test func `with nothing to tell nothing is injected`() {
            #expect(tracer.headers(.topLevel).pairs.isEmpty)
        }

        @Test func `a client's headers inside a Skein context are that context's`() throws {
            let headers = recorder.withContext("request") { _ in
                tracer.headers(ServiceContext.current ?? .topLevel)
            }
            let event = try #require(recorder.events.first)
            #expect(headers["traceparent"] == "00-\(event.id)-\(event.span)-01")
        }

        @Test func `headers bound to a task are continued there once, and contexts inside them are nearer`()
            throws
        {
            let service = tracer.context(("traceparent", parent))
            recorder.bind {
                ServiceContext.withValue(service) {
                    tracer.withSpan("server") { _ in }
                    withContext("job") { _ in tracer.withSpan("inner") { _ in } }
                }
            }
            #expect(recorder.events("server").first?.parent == "00f067aa0ba902b7")
            #expect(recorder.tree("job")?.shape == "job(job.inner)")
        }

        @Test func `a given id travels through spans`() throws {
            let server = try TestRecorder()
            let headers = withContext("order", id: "order 4711", pipeline: recorder.pipeline) { _ in
                tracer.withSpan("call") { tracer.headers($0.context) }
            }
            var service = ServiceContext.topLevel
            server.tracer.extract(headers, into: &service, using: HeaderExtractor())
            server.tracer.withSpan("billing", context: service) { _ in }
            #expect(server.events.first?.id == "order 4711")
        }

        // MARK: Sampling

        @Test func `a span that is not sampled silences what is inside it`() throws {
            let tracer = SkeinTracer(
                pipeline: recorder.pipeline, sampling: { name, _ in name == "quiet" ? .never : .always })
            tracer.withSpan("quiet") { span in
                #expect(!span.isRecording)
                span.addEvent("nothing")
                tracer.withSpan("inner") { _ in withContext(".x") { _ in } }
            }
            tracer.withSpan("loud") { _ in tracer.withSpan("quiet") { _ in tracer.withSpan("inner") { _ in } }
            }
            #expect(recorder.events.map(\.type) == ["loud"])
        }

        @Test func `a share of the trees is recorded, whole, and weighed`() throws {
            let tracer = SkeinTracer(
                pipeline: recorder.pipeline, sampling: { name, _ in name == "root" ? .rate(0.5) : .always })
            for _ in 0..<400 { tracer.withSpan("root") { _ in tracer.withSpan("child") { _ in } } }
            let trees = recorder.trees
            #expect((100...300).contains(trees.count))
            #expect(trees.allSatisfy { $0.shape == "root(root.child)" })
            #expect(trees.allSatisfy { tree in tree.all.allSatisfy { $0.rate == 0.5 } })
        }
    }
#endif
