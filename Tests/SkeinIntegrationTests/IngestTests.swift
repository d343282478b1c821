import Foundation
import SkeinBSON
import SkeinPlatform
import Testing

extension IntegrationTests {
    /// `skein ingest` beside programs that write logs.
    @Suite struct Ingest {
        /// The bodies of the events of a type, as far as they are stored.
        private func bodies(_ daemon: Daemon, _ type: String) async throws -> [BSONDocument] {
            _ = try await daemon.ask("FLUSH")
            var bodies: [BSONDocument] = []
            for file in daemon.storedFiles(of: type) {
                var rest = try daemon.folder.bytes(of: "data/files/\(file)")[...]
                while let document = rest.withUnsafeBytes({ BSONView(prefixOf: $0)?.document() }) {
                    rest = rest.dropFirst(document.bytes.count)
                    bodies.append(try #require(document["body"]?.documentValue))
                }
            }
            return bodies
        }

        @Test(arguments: ["rename", "copytruncate"])
        func `each line of a log is one event, through rotation and kills`(mode: String) async throws {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            let folder = try TemporaryFolder()
            let log = folder.path + "/app.log"
            try folder.write([], to: "app.log")
            let arguments = [
                try Products.path(of: "skein"), "ingest", "-H", try "127.0.0.1:\(daemon.port("control"))",
                "-F", "log:" + log, "--from-start", "--spool", folder.path + "/spool", "--timeout", "20",
            ]
            var ingest = try RunningProgram(arguments)
            let script = Products.repository.appendingPathComponent("Tests/Python/rotate.py").path
            let writer = try RunningProgram([Products.python(), script, log, "6", mode])
            for _ in 0..<3 {
                try await Task.sleep(for: .milliseconds(.random(in: 900...1500)))
                ingest.signal(SIGKILL)
                #expect(try await ingest.end() == -SIGKILL)
                ingest = try RunningProgram(arguments)
            }
            #expect(try await writer.end() == 0, "\(writer.errors.text)")
            let count = try #require(writer.output.lines.first.flatMap { Int($0) })
            // The last line has no end yet, so that it is no line yet.
            let deadline = ContinuousClock.now + .seconds(30)
            var lines: [Int] = []
            while lines.count < count - 1, .now < deadline {
                lines = try await bodies(daemon, "log").compactMap {
                    $0["line"]?.stringValue.flatMap { Int($0) }
                }
            }
            ingest.signal(SIGTERM)
            #expect(try await ingest.end() == 0, "\(ingest.errors.text)")
            lines = try await bodies(daemon, "log").compactMap { $0["line"]?.stringValue.flatMap { Int($0) } }
            #expect(lines.sorted() == Array(0..<count - 1))
            try await daemon.finish()
        }

        @Test func `lines of a pipe become events with fields, and the exit code says what was wrong`()
            async throws
        {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            let skein = try Products.path(of: "skein")
            let control = try "127.0.0.1:\(daemon.port("control"))"
            let pattern = #"^(?<client>\S+) (?<zip>\d+) (?<response__status>\d+) (?<response__time>[\d.]+)"#
            let access = try RunningProgram(
                [
                    skein, "ingest", "-H", control, "--match", pattern, "--text", "zip", "--service", "web",
                    "access",
                ],
                input: "1.2.3.4 0070 200 1.5\r\nnonsense\nlocalhost 1 404 2")
            #expect(try await access.end() == 1)
            #expect(access.errors.text.contains("1 line not as --match or --json says"))
            #expect(
                try await bodies(daemon, "access") == [
                    ["client": "1.2.3.4", "zip": "0070", "response": ["status": .int64(200), "time": 1.5]],
                    ["line": "nonsense", "unmatched": true],
                    [
                        "client": "localhost", "zip": "1",
                        "response": ["status": .int64(404), "time": .int64(2)],
                    ],
                ])
            let json = try RunningProgram(
                [skein, "ingest", "-H", control, "--json", "json"],
                input: "{\"a\": {\"b\": [1, 2.5, \"c\"]}}\n  {}\n")
            #expect(try await json.end() == 0, "\(json.errors.text)")
            #expect(
                try await bodies(daemon, "json") == [
                    ["a": ["b": .array(.array([.int32(1), 2.5, "c"]))]], [:],
                ])
            let nobody = try RunningProgram(
                [skein, "ingest", "--endpoint", "deliver://127.0.0.1:1", "--timeout", "0.5"], input: "one\n")
            #expect(try await nobody.end() == 1)
            #expect(nobody.errors.text.contains("1 event not acknowledged"))
            // Kept for the next run.
            let folder = try TemporaryFolder()
            let first = try RunningProgram(
                [
                    skein, "ingest", "--endpoint", "deliver://127.0.0.1:1", "--timeout", "0.5", "--spool",
                    folder.path, "kept",
                ], input: "one\n")
            #expect(try await first.end() == 0, "\(first.errors.text)")
            let second = try RunningProgram(
                [skein, "ingest", "-H", control, "--spool", folder.path, "kept"], input: "two\n")
            #expect(try await second.end() == 0, "\(second.errors.text)")
            #expect(
                try await bodies(daemon, "kept").compactMap { $0["line"]?.stringValue }.sorted() == [
                    "one", "two",
                ])
            try await daemon.finish()
        }
    }
}
