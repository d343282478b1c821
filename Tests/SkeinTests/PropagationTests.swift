import Skein
import SkeinTesting
import Testing

@Suite struct PropagationTests {
    @Test func `a tree goes on in another process`() throws {
        let recorder = try TestRecorder()
        var headers: [String: String] = [:]
        recorder.withContext("front") { $0.inject(into: &headers) }
        withContext("back", continuing: headers, pipeline: recorder.pipeline) { _ in }
        let tree = try #require(recorder.tree("front"))
        #expect(tree.shape == "front(back)")
        #expect(tree.all.map(\.id).allSatisfy { $0 == tree.event.id })
    }

    @Test func `headers are found in any case`() throws {
        let recorder = try TestRecorder()
        let headers = ["TraceParent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]
        withContext("t", continuing: headers, pipeline: recorder.pipeline) { _ in }
        #expect(recorder.events.first?.id == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(recorder.events.first?.parent == "00f067aa0ba902b7")
    }

    @Test(arguments: [
        "", "00", "garbage", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4bf92f3577b34da6a3ce929d0e0e4736x00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
    ])
    func `a malformed traceparent begins a new tree and is counted`(text: String) throws {
        let recorder = try TestRecorder()
        withContext("t", continuing: ["traceparent": text], pipeline: recorder.pipeline) { _ in }
        #expect(recorder.events.first?.parent == nil)
        #expect(recorder.events.first?.id.count == 32)
        #expect(recorder.pipeline.statistics.malformedHeaders == 1)
    }

    @Test func `a later version is read as far as this one goes`() throws {
        let parent = try #require(
            TraceParent("42-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-future"))
        #expect(parent.isSampled)
        #expect(parent.description == "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    }

    @Test func `a given id is shared, travels, and stands beside the trace id derived from it`() throws {
        let recorder = try TestRecorder()
        var headers: [String: String] = [:]
        recorder.withContext("order", id: "order 4711/ä") { $0.inject(into: &headers) }
        withContext("billing", continuing: headers, pipeline: recorder.pipeline) { _ in }
        let events = recorder.events
        #expect(events.map(\.id) == ["order 4711/ä", "order 4711/ä"])
        let traces = events.compactMap { $0.document["trace"]?.stringValue }
        // FNV-1a 128 of the UTF-8 bytes, computed apart from this code.
        #expect(
            traces == Array(repeating: TraceID(derivedFrom: Array("order 4711/ä".utf8)).description, count: 2)
        )
        #expect(headers["traceparent"]?.contains(traces[0]) == true)
        #expect(events[1].parent == events[0].span)
    }

    @Test func `the derived trace id is FNV-1a of 128 bits`() {
        // Test vectors of the FNV reference ("", "a", "foobar").
        #expect(TraceID(derivedFrom: []).description == "6c62272e07bb014262b821756295c58d")
        #expect(TraceID(derivedFrom: Array("a".utf8)).description == "d228cb696f1a8caf78912b704e4a8964")
        #expect(TraceID(derivedFrom: Array("foobar".utf8)).description == "343e1662793c64bf6f0d3597ba446f18")
    }

    @Test func `baggage and foreign tracestate pass through`() throws {
        let recorder = try TestRecorder()
        let incoming = [
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "tracestate": "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
            "baggage": "tenant=acme, note=a%20b%2Cc;meta=1, bad member",
        ]
        var outgoing: [String: String] = [:]
        recorder.bind {
            withContext("t", continuing: incoming) { context in
                #expect(context.baggage["tenant"] == "acme")
                #expect(context.baggage["note"] == "a b,c")
                withContext(".child") { $0.inject(into: &outgoing) }
            }
        }
        #expect(outgoing["tracestate"] == "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
        #expect(outgoing["baggage"] == "tenant=acme,note=a%20b%2Cc")
        #expect(recorder.pipeline.statistics.malformedHeaders == 1)
    }

    @Test func `requests carry their fields and join across the two sides`() throws {
        let recorder = try TestRecorder()
        recorder.bind {
            withContext("job") { _ in
                withClientRequest(method: "GET", url: "http://user:secret@127.0.0.1:81/search?q=x") {
                    client in
                    withRequest(
                        method: "GET", path: "/search?q=x",
                        headers: client.headers.merging(["User-Agent": "skein", "Cookie": "s=1"]) { old, _ in
                            old
                        }
                    ) { server in
                        server.status = 200
                        server.responseSize = 5
                    }
                    client.status = 200
                }
            }
        }
        let tree = try #require(recorder.tree("job"))
        #expect(tree.shape == "job(job.http(request))")
        let server = try #require(recorder.events("request").first)
        #expect(server["path"] == "/search")
        #expect(server["uri"] == "/search?q=x")
        #expect(server["headers.user_agent"] == "skein")
        #expect(server["headers.cookie"] == nil)
        #expect(server["response.status"] == .int64(200))
        let client = try #require(recorder.events("job.http").first)
        #expect(client["url"] == "http://127.0.0.1:81/search?q=x")
        #expect(client["peer"] == "127.0.0.1:81")
    }
}
