import Testing

@testable import SkeinHTTP

@Suite struct RequestTests {
    private func request(_ target: String) throws -> HTTPRequest {
        try HTTPRequest(method: "GET", target: target, headers: [:], body: [], remoteAddress: "")
    }

    @Test func `a target is split before it is decoded`() throws {
        let parsed = try request("/package/a%2Fb//lib%C3%A9/?q=tls+1.3%2B&tag=a&tag=b%26c&flag&&=x")
        #expect(parsed.segments == ["package", "a/b", "libé"])
        #expect(parsed.path == "/package/a/b/libé")
        #expect(parsed.query["q"] == "tls 1.3+")
        #expect(parsed.query.values(of: "tag") == ["a", "b&c"])
        #expect(parsed.query["flag"] == "")
        #expect(parsed.query[""] == "x")
        #expect(parsed.query["absent"] == nil)
        #expect(parsed.query.map(\.name) == ["q", "tag", "tag", "flag", ""])
    }

    @Test(arguments: [
        ("/", []), ("", []), ("/a/../b", ["a", "..", "b"]), ("/%2E%2E/x", ["..", "x"]), ("*", ["*"]),
        ("http://host:80/a?q=1", ["a"]), ("http://host", []), ("https://user@host/a/b", ["a", "b"]),
        ("/a+b", ["a+b"]), ("/\u{301}x", ["\u{301}x"]),
    ])
    func `segments are what stands between the slashes`(target: String, segments: [String]) throws {
        #expect(try request(target).segments == segments)
    }

    @Test(arguments: [
        "/%", "/%4", "/%zz", "/%00", "/%ff", "/%c3", "/a b", "/a#b", "/a?q=%zz", "/a?%00=1", "/a\tb",
        "relative",
        "ftp://host/", "/%+1",
    ])
    func `a malformed target is refused`(target: String) {
        #expect(throws: HTTPRequest.Malformed.self) { try request(target) }
    }

    @Test func `percent-encoding is undone by decoding, for every character`() {
        let texts = [
            "", "a b/c?d=e&f#g%h+i", "é\u{301}🧶", String((1..<128).map { Character(Unicode.Scalar($0)) }),
        ]
        for text in texts {
            let encoded = PercentCoding.encode(text)
            #expect(PercentCoding.decode(encoded) == text)
            #expect(PercentCoding.decode(encoded, plusIsSpace: true) == text)
            #expect(encoded.utf8.allSatisfy { $0 < 0x80 })
        }
    }

    @Test func `percent-encoding is Python's`() throws {
        let text = "lib++/é 🧶~_.-!*'()"
        let script = "import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1], safe=''), end='')"
        let outcome = try OutsideProgram.python(script, text)
        #expect(outcome.output == PercentCoding.encode(text))
    }

    @Test func `header names compare without regard to case`() {
        var headers: HTTPHeaders = ["Accept": "a", "accept": "b"]
        #expect(headers["ACCEPT"] == "a")
        #expect(headers.values(of: "aCCept") == ["a", "b"])
        headers["aCCEPT"] = "c"
        #expect(headers.map(\.value) == ["c"])
        headers["accept"] = nil
        #expect(headers.isEmpty)
        // Only ASCII letters fold: the Kelvin sign is no k.
        headers.append("k", "1")
        #expect(headers["\u{212A}"] == nil)
    }

    @Test func `a header that would smuggle another one is found`() {
        #expect((["A": "b\r\nC: d"] as HTTPHeaders).firstForbidden == "A")
        #expect((["A\r\nB": "c"] as HTTPHeaders).firstForbidden != nil)
        #expect((["": "c"] as HTTPHeaders).firstForbidden != nil)
        #expect((["A": "b\0"] as HTTPHeaders).firstForbidden != nil)
        #expect((["A-b_1": "ü\t;"] as HTTPHeaders).firstForbidden == nil)
    }
}
