import Foundation
import SkeinBSON
import Testing

extension IntegrationTests {
    /// The collect port, files, control and stream, as a program in Python meets them.
    @Suite struct Collect {
        @Test func `what old Ziggy clients send stands in the day's file byte for byte`() async throws {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            let fixtures = [
                "event.bson-0.3.5", "event.bson-0.5.10", "event-values.bson-0.3.5",
                "event-values.bson-0.5.10",
                "event-int32-id.bson-0.3.5", "event-int64-id.bson-0.3.5", "event-uint64.bson-0.5.10",
            ]
            try await PythonClient.run(["send", daemon.port("collect")] + fixtures.map(PythonClient.fixture))
            try await PythonClient.run(
                "send", daemon.port("collect"), PythonClient.fixture("event-child.bson-0.3.5"))

            let sent = try fixtures.flatMap(PythonClient.fixtureBytes)
            let child = try PythonClient.fixtureBytes("event-child.bson-0.3.5")
            #expect(try await daemon.stored("request", bytes: sent.count) == sent)
            #expect(try await daemon.stored("request.sql", bytes: child.count) == child)
            try await daemon.finish()
        }

        @Test func `Python reads from the files what it sent`() async throws {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            let sent = try await PythonClient.run("events", daemon.port("collect"), "500", "job")
            #expect(sent.count == 500)
            _ = try await daemon.stored("job", bytes: sent.reduce(0) { $0 + $1.bytes.count })
            try await daemon.finish()

            let files = daemon.storedFiles(of: "job").map { "\(daemon.folder.path)/data/files/\($0)" }
            #expect(try await PythonClient.run(["decode"] + files) == sent)
        }

        @Test(arguments: ["bson-0.3.5", "bson-0.5.10"])
        func `control answers old clients in Ziggy's form`(release: String) async throws {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            let before = try await daemon.ask("STATUS")
            #expect(before["last"] == .null)
            #expect(before["lag"] == .null)

            let sent = try await PythonClient.run("events", daemon.port("collect"), "3", "job")
            _ = try await daemon.stored("job", bytes: sent.reduce(0) { $0 + $1.bytes.count })
            let answers = try await PythonClient.run(
                "control", daemon.port("control"), PythonClient.fixture("control-status.\(release)"),
                PythonClient.fixture("control-sock-stream.\(release)"),
                PythonClient.fixture("control-unknown.\(release)"))

            #expect(answers.count == 3)
            let last = try #require(sent.last)
            let host = try #require(last["host"]?.stringValue)
            let hosts = try #require(answers[0]["hosts"]?.documentValue)
            let events = try #require(answers[0]["events"]?.documentValue)
            #expect(hosts[host]?.documentValue?["last"] == last["end"])
            #expect(events["job"]?.documentValue?["last"] == last["end"])
            #expect(answers[0]["last"]?.doubleValue != nil)
            #expect(answers[0]["lag"]?.doubleValue != nil)
            #expect(answers[1]["port"]?.intValue == daemon.ports["stream"].map(Int64.init))
            #expect(answers[2] == ["error": "Unknown Command"])
            try await daemon.finish()
        }

        @Test func `a subscriber sees the events of its type as they come`() async throws {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            let subscriber = try PythonClient.start(
                "subscribe", daemon.port("control"), daemon.port("collect"), "request*", "4")
            let exact = try PythonClient.start(
                "subscribe", daemon.port("control"), daemon.port("collect"), "request", "2")
            _ = try await subscriber.output.first { $0 == "subscribed" }
            _ = try await exact.output.first { $0 == "subscribed" }

            let collect = try daemon.port("collect")
            try await PythonClient.run("events", collect, "3", "other")
            let child = try await PythonClient.run("events", collect, "1", "request.sql")
            let requests = try await PythonClient.run("events", collect, "2", "request")
            try await PythonClient.run("send", collect, PythonClient.fixture("event.bson-0.3.5"))

            #expect(try await subscriber.end() == 0)
            #expect(try await exact.end() == 0)
            let old = try BSONDocument(validating: PythonClient.fixtureBytes("event.bson-0.3.5"))
            // Different connections may overtake each other; within one the order holds.
            let seen = try PythonClient.documents(subscriber.output.lines.dropFirst())
            #expect(seen.filter { $0["type"]?.stringValue == "request.sql" } == child)
            #expect(seen.filter { requests.contains($0) } == requests)
            #expect(seen.contains(old))
            let whole = try PythonClient.documents(exact.output.lines.dropFirst())
            #expect(whole.allSatisfy { $0["type"]?.stringValue == "request" })
            try await daemon.finish()
        }

        @Test func `SHUTDOWN and SIGINT end it in order, too`() async throws {
            let first = try await Daemon.start(in: TemporaryFolder())
            #expect(try await first.ask("SHUTDOWN") == ["ok": true])
            #expect(try await first.program.end() == 0)

            let second = try await Daemon.start(in: TemporaryFolder())
            second.program.signal(SIGINT)
            #expect(try await second.program.end() == 0)
        }
    }
}
