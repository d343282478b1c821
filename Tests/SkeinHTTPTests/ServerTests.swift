import Foundation
import SkeinHTTP
import SkeinPlatform
import Testing

/// Answers with what it was asked, as text lines.
private func mirror(_ request: HTTPRequest) -> HTTPResponse {
    var lines = ["\(request.method) \(request.segments)", "from \(request.remoteAddress)"]
    lines += request.query.map { "query \($0.name)=\($0.value)" }
    lines += request.headers.values(of: "X-Test").map { "header \($0)" }
    lines.append("body \(request.body.count) \(String(decoding: request.body.prefix(40), as: UTF8.self))")
    var response = HTTPResponse.text(lines.joined(separator: "\n") + "\n")
    response.headers["X-Answer"] = "yes"
    return response
}

private func limits(_ change: (inout HTTPServer.Limits) -> Void) -> HTTPServer.Configuration {
    var configuration = HTTPServer.Configuration()
    change(&configuration.limits)
    return configuration
}

@Suite struct ServerTests {
    @Test func `curl gets what the handler answers`() throws {
        let server = try HTTPServer(handler: mirror)
        let outcome = try OutsideProgram.run([
            "curl", "-sS", "-i", "--noproxy", "*", "-H", "X-Test: one", "-H", "X-Test: two", "--data-binary",
            "hello",
            server.url + "/a%2Fb/c?q=tls+1.3&q=%26",
        ])
        #expect(outcome.errors == "")
        #expect(outcome.output.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(outcome.output.contains("X-Answer: yes\r\n"))
        #expect(
            outcome.output.hasSuffix(
                """
                POST ["a/b", "c"]
                from 127.0.0.1
                query q=tls 1.3
                query q=&
                header one
                header two
                body 5 hello

                """))
        #expect(server.statistics.requests == 1)
        #expect(server.statistics.refused == 0)
    }

    @Test func `a chunked body arrives whole`() throws {
        let server = try HTTPServer(handler: mirror)
        let outcome = try OutsideProgram.run(
            [
                "curl", "-sS", "--noproxy", "*", "-H", "Transfer-Encoding: chunked", "--data-binary", "@-",
                server.url + "/",
            ], input: Array(repeating: UInt8(ascii: "x"), count: 300_000))
        #expect(outcome.output.contains("body 300000 xxxx"))
    }

    @Test func `HEAD is answered without a body but with its length`() throws {
        let server = try HTTPServer { _ in .text("12345") }
        let outcome = try OutsideProgram.run(["curl", "-sS", "-I", "--noproxy", "*", server.url + "/"])
        #expect(outcome.output.contains("Content-Length: 5\r\n"))
        #expect(!outcome.output.contains("12345"))
    }

    @Test func `several requests share a connection, also when sent ahead`() throws {
        let server = try HTTPServer { request in .text("<\(request.path)>") }
        let peer = try RawPeer(port: server.port)
        let request = { (path: String) in "GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n" }
        peer.send(request("/1") + request("/2") + request("/3"))
        let answer = peer.read(until: "</3>")
        #expect(answer.split(separator: "HTTP/1.1 200").count == 3)
        #expect(answer.contains("</1>") && answer.contains("</2>"))
    }

    @Test(arguments: [
        "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "GET /?q=%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func `a malformed request is answered 400 and never reaches the handler`(bytes: String) throws {
        let server = try HTTPServer { _ in .text("reached") }
        let peer = try RawPeer(port: server.port)
        peer.send(bytes)
        peer.finish()
        let answer = peer.read()
        #expect(answer.hasPrefix("HTTP/1.1 400"))
        #expect(!answer.contains("reached"))
        #expect(try OutsideProgram.run(["curl", "-sS", "--noproxy", "*", server.url]).output == "reached")
    }

    @Test func `a transfer coding that is not understood is refused`() throws {
        let server = try HTTPServer { _ in .text("reached") }
        let peer = try RawPeer(port: server.port)
        peer.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")
        peer.finish()
        #expect(peer.read().hasPrefix("HTTP/1.1 501"))
    }

    @Test func `garbage costs a connection and nothing else`() throws {
        let server = try HTTPServer { _ in .text("alive") }
        var generator = SystemRandomNumberGenerator()
        for round in 0..<60 {
            let peer = try RawPeer(port: server.port)
            let noise = (0..<Int.random(in: 1...2000, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            // Half of them begin as a request, so that the noise reaches the parser's later states.
            peer.send(round % 2 == 0 ? noise : Array("POST /a?b HTTP/1.1\r\nHost: x\r\nA: ".utf8) + noise)
            peer.finish()
            _ = peer.read()
        }
        #expect(try OutsideProgram.run(["curl", "-sS", "--noproxy", "*", server.url]).output == "alive")
        server.stop()
    }

    @Test func `a body over the limit is refused before it is read, and also when its length is not told`()
        throws
    {
        let server = try HTTPServer(limits { $0.bodyBytes = 1000 }, handler: mirror)
        let declared = try RawPeer(port: server.port)
        declared.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n")
        #expect(declared.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 413"))

        let chunked = try RawPeer(port: server.port)
        let chunk = "1f4\r\n" + String(repeating: "x", count: 500) + "\r\n"
        chunked.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunked.send(chunk + chunk + chunk + "0\r\n\r\n")
        #expect(chunked.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 413"))

        // One that never ends is hung up on: it cannot send for ever.
        let endless = try RawPeer(port: server.port)
        endless.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        var sent = 0
        while sent < 64 << 20, endless.send(String(repeating: chunk, count: 100)) { sent += 50_000 }
        #expect(sent < 64 << 20)

        let exact = try RawPeer(port: server.port)
        exact.send(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + String(repeating: "y", count: 1000)
        )
        #expect(exact.read(until: "body 1000").contains("body 1000 yyyy"))
    }

    @Test func `headers over the limit are refused`() throws {
        let server = try HTTPServer(limits { $0.headerBytes = 8 << 10 }, handler: mirror)
        let peer = try RawPeer(port: server.port)
        peer.send(
            "GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + String(repeating: "x", count: 20_000) + "\r\n\r\n")
        let status = peer.read(until: "\r\n\r\n").prefix(12)
        #expect(["HTTP/1.1 431", "HTTP/1.1 413", "HTTP/1.1 414"].contains(String(status)))
    }

    @Test func `a peer that sends a byte now and then is cut off`() throws {
        let server = try HTTPServer(
            limits {
                $0.idleTime = .seconds(1)
                $0.receiveTime = .milliseconds(500)
            }, handler: mirror)
        let peer = try RawPeer(port: server.port)
        let began = ContinuousClock.now
        peer.send("GET / HTTP/1.1\r\nHost: x\r\nX: ")
        let pulse = Monitor(())
        while peer.send("a"), ContinuousClock.now - began < .seconds(15) {
            // Sends every 100 ms, so that the connection is never silent.
            _ = pulse.wait(until: SystemClock.monotonicNanoseconds() + 100_000_000) { _ in Bool?.none }
        }
        let took = ContinuousClock.now - began
        #expect(took > .milliseconds(1400) && took < .seconds(10))
        #expect(server.statistics.cut == 1)
    }

    @Test func `a peer that does not read its answer is cut off`() throws {
        let server = try HTTPServer(
            limits {
                $0.sendTime = .milliseconds(500)
            }
        ) { _ in HTTPResponse(body: [UInt8](repeating: 0, count: 32 << 20)) }
        let peer = try RawPeer(port: server.port)
        peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        let end = SystemClock.monotonicNanoseconds() + 15_000_000_000
        let pulse = Monitor(())
        while server.statistics.cut == 0, SystemClock.monotonicNanoseconds() < end {
            _ = pulse.wait(until: SystemClock.monotonicNanoseconds() + 20_000_000) { _ in Bool?.none }
        }
        #expect(server.statistics.cut == 1)
    }

    @Test func `a slow handler does not hold up the others, and is answered for when its time is over`()
        throws
    {
        let gate = Monitor(false)
        var configuration = limits { $0.handleTime = .milliseconds(300) }
        configuration.workers = 2
        let server = try HTTPServer(configuration) { request in
            guard request.segments == ["slow"] else { return .text("fast") }
            _ = gate.wait(until: SystemClock.monotonicNanoseconds() + 20_000_000_000) { $0 ? () : nil }
            return .text("slow")
        }
        let slow = try RawPeer(port: server.port)
        slow.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        let fast = try RawPeer(port: server.port)
        fast.send("GET /fast HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(fast.read(until: "fast").contains("HTTP/1.1 200"))
        #expect(slow.read(until: "too long").hasPrefix("HTTP/1.1 503"))
        #expect(server.statistics.overdue == 1)
        gate.update { $0 = true }
        // Its late answer went nowhere, and the connection is usable.
        slow.send("GET /fast HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(slow.read(until: "fast").contains("HTTP/1.1 200"))
    }

    @Test func `what does not fit into the queue is answered 503 at once`() throws {
        let gate = Monitor((entered: 0, isOpen: false))
        var configuration = limits { $0.queuedRequests = 1 }
        configuration.workers = 1
        let server = try HTTPServer(configuration) { _ in
            gate.update { $0.entered += 1 }
            _ = gate.wait(until: SystemClock.monotonicNanoseconds() + 20_000_000_000) { $0.isOpen ? () : nil }
            return .text("done")
        }
        let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        let first = try RawPeer(port: server.port)
        first.send(request)
        let busy: Void? = gate.wait(until: SystemClock.monotonicNanoseconds() + 10_000_000_000) {
            $0.entered == 1 ? () : nil
        }
        #expect(busy != nil)
        // One of these two waits in the queue, the other is refused.
        let (second, third) = (try RawPeer(port: server.port), try RawPeer(port: server.port))
        second.send(request)
        third.send(request)
        let end = SystemClock.monotonicNanoseconds() + 10_000_000_000
        while server.statistics.unavailable == 0, SystemClock.monotonicNanoseconds() < end { sched_yield() }
        gate.update { $0.isOpen = true }
        let answers = [second, third].map { $0.read(until: "\r\n\r\n").prefix(12) }.sorted()
        #expect(answers == ["HTTP/1.1 200", "HTTP/1.1 503"])
        #expect(first.read(until: "done").contains("200 OK"))
    }

    @Test func `a handler cannot send a header with a line break, nor an impossible status`() throws {
        let server = try HTTPServer { request in
            request.segments == ["status"]
                ? HTTPResponse(status: 7) : HTTPResponse(headers: ["Location": "/a\r\nSet-Cookie: b"])
        }
        for path in ["/status", "/header"] {
            let outcome = try OutsideProgram.run(["curl", "-sS", "-i", "--noproxy", "*", server.url + path])
            #expect(outcome.output.hasPrefix("HTTP/1.1 500"))
            #expect(!outcome.output.contains("Set-Cookie"))
        }
    }

    @Test func `stop lets a request end that has begun, and refuses new ones`() throws {
        let gate = Monitor((entered: false, isOpen: false))
        let server = try HTTPServer { _ in
            gate.update { $0.entered = true }
            _ = gate.wait(until: SystemClock.monotonicNanoseconds() + 20_000_000_000) { $0.isOpen ? () : nil }
            return .text("finished")
        }
        let peer = try RawPeer(port: server.port)
        peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(
            gate.wait(until: SystemClock.monotonicNanoseconds() + 10_000_000_000) { $0.entered ? () : nil }
                != nil)
        let stopped = Monitor(false)
        let port = server.port
        let thread = try SystemThread(name: "stopper") {
            server.stop(drain: .seconds(10))
            stopped.update { $0 = true }
        }
        // The listener goes first.
        let end = SystemClock.monotonicNanoseconds() + 10_000_000_000
        var isRefused = false
        while !isRefused, SystemClock.monotonicNanoseconds() < end {
            do { _ = try RawPeer(port: port) } catch { isRefused = true }
        }
        #expect(isRefused)
        #expect(stopped.withLock { $0 } == false)
        gate.update { $0.isOpen = true }
        let answer = peer.read()
        #expect(answer.contains("finished"))
        #expect(answer.contains("Connection: close"))
        thread.join()
        server.stop()
    }

    @Test func `stop does not wait for a handler that never returns`() throws {
        let gate = Monitor((entered: false, isOpen: false))
        let server = try HTTPServer { _ in
            gate.update { $0.entered = true }
            _ = gate.wait(until: SystemClock.monotonicNanoseconds() + 20_000_000_000) { $0.isOpen ? () : nil }
            return .text("never seen")
        }
        let peer = try RawPeer(port: server.port)
        peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(
            gate.wait(until: SystemClock.monotonicNanoseconds() + 10_000_000_000) { $0.entered ? () : nil }
                != nil)
        let began = ContinuousClock.now
        server.stop(drain: .milliseconds(100))
        #expect(ContinuousClock.now - began < .seconds(5))
        #expect(peer.read().hasPrefix("HTTP/1.1 503"))
        gate.update { $0.isOpen = true }
    }

    @Test func `a server can be stopped under load, again and again`() throws {
        for _ in 0..<5 {
            let server = try HTTPServer { _ in .text("x") }
            let url = server.url
            let threads = try (0..<3).map { index in
                try SystemThread(name: "load-\(index)") {
                    let client = HTTPClient()
                    while (try? client.send(url: url))?.status == 200 {}
                }
            }
            let end = SystemClock.monotonicNanoseconds() + 10_000_000_000
            while server.statistics.requests < 200, SystemClock.monotonicNanoseconds() < end { sched_yield() }
            server.stop(drain: .zero)
            for thread in threads { thread.join() }
        }
    }

    @Test func `a taken port is told with its reason`() throws {
        let server = try HTTPServer(handler: mirror)
        let error = #expect(throws: HTTPError.self) {
            _ = try HTTPServer(.init(port: server.port), handler: mirror)
        }
        #expect(error?.code == .cannotListen)
        #expect(error?.message.contains("127.0.0.1:\(server.port)") == true)
        #expect(error?.message.contains("EADDRINUSE") == true)
        #expect(throws: HTTPError.self) { _ = try HTTPServer(.init(host: "192.0.2.1"), handler: mirror) }
        #expect(throws: HTTPError.self) { _ = try HTTPServer(.init(host: "no such host."), handler: mirror) }
    }

    @Test func `a port is free again as soon as its server is gone`() throws {
        var port: UInt16 = 0
        do {
            let server = try HTTPServer(handler: mirror)
            port = server.port
            _ = try HTTPClient().send(url: server.url)
        }
        let again = try HTTPServer(.init(port: port), handler: mirror)
        #expect(again.port == port)
    }

    @Test func `IPv6 loopback works where the machine has it`() throws {
        guard let server = try? HTTPServer(.init(host: "::1"), handler: mirror) else { return }
        #expect(try HTTPClient().send(url: server.url + "/x").text.contains("from ::1"))
    }
}
