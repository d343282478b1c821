import SkeinBSON
import SkeinPlatform
import SkeinZeroMQ
import Testing

extension IntegrationTests {
    /// A collector's account of what came in, through kills.
    @Suite struct Ledger {
        @Test func `what a killed collector had not counted is counted, also after the next kill`()
            async throws
        {
            let folder = try TemporaryFolder()
            // Nothing is synced, nor noted as durable, before the first kill; and what outlets have passed goes at once.
            try folder.write(
                """
                journal-segment: 2MiB
                journal-budget: 64MiB
                sync-interval: 10s
                checkpoint-interval: 100ms

                """.utf8, to: "skeind.yaml")
            let more = ["--config", "\(folder.path)/skeind.yaml"]
            let first = try await Daemon.start(in: folder, more)
            try push(20_000, to: first.port("collect"))
            try await until(first) { $0["ledger"]?.documentValue?["received"]?.intValue == 20_000 }
            first.program.signal(SIGKILL)
            #expect(try await first.program.end() == -SIGKILL)

            // The second finds them, hands them on, and has their segments recycled; it is killed before anything comes.
            let second = try await Daemon.start(in: folder, more)
            try await until(second) { $0["journal"]?.documentValue?["segments"]?.intValue ?? 9 < 4 }
            second.program.signal(SIGKILL)
            #expect(try await second.program.end() == -SIGKILL)

            let third = try await Daemon.start(in: folder, more)
            let status = try await third.ask("STATUS")
            let ledger = try #require(status["ledger"]?.documentValue)
            let read = try #require(
                status["outlets"]?.documentValue?["files"]?.documentValue?["read"]?.intValue)
            // What the first had not yet written when it was killed is lost, and said to be.
            let killed = ledger["dropped"]?.documentValue?["killed"]?.intValue ?? 0
            #expect(read > 5_000)
            #expect(ledger["journaled"]?.intValue == read, "\(ledger)")
            #expect(ledger["received"]?.intValue == read + killed, "\(ledger)")
            try await third.finish()
        }

        private func push(_ count: Int, to port: String) throws {
            let context = try ZMQContext()
            defer { context.shutdown() }
            let socket = try ZMQSocket(.push, in: context)
            try socket.set([.linger(.seconds(10)), .sendTimeout(.seconds(10))])
            try socket.connect("tcp://127.0.0.1:\(port)")
            for number in 0..<count {
                let event: BSONDocument = [
                    "id": "0", "type": "job", "start": 1.0, "end": 1.0,
                    "body": [
                        "number": .int64(Int64(number)), "text": .string(String(repeating: "x", count: 800)),
                    ],
                ]
                try #require(try socket.send(event.bytes, wait: true))
            }
            socket.close()
        }

        private func until(_ daemon: Daemon, _ isSo: (BSONDocument) -> Bool) async throws {
            let deadline = ContinuousClock.now + .seconds(30)
            while true {
                let status = try await daemon.ask("STATUS")
                if isSo(status) { return }
                try #require(ContinuousClock.now < deadline, "\(status)")
            }
        }
    }
}
