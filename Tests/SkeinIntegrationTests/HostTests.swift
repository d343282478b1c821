import SkeinBSON
import SkeinPlatform
import SkeinZeroMQ
import Testing

extension IntegrationTests {
    /// What a bad collector does to an app: nothing. The app is a process of its own, that says what it took.
    @Suite struct Hosts {
        @Test func `an app whose collector is absent goes on`() async throws {
            let report = try await host("deliver://127.0.0.1:\(FreePort.find())")
            #expect(report["acknowledged"] == 0)
            #expect(report["dropped"] ?? 0 > 0)
        }

        @Test(arguments: [
            ("accepts and never answers", BadPeer.Manner.silent), ("greets and then hangs", .greeting),
            ("talks nonsense", .nonsense), ("hangs up at once", .hangingUp),
        ])
        func `an app goes on, whatever is wrong with its collector`(does: String, manner: BadPeer.Manner)
            async throws
        {
            let peer = try BadPeer(manner)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for scheme in ["deliver://", "push://", ""] {
                    group.addTask {
                        let report = try await host("\(scheme)127.0.0.1:\(peer.port)")
                        // To libzmq random bytes are a peer of its first version, to which it may send: with `push`
                        // that is all that is ever asked.
                        if scheme != "push://" { #expect(report["acknowledged"] == 0, "\(does)") }
                    }
                }
                try await group.waitForAll()
            }
        }

        @Test func `an app goes on whose endpoint is a socket that never speaks our protocol`() async throws {
            let context = try ZMQContext()
            defer { context.shutdown() }
            let pub = try ZMQSocket(.pub, in: context)
            let pull = try ZMQSocket(.pull, in: context)
            let rep = try ZMQSocket(.rep, in: context)
            let router = try ZMQSocket(.router, in: context)
            let endpoints = [
                try pub.bind("tcp://127.0.0.1:0"), try pull.bind("tcp://127.0.0.1:0"),
                try rep.bind("tcp://127.0.0.1:0"), try router.bind("tcp://127.0.0.1:0"),
            ]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for endpoint in endpoints {
                    group.addTask {
                        let report = try await host("deliver://" + endpoint.dropFirst("tcp://".count))
                        #expect(report["acknowledged"] == 0)
                    }
                }
                try await group.waitForAll()
            }
            // They live until here.
            pub.close()
            pull.close()
            rep.close()
            router.close()
        }

        @Test func `an app whose collector answers false things goes on`() async throws {
            let liar = try LyingCollector()
            let report = try await host("deliver://127.0.0.1:\(liar.port)")
            #expect(report["created"] ?? 0 > 0)
        }

        @Test func `an app whose collector is slow loses nothing silently`() async throws {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            let port = try #require(daemon.ports["deliver"].flatMap { UInt16(exactly: $0) })
            let peer = try BadPeer(.slow(port: port, bytesPerSecond: 2 << 20))
            let report = try await host("deliver://127.0.0.1:\(peer.port)")
            #expect(report["acknowledged"] ?? 0 > 0)
            #expect(report["dropped"] ?? 0 > 0)
        }

        private static let journalMiB = 16

        /// Runs the app, and holds what it reports against what is promised whatever the other end does.
        private func host(_ endpoint: String) async throws -> [String: Int] {
            let program = try RunningProgram([
                try Products.path(of: "SkeinFaults"), "host", "--endpoint", endpoint, "--seconds", "1",
                "--journal-bytes", "\(Self.journalMiB << 20)",
            ])
            #expect(try await program.end(within: 60) == 0, "\(endpoint): \(program.errors.text)")
            var report: [String: Int] = [:]
            for pair in program.output.lines.last?.split(separator: " ") ?? [] {
                let parts = pair.split(separator: "=")
                if parts.count == 2 { report[String(parts[0])] = Int(parts[1]) }
            }
            func value(_ name: String) throws -> Int {
                try #require(report[name], "\(endpoint) \(name): \(program.output.text)")
            }
            let account = "\(endpoint): \(report)"
            #expect(try value("created") > 10_000, "\(account)")
            #expect(
                try value("created") == value("acknowledged") + value("held") + value("dropped"), "\(account)"
            )
            // The journal is memory; beside it the slots of open contexts and what libzmq has in hand.
            let grown = try value("peak_kib") - value("base_kib")
            #expect(grown <= (Self.journalMiB + 24) << 10, "\(account)")
            #expect(try value("shutdown_ms") <= 2_500, "\(account)")
            #expect(try value("flush_ms") <= 1_000, "\(account)")
            // At most one a second.
            #expect(try value("warnings") <= 8, "\(account)")
            return report
        }
    }
}

/// A ROUTER that answers everything with frames that are no answer, or a wrong one.
private final class LyingCollector: Sendable {
    let port: Int
    private let thread: SystemThread
    private let isOver = Monitor(false)

    init() throws {
        let ready = Monitor<Result<Int, any Error>?>(nil)
        thread = try SystemThread(name: "liar") { [isOver] in
            do {
                let context = try ZMQContext()
                defer { context.shutdown() }
                let socket = try ZMQSocket(.router, in: context)
                try socket.set([.receiveTimeout(.milliseconds(50))])
                _ = try socket.bind("tcp://127.0.0.1:0")
                ready.update { $0 = .success(Int(socket.boundPort ?? 0)) }
                var random = FastRandom()
                while !isOver.withLock({ $0 }) {
                    guard let message = try socket.receiveMultipart(wait: true) else { continue }
                    let stream = message.frames.dropFirst().first
                        .flatMap { try? BSONDocument(validating: $0) }?["stream"]
                    let answers = Self.answers(stream, &random)
                    _ = try? socket.sendMultipart([message.frames[0]] + answers)
                }
            } catch {
                ready.update { $0 = $0 ?? .failure(error) }
            }
        }
        let deadline = SystemClock.monotonicNanoseconds() + 10_000_000_000
        port = try #require(try ready.wait(until: deadline) { $0 }?.get())
    }

    deinit {
        isOver.update { $0 = true }
        thread.join()
    }

    private static func answers(_ stream: BSONValue?, _ random: inout FastRandom) -> [[UInt8]] {
        let number = Int64(bitPattern: random.next())
        let operations = ["WELCOME", "ACK", "REFUSE", "GOODBYE", "PONG", "HELLO", "BATCH", "?"]
        let reasons = ["full", "invalid", "gap", "loop", "unknown stream", "version", "no reason"]
        var document = BSONDocument()
        document.append("op", .string(operations[Int.random(in: 0..<operations.count, using: &random)]))
        document.append("v", .int32(Int32.random(in: 0...2, using: &random)))
        if let stream { document.append("stream", stream) }
        document.append("ack", .int64(number))
        document.append("window", .int64(number))
        document.append("reason", .string(reasons[Int.random(in: 0..<reasons.count, using: &random)]))
        document.append("at", .int64(number))
        document.append("retry_ms", .int32(Int32.random(in: .min ... .max, using: &random)))
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return [(0..<64).map { _ in UInt8.random(in: .min ... .max, using: &random) }]
        case 1: return [document.bytes, document.bytes, []]
        default: return [document.bytes]
        }
    }
}
