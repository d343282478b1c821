import Foundation
import Skein
import SkeinBSON
import SkeinTesting
import Testing

@Suite struct ShippingRecorderTests {
    /// A folder of the test's own, gone when it ends.
    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "skein-\(UUID().uuidString)"
        ).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }

    private func documents(_ path: String) throws -> [BSONDocument] {
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))[...]
        var documents: [BSONDocument] = []
        while !bytes.isEmpty {
            let size = Int(
                bytes.prefix(4).enumerated().reduce(0) { $0 | UInt32($1.element) << (8 * UInt32($1.offset)) })
            documents.append(try BSONDocument(validating: bytes.prefix(size)))
            bytes = bytes.dropFirst(size)
        }
        return documents
    }

    @Test func `events reach a file, whole and in a tree's order, and the ledger balances`() async throws {
        try await withFolder { folder in
            let path = folder + "/events.bson"
            let pipeline = try EventPipeline(.init(endpoint: "file://\(path)", service: "s"))
            pipeline.bind {
                for n in 0..<2_000 {
                    withContext("outer") { outer in
                        outer["n"] = n
                        withContext(".inner") { $0["n"] = n }
                    }
                }
            }
            #expect(await pipeline.flush())
            let statistics = pipeline.statistics
            #expect(statistics.created == 4_000)
            #expect(statistics.acknowledged == 4_000)
            #expect(statistics.inFlight == 0)
            await pipeline.shutdown()
            let events = try documents(path).map { RecordedEvent($0) }
            #expect(events.count == 4_000)
            let trees = RecordedTree.trees(of: events)
            #expect(trees.count == 2_000)
            #expect(trees.allSatisfy { $0.shape == "outer(outer.inner)" })
            // The inner closes first, so it comes first.
            #expect(events.prefix(2).map(\.type) == ["outer.inner", "outer"])
        }
    }

    @Test func `what a spool holds is shipped by the next who opens it`() async throws {
        try await withFolder { folder in
            let spool = folder + "/spool"
            do {
                // Nobody listens there, so all of it stays.
                let pipeline = try EventPipeline(.init(endpoint: "deliver://127.0.0.1:9", spool: spool))
                for n in 0..<50 { pipeline.withContext("kept") { $0["n"] = n } }
                await pipeline.shutdown(timeout: .milliseconds(100))
            }
            let path = folder + "/events.bson"
            let pipeline = try EventPipeline(.init(endpoint: "file://\(path)", spool: spool))
            pipeline.withContext("new") { $0["n"] = 50 }
            #expect(await pipeline.flush())
            await pipeline.shutdown()
            let numbers = try documents(path).compactMap { $0[path: "body.n"]?.intValue }
            #expect(numbers.sorted() == Array(0...50).map { Int64($0) })
        }
    }

    @Test func `a full journal drops what arrives, counts it, and the host goes on`() async throws {
        var configuration = EventPipeline.Configuration(endpoint: "deliver://127.0.0.1:9")
        configuration.journalBytes = 4 << 20
        configuration.segmentBytes = 2 << 20
        configuration.shards = 1
        configuration.limits.eventBytes = 1 << 20
        let pipeline = try EventPipeline(configuration)
        for n in 0..<200 {
            pipeline.withContext("large") { context in
                context["n"] = n
                context["text"] = String(repeating: "x", count: 60_000)
            }
        }
        let statistics = pipeline.statistics
        #expect(statistics.dropped["journal_full"] ?? 0 > 0)
        // Besides those there may be one that tells of the loss, if that had room.
        #expect((200...201).contains(statistics.created))
        #expect(statistics.inFlight + (statistics.dropped["journal_full"] ?? 0) == statistics.created)
        #expect(statistics.journalBytes <= 4 << 20)
        await pipeline.shutdown(timeout: .milliseconds(50))
    }

    @Test func `several recorders at once each have every event`() async throws {
        try await withFolder { folder in
            let path = folder + "/events.bson"
            let memory = MemoryRecorder()
            let file = try ShippingRecorder(.init(endpoint: "file://\(path)"))
            let pipeline = try EventPipeline(.init(recorder: MultiplexRecorder([memory, file])))
            for n in 0..<10 { pipeline.withContext("t") { $0["n"] = n } }
            #expect(await pipeline.flush())
            await pipeline.shutdown()
            #expect(try documents(path) == memory.events)
        }
    }

    @Test(arguments: [
        ("endpoint", "nonsense://x"), ("shards", ""), ("segmentBytes", ""), ("journalBytes", ""),
        ("limits.depth", ""),
        ("service", ""),
    ])
    func `a wrong configuration is refused by name`(key: String, value: String) {
        var configuration = EventPipeline.Configuration()
        switch key {
        case "endpoint": configuration.endpoint = value
        case "shards": configuration.shards = 0
        case "segmentBytes": configuration.segmentBytes = 5
        case "journalBytes": configuration.journalBytes = 8 << 20
        case "limits.depth": configuration.limits.depth = 1_000
        default: configuration.service = String(repeating: "s", count: 300)
        }
        let error = #expect(throws: EventConfigurationError.self) { try EventPipeline(configuration) }
        #expect(error?.message.contains(key) == true)
    }

    @Test func `the environment configures, and a wrong number is named`() throws {
        let configuration = try EventPipeline.Configuration.from([
            "SKEIN_ENDPOINT": "push://127.0.0.1:3514", "SKEIN_SERVICE": "checkout",
            "SKEIN_JOURNAL_BYTES": "134217728",
            "SKEIN_LIMIT_FIELDS": "10",
        ])
        #expect(configuration.endpoint == "push://127.0.0.1:3514")
        #expect(configuration.service == "checkout")
        #expect(configuration.journalBytes == 128 << 20)
        #expect(configuration.limits.fields == 10)
        let error = #expect(throws: EventConfigurationError.self) {
            try EventPipeline.Configuration.from(["SKEIN_SHARDS": "many"])
        }
        #expect(error?.message.contains("SKEIN_SHARDS") == true)
    }
}
