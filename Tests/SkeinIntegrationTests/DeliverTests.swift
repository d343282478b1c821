import Skein
import SkeinBSON
import SkeinPlatform
import Testing

extension IntegrationTests {
    /// An app with our SDK, and a collector that is there, not yet there, or killed.
    @Suite struct Deliver {
        @Test func `what was acknowledged stands in the files, and the ledger balances`() async throws {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            let pipeline = try pipeline(to: daemon.ports["deliver"])
            write(0..<1000, to: pipeline)
            #expect(await pipeline.flush(timeout: .seconds(30)))
            let statistics = pipeline.statistics
            #expect(statistics.created == 1000)
            #expect(statistics.acknowledged == 1000)
            #expect(statistics.inFlight == 0)
            await pipeline.shutdown()
            #expect(try await daemon.ask("FLUSH") == ["ok": true])
            try await daemon.finish()
            #expect(try await numbers(in: daemon) == Array(0..<1000))
        }

        @Test(arguments: [true, false])
        func `an app that starts before its collector loses nothing`(hasSpool: Bool) async throws {
            let folder = try TemporaryFolder()
            let port = try FreePort.find()
            let pipeline = try pipeline(to: port, spool: hasSpool ? folder.path + "/spool" : nil)
            write(0..<500, to: pipeline)
            #expect(await pipeline.flush(timeout: .milliseconds(200)) == false)
            #expect(pipeline.statistics.inFlight == 500)

            let daemon = try await Daemon.start(in: folder, ports: ["deliver": port])
            write(500..<1000, to: pipeline)
            #expect(await pipeline.flush(timeout: .seconds(30)))
            #expect(pipeline.statistics.acknowledged == 1000)
            await pipeline.shutdown()
            #expect(try await daemon.ask("FLUSH") == ["ok": true])
            try await daemon.finish()
            #expect(try await numbers(in: daemon) == Array(0..<1000))
        }

        @Test func `a collector killed and started again has every event once`() async throws {
            let folder = try TemporaryFolder()
            let first = try await Daemon.start(in: folder)
            let port = try #require(first.ports["deliver"])
            let pipeline = try pipeline(to: port)
            write(0..<5000, to: pipeline)
            // No flush before the kill: it falls into whatever is under way.
            first.program.signal(SIGKILL)
            #expect(try await first.program.end() == -SIGKILL)
            write(5000..<10_000, to: pipeline)

            let second = try await Daemon.start(in: folder, ports: ["deliver": port])
            #expect(await pipeline.flush(timeout: .seconds(60)))
            await pipeline.shutdown()
            #expect(try await second.ask("FLUSH") == ["ok": true])
            try await second.finish()
            #expect(try await numbers(in: second) == Array(0..<10_000))
        }

        @Test func `an event goes through a forwarding collector to another one's files`() async throws {
            let master = try await Daemon.start(in: TemporaryFolder())
            let local = try await Daemon.start(
                in: TemporaryFolder(), ["--forward", "127.0.0.1:\(master.port("deliver"))"])
            let pipeline = try pipeline(to: local.ports["deliver"])
            write(0..<1000, to: pipeline)
            #expect(await pipeline.flush(timeout: .seconds(30)))
            await pipeline.shutdown()
            #expect(try await local.ask("FLUSH") == ["ok": true])
            #expect(try await master.ask("FLUSH") == ["ok": true])
            try await local.finish()
            try await master.finish()
            #expect(try await numbers(in: local) == Array(0..<1000))
            #expect(try await numbers(in: master) == Array(0..<1000))
        }

        @Test func `a master that was away for the whole run gets everything once it is back`() async throws {
            let port = try FreePort.find()
            let folder = try TemporaryFolder()
            let more = ["--forward", "127.0.0.1:\(port)"]
            let first = try await Daemon.start(in: folder, more)
            let pipeline = try pipeline(to: first.ports["deliver"])
            write(0..<5_000, to: pipeline)
            #expect(await pipeline.flush(timeout: .seconds(30)))
            await pipeline.shutdown()
            // Killed in the meantime, too: what waits for the master is on the disk.
            first.program.signal(SIGKILL)
            #expect(try await first.program.end() == -SIGKILL)
            let local = try await Daemon.start(in: folder, more)

            let master = try await Daemon.start(in: TemporaryFolder(), ports: ["deliver": port])
            #expect(try await local.ask("FLUSH") == ["ok": true])
            #expect(try await master.ask("FLUSH") == ["ok": true])
            try await local.finish()
            try await master.finish()
            #expect(try await numbers(in: local) == Array(0..<5_000))
            #expect(try await numbers(in: master) == Array(0..<5_000))
        }

        @Test func `forwarding to a Ziggy daemon is PUSH`() async throws {
            let ziggy = try PythonClient.start("collect", "10")
            let port = try await ziggy.output.first { Int($0) != nil }
            let daemon = try await Daemon.start(in: TemporaryFolder(), ["--forward=127.0.0.1:\(port)"])
            let sent = try await PythonClient.run("events", daemon.port("collect"), "10", "job")
            #expect(try await ziggy.end() == 0)
            #expect(try PythonClient.documents(ziggy.output.lines.dropFirst()) == sent)
            try await daemon.finish()
        }

        private func pipeline(to port: Int?, spool: String? = nil) throws -> EventPipeline {
            var configuration = EventPipeline.Configuration(
                endpoint: "127.0.0.1:\(try #require(port))", service: "app", spool: spool)
            // That the collector is away is what some of these tests are about.
            configuration.onWarning = { _ in }
            return try EventPipeline(configuration)
        }

        private func write(_ numbers: Range<Int>, to pipeline: EventPipeline) {
            for number in numbers {
                pipeline.withContext("job") { context in context["number"] = number }
            }
        }

        /// The numbers that Python finds in the daemon's files, sorted.
        private func numbers(in daemon: Daemon) async throws -> [Int] {
            let files = daemon.storedFiles(of: "job").map { "\(daemon.folder.path)/data/files/\($0)" }
            return try await PythonClient.run(["decode"] + files)
                .compactMap { $0[path: "body.number"]?.intValue.map(Int.init) }.sorted()
        }
    }
}
