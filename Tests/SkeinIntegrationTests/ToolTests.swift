import SkeinBSON
import SkeinPlatform
import Testing

extension IntegrationTests {
    /// The `skein` tool beside Python, over the same collector and the same files.
    @Suite struct Tool {
        @Test func `what the tool prints as JSON is what Python reads from the files`() async throws {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            let fixtures = [
                "event-values.bson-0.3.5", "event-values.bson-0.5.10", "event-int64-id.bson-0.3.5",
            ]
            try await PythonClient.run(["send", daemon.port("collect")] + fixtures.map(PythonClient.fixture))
            let length = try fixtures.reduce(0) { try $0 + PythonClient.fixtureBytes($1).count }
            _ = try await daemon.stored("request", bytes: length)
            try await daemon.finish()

            let skein = try Products.path(of: "skein")
            let view = try RunningProgram(
                [
                    skein, "view", "--json", "--log-path", daemon.folder.path + "/data/files", "--type-name",
                    "req*",
                ])
            #expect(try await view.end() == 0, "\(view.errors.text)")
            let printed = try await PythonClient.run(["parse"], input: view.output.text)
            let files = daemon.storedFiles(of: "request").map { "\(daemon.folder.path)/data/files/\($0)" }
            let stored = try await PythonClient.run(["decode"] + files)
            #expect(stored.count == 3)
            #expect(printed == stored)
        }

        @Test func `--where shows what Python chooses from the same events, stored and live`() async throws {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            let skein = try Products.path(of: "skein")
            let control = try "127.0.0.1:\(daemon.port("control"))"
            let condition =
                "(number in (3, 17) or response.size < 5) and text ~ \"K?se\" and elapsed > 200ms"
            let live = try RunningProgram(
                [
                    skein, "view", "-H", control, "--json", "--where",
                    "type = \"live\" and " + condition,
                ])
            let sent = try await PythonClient.run("events", daemon.port("collect"), "50", "request")
            let wanted = sent.filter { [3, 17].contains($0[path: "body.number"]?.intValue) }
            #expect(wanted.count == 2)
            _ = try await daemon.stored("request", bytes: sent.reduce(0) { $0 + $1.bytes.count })
            let view = try RunningProgram(
                [
                    skein, "view", "--json", "--log-path", daemon.folder.path + "/data/files", "--where",
                    condition,
                ])
            #expect(try await view.end() == 0, "\(view.errors.text)")
            #expect(try await PythonClient.run(["parse"], input: view.output.text) == wanted)

            // A subscription takes effect at some moment that its maker is not told.
            let deadline = ContinuousClock.now + .seconds(30)
            while live.output.text.isEmpty, .now < deadline {
                try await PythonClient.run("events", daemon.port("collect"), "20", "live")
            }
            // What a thread of the library starts that these tests run in cannot be interrupted.
            live.signal(SIGKILL)
            _ = try await live.end()
            let seen = try await PythonClient.run(["parse"], input: live.output.text)
            #expect(!seen.isEmpty)
            let isWanted = seen.allSatisfy { event in
                event["type"] == "live" && [3, 17].contains(event[path: "body.number"]?.intValue)
            }
            #expect(isWanted)
            try await daemon.finish()
        }

        @Test func `the tool's status is control's answer`() async throws {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            let control = try "127.0.0.1:\(daemon.port("control"))"
            let skein = try Products.path(of: "skein")
            let status = try RunningProgram([skein, "ctl", "-H", control, "status", "--json"])
            #expect(try await status.end() == 0, "\(status.errors.text)")
            let printed = try #require(try await PythonClient.run(["parse"], input: status.output.text).first)
            let asked = try await daemon.ask("STATUS")
            #expect(printed.keys == asked.keys)
            #expect(printed["id"] == asked["id"])
            #expect(printed["ports"] == asked["ports"])

            let shutdown = try RunningProgram([skein, "ctl", "-H", control, "shutdown"])
            #expect(try await shutdown.end() == 0)
            #expect(try await daemon.program.end() == 0)
            let late = try RunningProgram([skein, "ctl", "-H", control, "--timeout", "1", "status"])
            #expect(try await late.end() == 1)
        }
    }
}
