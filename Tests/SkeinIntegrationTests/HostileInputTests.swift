import SkeinBSON
import Testing

extension IntegrationTests {
    /// What is no event: kept in `rejected/` with its reason, counted, and in nobody's way.
    @Suite struct HostileInput {
        /// A message as clients.py `frames` takes it, and why it is refused.
        static let messages: [(frames: String, reason: String)] = {
            let event: BSONDocument = [
                "id": "1", "type": "job", "host": "h", "pid": 1, "start": 1.0, "end": 2.0, "body": [:],
            ]
            func hex(_ bytes: some Sequence<UInt8>) -> String {
                bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
            }
            func typed(_ type: BSONValue?) -> String {
                var copy = event
                copy["type"] = type
                return hex(copy.bytes)
            }
            func long(_ count: Int) -> String {
                // {type: "job", b: <binary of count bytes>}
                let head: [UInt8] =
                    [2] + Array("type".utf8) + [0, 4, 0, 0, 0] + Array("job".utf8) + [0, 5, 98, 0]
                let total = UInt32(4 + head.count + 5 + count + 1)
                let start = littleEndian(total) + head + littleEndian(UInt32(count)) + [0]
                return "\(hex(start))+\(count)*00+00"
            }
            return [
                ("-", "not_bson"),
                ("00", "not_bson"),
                (hex("this is no BSON at all".utf8), "not_bson"),
                (hex(event.bytes.dropLast(3)), "not_bson"),
                ("ffffff7f" + hex(event.bytes.dropFirst(4)), "not_bson"),
                ("00000080" + hex(event.bytes.dropFirst(4)), "not_bson"),
                (hex(event.bytes) + "00", "trailing_bytes"),
                (hex(event.bytes) + hex(event.bytes), "trailing_bytes"),
                (hex(BSONDocument().bytes), "no_type"),
                (typed(nil), "no_type"),
                (typed(.int32(7)), "no_type"),
                (typed(.string("")), "bad_type"),
                (typed(.string("../../etc/passwd")), "bad_type"),
                (typed(.string("/etc/passwd")), "bad_type"),
                (typed(.string(".hidden")), "bad_type"),
                (typed(.string("a\nb")), "bad_type"),
                (typed(.string("a\u{0}b")), "bad_type"),
                (typed(.string("a\u{7F}b")), "bad_type"),
                (typed(.string(String(repeating: "ä", count: 101))), "bad_type"),
                (typed(.binary(BSONBinary(subtype: 0, bytes: [0xFF, 0xFE]))), "bad_type"),
                (long(17 << 20), "too_large"),
                ("504c4a " + hex("{\"msg\": \"of Distlog\"".utf8), "bad_json"),
                ("504c4a " + hex("[1]".utf8), "bad_json"),
                ("504c4a 100000*7b2261223a", "bad_json"),
                ("504c4a ff", "bad_json"),
                ("504c4a 7b7d", "bad_record"),
                ("504c4a -", "bad_json"),
                ("504c50 " + hex("(lp0\nI1\na".utf8), "bad_pickle"),
                ("504c50 5d2e", "bad_record"),
                // A list that holds itself twice over, sixty times.
                (
                    "504c50 5d"
                        + (0..<60).map { "71" + hex([$0]) + "5d68" + hex([$0]) + "6168" + hex([$0]) + "61" }
                        .joined() + "2e",
                    "bad_pickle"
                ),
                ("504c50 100000*28+100000*6c+2e", "bad_pickle"),
                ("504c50 80025d+17000000*4e", "too_large"),
                ("584c4a 7b7d", "bad_topic"),
                ("50584a 7b7d", "bad_topic"),
                ("504c58 7b7d", "bad_topic"),
                ("504c4a4a 7b7d", "bad_topic"),
                ("- -", "bad_topic"),
                ("504c4a 7b7d 7b7d", "bad_frames"),
                ("00 00 00", "bad_frames"),
                ("137*01 80", "foreign_protocol"),
            ]
        }()

        private static func littleEndian(_ number: UInt32) -> [UInt8] {
            (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        }

        private func length(_ events: [BSONDocument]) -> Int { events.reduce(0) { $0 + $1.bytes.count } }

        @Test func `what is no event is kept with its reason, counted, and stops nothing`() async throws {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            let good = try await PythonClient.run("events", daemon.port("collect"), "10", "before")
            // One connection: what follows the bad messages came behind them.
            let fixture = try PythonClient.fixtureBytes("event.bson-0.3.5")
            let goodLine = fixture.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
            let lines = Self.messages.map(\.frames) + [goodLine]
            try await PythonClient.run(
                ["frames", daemon.port("collect")], input: lines.joined(separator: "\n") + "\n")

            #expect(try await daemon.stored("request", bytes: fixture.count) == fixture)
            #expect(try await daemon.stored("before", bytes: length(good)).count == length(good))

            var expected: [String: Int64] = [:]
            for message in Self.messages { expected[message.reason, default: 0] += 1 }
            let status = try await daemon.ask("STATUS")
            let ledger = try #require(status["ledger"]?.documentValue)
            for (reason, count) in expected {
                #expect(ledger[path: "rejected.\(reason)"]?.intValue == count, "\(reason)")
            }
            let sent = Int64(Self.messages.count + good.count + 1)
            #expect(ledger["received"]?.intValue == sent)
            #expect(ledger["journaled"]?.intValue == Int64(good.count + 1))

            try await daemon.finish()
            let files = daemon.folder.files(below: "data/rejected").filter { $0.hasSuffix(".bson") }
                .map { "\(daemon.folder.path)/data/rejected/\($0)" }
            let kept = try await PythonClient.run(["decode"] + files)
            var found: [String: Int64] = [:]
            for document in kept {
                let reason = try #require(document[path: "body.reason"]?.stringValue)
                found[reason, default: 0] += 1
            }
            #expect(found == expected)
            // A flood of bad input is no flood of warnings.
            #expect((1...Self.messages.count / 2).contains(daemon.program.errors.lines.count))
        }

        @Test func `a message above every limit ends its connection and nothing else`() async throws {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            // The connection is closed while it is sent, so this client never gets rid of it.
            let flood = try PythonClient.start(["frames", daemon.port("collect")], input: "\(65 << 20)*00\n")
            let good = try await PythonClient.run("events", daemon.port("collect"), "10", "job")
            #expect(try await daemon.stored("job", bytes: length(good)).count == length(good))
            flood.signal(9)
            try await daemon.finish()
        }

        @Test func `control and deliver take garbage without harm`() async throws {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            for port in ["control", "deliver"] {
                // A PUSH socket and plain TCP at a ROUTER's door: the handshake refuses them.
                let stray = try PythonClient.start(["frames", daemon.port(port)], input: "00\n")
                _ = try await daemon.ask("STATUS")
                stray.signal(9)
                try await PythonClient.run("noise", daemon.port(port))
            }
            #expect(
                try await daemon.ask("SOCK_COLLECT")["port"]?.intValue
                    == daemon.ports["collect"].map(Int64.init))
            try await daemon.finish()
        }
    }
}
