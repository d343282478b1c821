import Foundation
import SkeinArchive
import SkeinBSON
import SkeinPlatform
import Testing

@testable import SkeinTool

@Suite struct ViewTests {
    private let events = [
        event("request.sql", at: 0.01, span: "b", parent: "a", body: ["query": "SELECT 1", "row_count": 3]),
        event(
            "request", for: 0.152, span: "a", service: "shop",
            body: ["path": "/x y", "response": ["status": 500]]),
        event(
            "request.log", span: "c", parent: "a", level: 40,
            body: ["name": "shop", "level": "ERROR", "msg": "no\nmore"]),
    ]

    @Test func `a line tells time, type, duration, fields and origin`() throws {
        let file = try TestFolder().write("f", events)
        let folder = try TestFolder()
        let path = try folder.write("f", events)
        _ = file
        let outcome = skein("view", path)
        #expect(outcome.code == 0 && outcome.errors.isEmpty)
        #expect(
            outcome.lines == [
                "2026-11-20 15:27:43.020Z request.sql     10 ms  query=\"SELECT 1\" row_count=3"
                    + " id=6b0067af9c1d7e2243b0a1f25dd0e1c3 a.example[7]",
                "2026-11-20 15:27:43.152Z request        152 ms  shop path=\"/x y\" response.status=500"
                    + " id=6b0067af9c1d7e2243b0a1f25dd0e1c3 a.example[7]",
                "2026-11-20 15:27:43.010Z request.log  ERROR     shop: no\\nmore"
                    + " id=6b0067af9c1d7e2243b0a1f25dd0e1c3 a.example[7]",
                "",
            ])
    }

    @Test func `JSON is what Python makes of the same BSON`() throws {
        let folder = try TestFolder()
        var odd = events
        odd.append([
            "type": "odd", "end": .double(1.5), "id": .int32(7),
            "body": [
                "when": .datetime(1_795_188_463_229),
                "bin": .binary(BSONBinary(subtype: 0, bytes: [1, 2, 255])),
                "big": .int64(.max), "esc": "\u{1B}\u{7F}\u{9B}\u{202E}\u{0}\"\\/🧶", "nan": .double(.nan),
                "re": .regex(pattern: "a", options: "i"),
            ],
        ])
        let path = try folder.write("f", odd)
        let outcome = skein("view", "--json", path)
        #expect(outcome.code == 0)
        #expect(!outcome.bytes.contains { $0 < 0x20 && $0 != 0x0A || $0 == 0x7F })
        // Whatever Python's two readers give must be equal, NaN apart (never equal to itself): compared as text.
        let script = """
            import bson, sys, bson.json_util as j
            stored = bson.decode_all(open(sys.argv[1], "rb").read())
            shown = [j.loads(line) for line in sys.stdin.read().split("\\n") if line]
            options = j.JSONOptions(json_mode=j.JSONMode.RELAXED, tz_aware=True)
            key = lambda d: j.dumps(j.loads(j.dumps(d, json_options=options)), sort_keys=True, json_options=options)
            assert len(stored) == len(shown) == 4
            for a, b in zip(stored, shown): assert key(a) == key(b), (key(a), key(b))
            print("same")
            """
        #expect(try Python.run(script, path, input: outcome.bytes) == "same\n")
        #expect(skein("view", "--json", "-p", path).lines.first == "{")
    }

    @Test func `chosen fields come as columns, found in the envelope or the body`() throws {
        let folder = try TestFolder()
        let path = try folder.write("f", events + [event("x", body: ["path": "tab\there\\"])])
        let outcome = skein(
            "view", "--fields", "type,path,response.status,body.row_count,duration,none", path)
        #expect(
            outcome.lines == [
                "request.sql\t\t\t3\t0.01\t", "request\t/x y\t500\t\t0.152\t", "request.log\t\t\t\t0.01\t",
                "x\ttab\\there\\\\\t\t\t0.01\t", "",
            ])
    }

    @Test func `pretty shows every key`() throws {
        let folder = try TestFolder()
        let outcome = skein("view", "-p", "-n", "request", try folder.write("f", events))
        #expect(outcome.lines.first == "request  2026-11-20 15:27:43.152Z  152 ms")
        #expect(outcome.lines.contains("    response") && outcome.lines.contains("      status      500"))
    }

    @Test(arguments: [
        (["-n", "request"], 1), (["-n", "request*"], 3), (["-n", "*.sql", "-n", "*.log"], 2),
        (["-n", "none"], 0),
        (["--start-date", "20261120"], 3), (["--end-date", "20261119"], 0),
        (["--end-date", "20261120 15:27"], 3),
        (["--start-date", "20261120 15:28"], 0),
    ])
    func `types and dates choose, and finding nothing is exit code 1`(arguments: [String], count: Int) throws
    {
        let folder = try TestFolder()
        let path = try folder.write("request.261120.bson", events)
        let outcome = run(["view", "--json"] + arguments + [path])
        #expect(outcome.lines.count - 1 == count)
        #expect(outcome.code == (count == 0 ? 1 : 0))
    }

    @Test func `standard input is read when it is no terminal, compressed or not`() throws {
        let folder = try TestFolder()
        try folder.write("20261101/request-20261101.bson", events)
        let plain = try folder.bytes("20261101/request-20261101.bson")
        #expect(skein("archive", "zip", "-l", folder.path).code == 0)
        let path = try folder.write(
            "both", plain + folder.bytes("20261101/request-20261101.bson.zst"))
        for arguments in [["view", "--json"], ["view", "--json", "-"]] {
            let input = open(path, O_RDONLY)
            defer { close(input) }
            #expect(run(arguments) { $0.input = input }.lines.count == 7)
        }
    }

    @Test func `a pipe is shown as it comes`() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let input = ends[0]
        defer { close(input) }
        let tool = try RunningTool(["view", "--fields", "type"]) { $0.input = input }
        for (number, document) in events.enumerated() {
            #expect(
                document.bytes.withUnsafeBytes { write(ends[1], $0.baseAddress, $0.count) }
                    == document.bytes.count)
            let output = tool.output { $0.split(separator: "\n").count == number + 1 }
            #expect(output.split(separator: "\n").count == number + 1)
        }
        close(ends[1])
        #expect(tool.code() == 0)
    }

    @Test func `what is damaged is reported, the rest is shown, and the exit code is 1`() throws {
        let folder = try TestFolder()
        let bytes = events[0].bytes + [1, 2, 3, 4, 5, 6, 7] + events[1].bytes + events[2].bytes.prefix(50)
        let path = try folder.write("f", bytes)
        let outcome = skein("view", "--fields", "type", path)
        #expect(outcome.lines == ["request.sql", "request", ""])
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("7 bytes at offset \(events[0].bytes.count)"))
        #expect(outcome.errors.contains("torn at offset"))
    }

    @Test func `a file that is not there is named, and the others are shown`() throws {
        let folder = try TestFolder()
        let path = try folder.write("f", events)
        let outcome = skein("view", "--fields", "type", folder.path + "/none", path)
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("/none: ENOENT"))
        #expect(outcome.lines.count == 4)
        #expect(skein("view", "-l", folder.path + "/none").errors.contains("/none: ENOENT"))
    }

    @Test func `hostile events change nothing but their own line`() throws {
        let folder = try TestFolder()
        let evil = "\u{1B}]0;owned\u{7}\u{1B}[2J\r\n\u{9B}31m"
        let document: BSONDocument = [
            "id": .string(evil), "type": .string("t"), "host": .string(evil), "start": .double(.nan),
            "end": .double(.infinity),
            "body": [evil: .string(evil), "deep": [evil: [evil: .string(evil)]]], "service": .string(evil),
            "error": ["type": .string(evil), "message": .string(evil)], "span": .string(evil),
            "parent": .string(evil),
        ]
        let path = try folder.write("f", [document])
        for arguments in [[], ["-p"], ["--json"], ["--tree"], ["--group"], ["--fields", "id,body,service"]] {
            for isTerminal in [false, true] {
                let outcome = run(["view"] + arguments + [path]) {
                    $0.outputIsTerminal = isTerminal
                    $0.environment = ["NO_COLOR": "1"]
                }
                #expect(!outcome.bytes.contains { $0 < 0x20 && $0 != 0x0A && $0 != 0x09 || $0 == 0x7F })
                #expect(!outcome.output.unicodeScalars.contains { (0x80...0x9F).contains($0.value) })
            }
        }
    }

    @Test func `a body that the stream left out is said to be`() throws {
        let folder = try TestFolder()
        var large = event("large", span: "a")
        large["truncated"] = true
        let path = try folder.write("f", [large])
        #expect(skein("view", path).output.contains("too large for the live stream"))
        #expect(skein("view", "--tree", path).output.contains("too large for the live stream"))
    }

    @Test func `colour is for terminals, and NO_COLOR, --no-color and dumb terminals have none`() throws {
        let folder = try TestFolder()
        let path = try folder.write("f", events)
        func isColored(_ arguments: [String], _ environment: [String: String], terminal: Bool) -> Bool {
            run(["view", path] + arguments) {
                $0.outputIsTerminal = terminal
                $0.environment = environment
            }.output.contains("\u{1B}[")
        }
        #expect(isColored([], [:], terminal: true))
        #expect(isColored([], ["NO_COLOR": ""], terminal: true))
        #expect(!isColored([], [:], terminal: false))
        #expect(!isColored([], ["NO_COLOR": "1"], terminal: true))
        #expect(!isColored(["--no-color"], [:], terminal: true))
        #expect(!isColored([], ["TERM": "dumb"], terminal: true))
    }

    @Test func `on a terminal no line is wider than it`() throws {
        let folder = try TestFolder()
        let path = try folder.write(
            "f",
            events + [
                event(
                    "日本語", span: "z", parent: "b", body: ["text": .string(String(repeating: "語", count: 300))]
                )
            ])
        for width in [20, 37, 80, 200] {
            for arguments in [[], ["--tree"]] {
                let outcome = run(["view", path] + arguments) {
                    $0.outputIsTerminal = true
                    $0.width = width
                    $0.environment = ["NO_COLOR": "1"]
                }
                for line in outcome.lines { #expect(TextWidth.of(line) <= width, "\(line)") }
            }
        }
    }

    @Test func `who closes the pipe early ends it quietly`() throws {
        Interrupt.ignoreBrokenPipes()
        let folder = try TestFolder()
        let path = try folder.write("f", (0..<2000).map { event("t\($0)") })
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        close(ends[0])
        defer { close(ends[1]) }
        let errors = OutputSink()
        #expect(
            Tool.run(["view", path], Console(output: OutputSink(descriptor: ends[1]), errors: errors)) == 0)
        #expect(errors.text.isEmpty)
    }

    @Test func `output that cannot be written is an error`() throws {
        let folder = try TestFolder()
        let path = try folder.write("f", events)
        let full = open("/dev/full", O_WRONLY)
        try #require(full >= 0)
        defer { close(full) }
        let errors = OutputSink()
        #expect(Tool.run(["view", path], Console(output: OutputSink(descriptor: full), errors: errors)) == 1)
        #expect(errors.text.contains("ENOSPC"))
    }

    @Test func `a growing file is followed, through truncation and replacement`() throws {
        let folder = try TestFolder()
        let path = try folder.write("f", [events[0]])
        let tool = try RunningTool(["view", "-f", "--fields", "type", path])
        func lines(_ count: Int) -> [Substring] {
            tool.output { $0.split(separator: "\n").count >= count }.split(separator: "\n")
        }
        #expect(lines(1) == ["request.sql"])
        try folder.append("f", [events[1]])
        #expect(lines(2) == ["request.sql", "request"])
        // Replaced by another file under its name.
        try folder.write("g", [event("new")])
        #expect(rename(folder.path + "/g", path) == 0)
        #expect(lines(3).last == "new")
        // Cut short and written anew.
        #expect(truncate(path, 0) == 0)
        _ = tool.errors { $0.contains("cut short") }
        try folder.append("f", [event("again")])
        #expect(lines(4).last == "again")
        #expect(tool.stop() == 0)
    }

    @Test func `following a log path finds the files that come`() throws {
        let folder = try TestFolder()
        try folder.write("20261120/request-20261120.bson", [event("request")])
        let tool = try RunningTool(["view", "-f", "-l", folder.path, "-n", "request*", "--fields", "type"])
        #expect(tool.output { $0 == "request\n" } == "request\n")
        try folder.write("20261121/request.sql-20261121.bson", [event("request.sql")])
        try folder.write("20261121/other-20261121.bson", [event("other")])
        #expect(tool.output { $0.contains("sql") } == "request\nrequest.sql\n")
        #expect(tool.stop() == 0)
    }
}
