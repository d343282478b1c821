import Foundation
import SkeinHTTP
import SkeinPlatform
import Testing

/// Python's own HTTP server as the other side.
private final class PythonServer {
    let process = Process()
    let port: Int

    init(_ handler: String) throws {
        let script = """
            import http.server, sys, threading, os
            class Handler(http.server.BaseHTTPRequestHandler):
                protocol_version = 'HTTP/1.1'
                def log_message(self, *a): pass
                def handle_any(self):
                    length = int(self.headers.get('Content-Length') or 0)
                    body = self.rfile.read(length)
            \(handler.split(separator: "\n").map { "        " + $0 }.joined(separator: "\n"))
                do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = handle_any
                def answer(self, status, body=b'', **headers):
                    self.send_response(status)
                    for k, v in headers.items(): self.send_header(k.replace('_', '-'), v)
                    self.send_header('Content-Length', str(len(body)))
                    self.end_headers()
                    if self.command != 'HEAD': self.wfile.write(body)
            server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
            print(server.server_address[1], flush=True)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            sys.stdin.read()
            """
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script]
        let (output, input) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardInput = input
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    /// The end of its standard input ends it.
    deinit {
        try? (process.standardInput as? Pipe)?.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    var url: String { "http://127.0.0.1:\(port)" }
}

@Suite struct ClientTests {
    @Test func `Python gets what was sent, and its answer comes back`() throws {
        let python = try PythonServer(
            """
            text = f"{self.command} {self.path} {self.headers.get('X-Test')} {self.headers.get('Expect')} "
            self.answer(418, (text + body.decode()).encode(), X_Answer='héllo'.encode().decode('latin-1'))
            """)
        let client = HTTPClient()
        let answer = try client.send(
            "PUT", url: python.url + "/a/../b?q=" + PercentCoding.encode("x y"), headers: ["X-Test": "1"],
            body: Array("bödy".utf8))
        #expect(answer.status == 418)
        #expect(answer.text == "PUT /a/../b?q=x%20y 1 None bödy")
        #expect(answer.headers["x-answer"] == "héllo")
        for method in ["GET", "POST", "DELETE"] {
            #expect(try client.send(method, url: python.url + "/m").text == "\(method) /m None None ")
        }
        let head = try client.send("HEAD", url: python.url + "/m", body: [1])
        #expect(head.status == 418 && head.body.isEmpty)
        #expect(try client.send("POST", url: python.url + "/m", body: []).text == "POST /m None None ")
        // Over the size at which libcurl would ask for a 100 Continue first.
        let large = try client.send(
            "POST", url: python.url + "/m", body: .init(repeating: 0x78, count: 2 << 20))
        #expect(large.body.count == "POST /m None None ".utf8.count + 2 << 20)
    }

    @Test func `redirects are answers`() throws {
        let python = try PythonServer("self.answer(302, Location='/elsewhere')")
        let answer = try HTTPClient().send(url: python.url)
        #expect(answer.status == 302)
        #expect(answer.headers["location"] == "/elsewhere")
    }

    @Test func `a connection is used again`() throws {
        let python = try PythonServer("self.answer(200, str(self.client_address[1]).encode())")
        let client = HTTPClient()
        let ports = try (0..<5).map { _ in try client.send(url: python.url).text }
        #expect(Set(ports).count == 1)
        client.closeIdleConnections()
        #expect(try client.send(url: python.url).text != ports[0])
    }

    @Test func `an answer over the limit is refused, its headers' size as well`() throws {
        let python = try PythonServer("self.answer(200, b'x' * 5000, X_Long='y' * 3000)")
        var configuration = HTTPClient.Configuration()
        configuration.maximumBodyBytes = 4999
        #expect(throws: HTTPError.self) { try HTTPClient(configuration).send(url: python.url) }
        configuration.maximumBodyBytes = 5000
        #expect(try HTTPClient(configuration).send(url: python.url).body.count == 5000)
        configuration.maximumHeaderBytes = 1000
        let error = #expect(throws: HTTPError.self) { try HTTPClient(configuration).send(url: python.url) }
        #expect(error?.code == .tooLarge)
    }

    @Test func `the time limit holds`() throws {
        // Bound and listening, but nobody accepts: the system connects, and no answer comes.
        let silent = try ListeningSocket(host: "127.0.0.1", port: 0)
        defer { close(silent.descriptor) }
        let error = #expect(throws: HTTPError.self) {
            try HTTPClient().send(
                url: "http://127.0.0.1:\(silent.port)/secret?token=abc", time: .milliseconds(100))
        }
        #expect(error?.code == .timedOut)
        #expect(error?.message.contains("http://127.0.0.1:\(silent.port)/secret") == true)
        #expect(error?.message.contains("token") == false)
    }

    @Test func `nobody there is told as such`() throws {
        let socket = try ListeningSocket(host: "127.0.0.1", port: 0)
        close(socket.descriptor)
        let error = #expect(throws: HTTPError.self) {
            try HTTPClient().send(url: "http://user:pass@127.0.0.1:\(socket.port)/x")
        }
        #expect(error?.code == .cannotConnect)
        #expect(error?.message.contains("pass") == false)
    }

    @Test func `what is no HTTP is told as such`() throws {
        let socket = try ListeningSocket(host: "127.0.0.1", port: 0)
        let thread = try SystemThread(name: "garbage") {
            var item = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
            poll(&item, 1, 10_000)
            let peer = accept(socket.descriptor, nil, nil)
            var bytes = Array("\0\u{1}garbage\r\n\r\n".utf8)
            _ = send(peer, &bytes, bytes.count, RawPeer.noSignal)
            close(peer)
        }
        let error = #expect(throws: HTTPError.self) {
            try HTTPClient().send(url: "http://127.0.0.1:\(socket.port)/")
        }
        #expect(error?.code == .badAnswer)
        thread.join()
        close(socket.descriptor)
    }

    @Test(arguments: [
        "file:///etc/hostname", "gopher://127.0.0.1/", "http://", "", "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX: y",
    ])
    func `only addresses of HTTP are taken`(url: String) {
        let error = #expect(throws: HTTPError.self) { try HTTPClient().send(url: url) }
        #expect(error?.code == .badRequest)
    }

    @Test func `headers and methods cannot smuggle`() {
        #expect(throws: HTTPError.self) { try HTTPClient().send("GET /x", url: "http://127.0.0.1:1/") }
        #expect(throws: HTTPError.self) {
            try HTTPClient().send(url: "http://127.0.0.1:1/", headers: ["A": "b\r\nC: d"])
        }
    }

    @Test func `many threads share one client and one server`() throws {
        let server = try HTTPServer { request in .text("<\(request.query["n"] ?? "")>") }
        let client = HTTPClient()
        let url = server.url
        let right = Monitor(0)
        for index in 0..<8 {
            try SystemThread(name: "client-\(index)") {
                for round in 0..<100 {
                    let answer = try? client.send(url: "\(url)/?n=\(index)-\(round)")
                    if answer?.text == "<\(index)-\(round)>" { right.update { $0 += 1 } }
                }
            }.detach()
        }
        let end = SystemClock.monotonicNanoseconds() + 60_000_000_000
        #expect(right.wait(until: end) { $0 == 800 ? () : nil } != nil)
        #expect(server.statistics.requests == 800)
    }
}
