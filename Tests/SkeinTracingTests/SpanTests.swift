#if Tracing
    import Skein
    import SkeinTesting
    import SkeinTracing
    import Testing
    import Tracing

    @Suite struct SpanTests {
        let recorder: TestRecorder
        let tracer: SkeinTracer

        init() throws {
            recorder = try TestRecorder()
            tracer = recorder.tracer
        }

        private func only() throws -> RecordedEvent {
            #expect(recorder.events.count == 1)
            return try #require(recorder.events.first)
        }

        // MARK: Names

        @Test(arguments: [
            ("charge", "charge"), ("db.query", "db.query"), ("GET /users/:id", "GET _users_:id"),
            ("", "_"), (".hidden", "hidden"), ("^.up", "up"), ("a\nb\u{7F}c\0d", "a_b_c_d"), ("..", "_"),
            ("naïve ☃", "naïve ☃"), (String(repeating: "é", count: 300), String(repeating: "é", count: 100)),
        ])
        func `an operation's name makes a type, without what a type may not have`(
            name: String, type: String
        ) throws {
            tracer.startSpan(name, context: .topLevel).end()
            let event = try only()
            #expect(event.type == type)
            #expect(event["span.name"]?.stringValue == (name == type ? nil : name))
            #expect(recorder.pipeline.statistics.invalidTypes == 0)
        }

        @Test func `children's types begin with their parents', and one tree has one id`() throws {
            tracer.withSpan("request") { _ in
                tracer.withSpan("db.query") { _ in tracer.withSpan("connect") { _ in } }
                tracer.withSpan("render") { _ in }
            }
            let tree = try #require(recorder.tree("request"))
            #expect(
                tree.shape
                    == "request(request.db.query(request.db.query.connect),request.render)")
            #expect(Set(tree.all.map(\.id)).count == 1)
        }

        @Test func `a span's name may become more precise later; its type stays`() throws {
            let span = tracer.startSpan("GET", context: .topLevel)
            span.operationName = "GET /users/:id"
            #expect(span.operationName == "GET /users/:id")
            span.end()
            span.operationName = "too late"
            #expect(span.operationName == "GET /users/:id")
            #expect(try only().type == "GET")
            #expect(try only()["span.name"] == .string("GET /users/:id"))
        }

        @Test func `types may be chosen by name and kind`() throws {
            let tracer = SkeinTracer(
                pipeline: recorder.pipeline,
                type: { name, kind in kind == .server ? "request" : ".\(name)/" })
            tracer.withSpan("GET /users/17", context: .topLevel, ofKind: .server) { _ in
                tracer.withSpan("q") { _ in }
            }
            #expect(recorder.events.map(\.type) == ["request.q_", "request"])
            #expect(recorder.events("request").first?["span.name"] == .string("GET /users/17"))
        }

        // MARK: Attributes

        @Test func `attributes are fields with their types, and dots nest`() throws {
            struct Plan: CustomStringConvertible, Sendable { let description = "gold" }
            let span = tracer.startSpan("s", context: .topLevel)
            span.attributes["i32"] = Int32(-7)
            span.attributes["i64"] = Int64.max
            span.attributes["int"] = 42
            span.attributes["double"] = 0.5
            span.attributes["float"] = Float(0.25)
            span.attributes["bool"] = true
            span.attributes["http.request.method"] = "GET"
            span.attributes["http.response.status_code"] = 200
            span.attributes.set("convertible", value: .stringConvertible(Plan()))
            span.attributes.set("small", value: .stringConvertible(UInt8(7)))
            span.attributes["ints"] = [1, 2]
            span.attributes["i32s"] = [Int32(3)]
            span.attributes["doubles"] = [1.5]
            span.attributes["bools"] = [true, false]
            span.attributes["strings"] = ["a", "b"]
            span.attributes.set("plans", value: .stringConvertibleArray([Plan(), Duration.seconds(2)]))
            span.attributes["gone"] = 1
            span.attributes.set("gone", value: nil)
            span.end()
            let event = try only()
            #expect(event["i32"] == .int32(-7))
            #expect(event["i64"] == .int64(.max))
            #expect(event["int"] == .int64(42))
            #expect(event["double"] == .double(0.5))
            #expect(event["float"] == .double(0.25))
            #expect(event["bool"] == .bool(true))
            #expect(event["http.request.method"] == .string("GET"))
            #expect(event["http.response.status_code"] == .int64(200))
            #expect(event["convertible"] == .string("gold"))
            #expect(event["small"] == .int32(7))
            #expect(event["ints"] == .array(.array([.int64(1), .int64(2)])))
            #expect(event["i32s"] == .array(.array([.int32(3)])))
            #expect(event["doubles"] == .array(.array([.double(1.5)])))
            #expect(event["bools"] == .array(.array([.bool(true), .bool(false)])))
            #expect(event["strings"] == .array(.array([.string("a"), .string("b")])))
            #expect(event["plans"] == .array(.array([.string("gold"), .double(2)])))
            #expect(event["gone"] == nil)
            #expect(span.attributes.get("int") == .int64(42))
        }

        @Test func `attributes may be set as a whole, and in a block`() throws {
            let span: any Tracing.Span = tracer.startSpan("s", context: .topLevel)
            span.attributes = ["a": 1, "b": 2]
            span.updateAttributes {
                $0["c"] = 3
                $0.set("a", value: nil)
            }
            span.attributes["b"] = "two"
            span.end()
            #expect(try only().body == ["b": "two", "c": .int64(3)])
        }

        @Test func `attributes that cannot be fields are dropped and counted, and the others stay`() throws {
            let span = tracer.startSpan("s", context: .topLevel)
            span.attributes = ["": 1, "a..b": 2, "nul\0": 3, "ok": 4]
            span.end()
            #expect(try only().body == ["ok": .int64(4)])
            #expect(recorder.pipeline.statistics.fieldsDropped == 3)
        }

        @Test func `a long value is cut, and its length told`() throws {
            let span = tracer.startSpan("s", context: .topLevel)
            span.attributes["text"] = String(repeating: "x", count: 100_000)
            span.end()
            #expect(try only()["text"]?.stringValue?.utf8.count == 65_536)
            #expect(try only()["_trimmed.text"] == .int64(100_000))
        }

        @Test(
            arguments: [
                (.server, "server"), (.client, "client"), (.producer, "producer"), (.consumer, "consumer"),
                (.internal, nil),
            ] as [(SpanKind, String?)])
        func `the kind is a field`(kind: SpanKind, field: String?) throws {
            tracer.startSpan("s", context: .topLevel, ofKind: kind).end()
            #expect(try only()["span.kind"]?.stringValue == field)
        }

        // MARK: Status and errors

        @Test func `a status is a field, and no error is said of what went well`() throws {
            let span = tracer.startSpan("s", context: .topLevel)
            span.setStatus(.init(code: .ok, message: "42"))
            span.end()
            #expect(try only()["span.status"] == .string("ok"))
            #expect(try only()["span.message"] == .string("42"))
            #expect(try only().errorType == nil)
        }

        @Test func `the status error makes the event one that failed`() throws {
            let span = tracer.startSpan("s", context: .topLevel)
            span.setStatus(.init(code: .error, message: "no route"))
            span.end()
            #expect(try only()["span.status"] == .string("error"))
            #expect(try only().errorType == "SpanFailure")
            #expect(try only().errorMessage == "no route")
        }

        @Test func `an error that is recorded is a record, and fails the span only with its status`() throws {
            let tolerated = tracer.startSpan("tolerated", context: .topLevel)
            tolerated.recordError(Broken(), attributes: ["try.number": 1])
            tolerated.end()
            let failed = tracer.startSpan("failed", context: .topLevel)
            failed.recordError(Broken())
            failed.setStatus(.init(code: .error))
            failed.end()
            let record = try #require(recorder.events("tolerated.log").first)
            #expect(record.document["level"] == .int32(40))
            #expect(record["msg"] == .string("Broken()"))
            #expect(record["exception"] == .string("Broken: Broken()"))
            #expect(record["data.try.number"] == .int64(1))
            #expect(record.parent == recorder.events("tolerated").first?.span)
            #expect(recorder.events("tolerated").first?.errorType == nil)
            #expect(recorder.events("failed").first?.errorType == "Broken")
        }

        // MARK: Events and links

        @Test func `a span event is a record of the span, at the event's own time`() throws {
            let span = tracer.startSpan("s", context: .topLevel)
            span.addEvent(
                SpanEvent(
                    name: "retried",
                    at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 1_700_000_000_250_000_000),
                    attributes: ["attempt": 2, "host.name": "b"]))
            span.addEvent("plain")
            span.end()
            let records = recorder.events("s.log")
            #expect(records.map { $0["msg"] } == [.string("retried"), .string("plain")])
            let record = try #require(records.first)
            #expect(record.document["level"] == .int32(20))
            #expect(record["level"] == .string("INFO"))
            #expect(record["name"] == .string("s"))
            #expect(record["data.attempt"] == .int64(2))
            #expect(record["data.host.name"] == .string("b"))
            #expect(record.start == 1_700_000_000.25)
            #expect(record.end == record.start)
            let event = try #require(recorder.events("s").first)
            #expect(record.parent == event.span)
            #expect(record.id == event.id)
            #expect(records.last?["data"] == nil)
        }

        @Test func `links name what they lead to`() throws {
            let other = tracer.startSpan("other", context: .topLevel)
            let span = tracer.startSpan("s", context: .topLevel)
            span.addLink(other, attributes: ["why": "batch"])
            span.addLink(
                SpanLink(
                    context: tracer.context(
                        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")),
                    attributes: [:]))
            span.addLink(SpanLink(context: .topLevel, attributes: [:]))
            span.end()
            other.end()
            let event = try #require(recorder.events("s").first)
            let linked = try #require(recorder.events("other").first)
            guard case .array(let links) = event["span.links"] else {
                Issue.record("no links")
                return
            }
            #expect(links.count == 2)
            #expect(links[path: "0.trace"] == .string(linked.id))
            #expect(links[path: "0.span"] == .string(linked.span))
            #expect(links[path: "0.attributes.why"] == .string("batch"))
            #expect(links[path: "1.trace"] == .string("4bf92f3577b34da6a3ce929d0e0e4736"))
            #expect(links[path: "1.span"] == .string("00f067aa0ba902b7"))
            #expect(links[path: "1.attributes"] == nil)
        }

        // MARK: Ends

        @Test func `a span ends once; a second end is counted`() throws {
            let span = tracer.startSpan("s", context: .topLevel)
            #expect(span.isRecording)
            span.end()
            #expect(!span.isRecording)
            span.end()
            span.end(at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 1))
            #expect(recorder.events.count == 1)
            #expect(recorder.pipeline.statistics.finishedTwice == 2)
        }

        @Test func `what is done to a span after its end is dropped, and attributes are counted`() throws {
            let span = tracer.startSpan("s", context: .topLevel)
            span.attributes["before"] = 1
            span.end()
            span.attributes["after"] = 2
            span.addEvent("after")
            span.recordError(Broken())
            span.setStatus(.init(code: .error))
            span.addLink(SpanLink(context: span.context, attributes: [:]))
            #expect(span.attributes == ["before": 1])
            #expect(try only().body == ["before": .int64(1)])
            #expect(recorder.pipeline.statistics.writesAfterClose == 1)
        }

        @Test func `a span that nobody ends becomes an event that says so`() throws {
            do {
                let span = tracer.startSpan("s", context: .topLevel)
                span.attributes["n"] = 1
            }
            #expect(try only().errorType == "unfinished")
            #expect(recorder.pipeline.statistics.unfinished == 1)
        }

        @Test func `without a pipeline everything is a no-op`() {
            // Another test's pipeline may be there; this tracer has one that has been let go.
            let span = SkeinTracer(sampling: { _, _ in .never }).startSpan("s", context: .topLevel)
            span.attributes["n"] = 1
            span.addEvent("e")
            span.end()
            #expect(!span.isRecording)
            #expect(recorder.events.isEmpty)
        }
    }
#endif
