import SkeinBSON
import SkeinCollector
import SkeinPlatform
import SkeinWire
import SkeinZeroMQ
import Testing

@Suite struct CollectTests {
    @Test func `events of a PUSH client are in files of their types, byte for byte`() throws {
        let running = try RunningCollector()
        let client = try PushClient(running.ports.collect[0])
        let events = (0..<1000).map { freshEvent($0 % 2 == 0 ? "request" : "request.sql", $0) }
        for event in events { try client.send(event.bytes) }
        try eventually("all arrive") { running.ledger("received") == 1000 }
        try running.flush()
        let stored = try running.stored()
        #expect(stored.count == 2)
        let requests = try #require(stored.first { $0.key.hasPrefix("request-") }).value
        #expect(requests == events.indices.filter { $0 % 2 == 0 }.map { events[$0].bytes })
        #expect(running.ledger("journaled") == 1000)
        running.expectBalance()
    }

    @Test func `what old Python clients send is taken as it comes`() throws {
        let fixtures = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        let folder = "/" + fixtures + "/Python/fixtures"
        let running = try RunningCollector()
        let client = try PushClient(running.ports.collect[0])
        var good: [[UInt8]] = []
        var bad: [[UInt8]] = []
        for name in TemporaryFolder.names(folder) where name.hasPrefix("event") {
            let text = String(
                decoding: try #require(TemporaryFolder.read(folder + "/" + name)), as: UTF8.self)
            let digits = text.compactMap(\.hexDigitValue)
            let bytes = stride(from: 0, to: digits.count, by: 2).map {
                UInt8(digits[$0] << 4 | digits[$0 + 1])
            }
            if name.contains("not-utf8") { bad.append(bytes) } else { good.append(bytes) }
            try client.send(bytes)
        }
        #expect(good.count >= 5 && !bad.isEmpty)
        try eventually("all arrive") { running.ledger("received") == Int64(good.count + bad.count) }
        try running.flush()
        let stored = try running.stored().values.flatMap { $0 }
        #expect(Set(stored) == Set(good))
        #expect(stored.count == good.count)
        let rejected = try running.rejected()
        #expect(Set(rejected.map(\.bytes)) == Set(bad))
        #expect(rejected.allSatisfy { $0.reason == "bad_type" })
        running.expectBalance()
    }

    @Test func `what is no event goes to rejected with its reason, and the connection goes on`() throws {
        let running = try RunningCollector()
        let client = try PushClient(running.ports.collect[0])
        let good = freshEvent("ok", 1).bytes
        let cases: [(String, [UInt8])] = [
            ("not_bson", Array("{\"type\": \"x\"}".utf8)), ("not_bson", []), ("not_bson", [5, 0, 0, 0, 1]),
            ("not_bson", Array(good.dropLast())), ("trailing_bytes", good + [1, 2, 3]),
            ("no_type", [5, 0, 0, 0, 0]), ("bad_type", freshEvent("a/b", 1).bytes),
            ("bad_type", freshEvent(".a", 1).bytes), ("bad_type", freshEvent("a\nb", 1).bytes),
            ("bad_type", freshEvent(String(repeating: "x", count: 201), 1).bytes),
        ]
        for (_, bytes) in cases { try client.send(bytes) }
        try client.send([UInt8](repeating: 7, count: 137), [0x80])
        try client.send(Array("XLJ".utf8), Array("{}".utf8))
        try client.send([1], [2], [3], [4])
        try client.send(good)
        try eventually("all arrive") { running.ledger("received") == Int64(cases.count + 4) }
        try running.flush()
        let rejected = try running.rejected()
        for (reason, bytes) in cases {
            #expect(rejected.contains { $0.reason == reason && $0.bytes == bytes }, "\(reason)")
        }
        #expect(rejected.contains { $0.reason == "foreign_protocol" && $0.detail.contains("BlueOx") })
        #expect(
            rejected.contains {
                $0.reason == "bad_topic" && $0.detail.contains("letter 1 is X")
                    && $0.bytes == Array("XLJ{}".utf8)
            })
        #expect(
            rejected.contains {
                $0.reason == "bad_frames" && $0.detail.hasPrefix("4 frames of 1, 1, 1, 1 bytes")
                    && $0.bytes == [1, 2, 3, 4]
            })
        #expect(rejected.count == cases.count + 3)
        #expect(try running.stored().values.flatMap { $0 } == [good])
        #expect(running.ledger("rejected.not_bson") == 4)
        #expect(running.ledger("rejected.bad_type") == 4)
        // At most one a second of each reason.
        #expect(running.warnings.all.count { $0.contains("bad_type") } <= 2)
        running.expectBalance()
    }

    @Test func `a document of more than 16 MiB is kept aside, one of more than 64 MiB ends its connection`()
        throws
    {
        let running = try RunningCollector()
        let client = try PushClient(running.ports.collect[0])
        let large = freshEvent("large", 1, text: String(repeating: "x", count: 17 << 20)).bytes
        try client.send(large)
        try client.send([UInt8](repeating: 1, count: 65 << 20))
        let other = try PushClient(running.ports.collect[0])
        try other.send(freshEvent("small", 2).bytes)
        try eventually("the others arrive") { running.ledger("received") == 2 }
        try running.flush()
        let rejected = try running.rejected()
        #expect(rejected.count == 1)
        #expect(rejected.first?.reason == "too_large")
        let aside = TemporaryFolder.names(running.folder.path + "/data/rejected").filter {
            $0.hasSuffix(".bin")
        }
        #expect(aside.count == 1)
        #expect(TemporaryFolder.read(running.folder.path + "/data/rejected/" + aside[0]) == large)
        #expect(try running.stored().count == 1)
        running.expectBalance()
    }

    @Test func `rejected events are bounded and go on being counted`() throws {
        let running = try RunningCollector { $0.rejectedBudgetBytes = 20_000 }
        let client = try PushClient(running.ports.collect[0])
        for _ in 0..<100 { try client.send([UInt8](repeating: 9, count: 1000)) }
        try eventually("all arrive") { running.ledger("rejected.not_bson") == 100 }
        let kept = try running.rejected().count
        #expect(kept > 5 && kept < 20)
        running.expectBalance()
    }

    @Test func `a second collector on the same folder or port is told why it cannot start`() throws {
        let running = try RunningCollector()
        func failure(_ change: (inout CollectorConfiguration) -> Void) throws -> CollectorError? {
            var configuration = RunningCollector.configuration(try TemporaryFolder())
            change(&configuration)
            do {
                try Collector(configuration, log: .none).start()
                return nil
            } catch { return error as? CollectorError }
        }
        let port = UInt16(running.ports.collect[0])
        let taken = try #require(try failure { $0.collect = [.loopback(port)] })
        #expect(taken.code == .port)
        #expect(
            taken.message
                == "cannot listen on 127.0.0.1:\(port) (collect): EADDRINUSE (Address already in use)")
        let journal = try #require(try failure { $0.dataPath = running.folder.path + "/data" })
        #expect(journal.code == .journal)
        #expect(journal.message.contains("is in use by another collector"))
        let files = try #require(
            try failure {
                $0.outlets = [
                    .init(name: "files", kind: .files(.init(path: running.folder.path + "/data/files")))
                ]
            })
        #expect(files.code == .folder)
        #expect(files.message.contains("is in use by another collector"))
        let blocked = try running.folder.write("file", "")
        let folder = try #require(try failure { $0.dataPath = blocked + "/data" })
        #expect(folder.message.contains("ENOTDIR"))
    }
}
