import SkeinBSON
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
