import SkeinBSON
import SkeinJournal
import SkeinPlatform
import SkeinWire
import SkeinZeroMQ
import Testing

@testable import SkeinCollector

@Suite(.timeLimit(.minutes(3))) struct SpoolTests {
    /// What a killed process leaves: records `numbers` and one open context. Its lock is held until ``release``.
    private func leave(_ spool: String, _ numbers: ClosedRange<Int>, endpoint: String = "") throws
        -> MappedJournal
    {
        let journal: MappedJournal
        do {
            var configuration = MappedJournal.Configuration(
                folder: spool, shards: 1, segmentBytes: 64 << 10, budgetBytes: 64 << 20, slots: 4,
                endpoint: endpoint)
            configuration.host = "h"
            configuration.service = "checkout"
            journal = try MappedJournal(configuration)
        }
        for number in numbers {
            let bytes = freshEvent("kept", number).bytes
            let given = bytes.withUnsafeBytes { source in
                journal.shards[0].append(
                    kind: .event, flags: 0, arrival: SystemClock.wallNanoseconds(), capacity: source.count,
                    slot: nil
                ) { target in
                    if let base = source.baseAddress {
                        target.copyMemory(from: base, byteCount: source.count)
                    }
                    return source.count
                }
            }
            try #require(given > 0)
        }
        let slot = try #require(journal.claimSlot())
        slot.storeBytes(
            of: Double(SystemClock.wallNanoseconds()) * 1e-9, toByteOffset: SkeinWire.SlotLayout.start,
            as: Double.self)
        slot.storeBytes(of: 7, toByteOffset: SkeinWire.SlotLayout.span, as: UInt64.self)
        let type = Array("request".utf8)
        slot.storeBytes(
            of: UInt16(type.count), toByteOffset: SkeinWire.SlotLayout.typeLength, as: UInt16.self)
        (slot + SkeinWire.SlotLayout.type).copyMemory(from: type, byteCount: type.count)
        slot.storeBytes(of: 1, as: UInt32.self)
        journal.signOfLife(SystemClock.wallNanoseconds())
        return journal
    }

    /// Numbers of what is stored under a type; everything of every file counts.
    private func numbers(_ files: String, type: String) throws -> [Int64] {
        try RunningCollector.stored(files).values.joined().compactMap { bytes in
            let event = BSONDocument(unchecked: bytes)
            guard event["type"]?.stringValue == type else { return nil }
            return event[path: "body.n"]?.intValue ?? 0
        }
    }

    private func spools(_ status: BSONDocument) -> [BSONDocument] {
        guard case .array(let spools)? = status["spools"] else { return [] }
        return spools.compactMap { $0.value.documentValue }
    }

    @Test func `what dead apps left is stored once, whenever the collector that delivers it is killed`()
        throws
    {
        let folder = try TemporaryFolder()
        let spool = folder.path + "/spool"
        let journals = try (0..<4).map { try leave(spool, $0 * 5_000 + 1...($0 + 1) * 5_000) }
        for journal in journals { journal.close(clean: false) }
        let arguments = [
            "--control", "127.0.0.1:0", "--collect", "none", "--deliver", "127.0.0.1:0", "--stream", "none",
            "--spool", spool,
        ]
        var random = SystemRandomNumberGenerator()
        for _ in 0..<8 {
            let program = try Program(arguments, folder: folder.path)
            _ = try program.ports()
            usleep(.random(in: 0...60_000, using: &random))
            program.signal(SIGKILL)
            #expect(program.wait() == 128 + SIGKILL)
        }
        let program = try Program(arguments, folder: folder.path)
        let control = try #require(try program.ports()["control"])
        try eventually("the spool is empty") { TemporaryFolder.names(spool).isEmpty }
        #expect(try ask(control, "FLUSH") == ["ok": true])
        let files = folder.path + "/skein-data/files"
        #expect(try numbers(files, type: "kept").sorted() == Array(1...20_000))
        #expect(try numbers(files, type: "request").count == 4)
        #expect(try numbers(files, type: "skein.process").count == 4)
        let status = try ask(control, "STATUS")
        RunningCollector.expectBalance(status)
        #expect(spools(status).count == 1)
        program.signal(SIGTERM)
        #expect(program.wait() == 0)
    }

    @Test func `STATUS tells what became of a spool, and a reload may name another`() throws {
        let folder = try TemporaryFolder()
        let (one, two) = (folder.path + "/one", folder.path + "/two")
        let dead = try leave(one, 1...100)
        let living = try leave(one, 101...200)
        dead.close(clean: false)
        try leave(two, 201...300, endpoint: "file:///nowhere/at/all").close(clean: false)
        let running = try RunningCollector(folder) { $0.spools = [one] }
        #expect(running.collector.status["spools"] != nil)
        func finished() -> [Int64] {
            spools(running.collector.status).map { $0["finished"]?.intValue ?? -1 }
        }
        try eventually("one journal is delivered") { finished() == [1] }
        var changed = RunningCollector.configuration(folder)
        changed.spools = [one, two]
        try running.collector.reload(changed)
        try eventually("the other is, too") { finished() == [1, 1] }
        let status = running.collector.status
        let first = try #require(spools(status).first)
        #expect(first["delivered"] == .int64(102) && first["abandoned"] == .int64(1))
        #expect(first["created"] == .int64(100) && first["problem"] == .null)
        #expect(first["folder"] == .string(one))
        try running.flush()
        let stored = try numbers(folder.path + "/data/files", type: "kept").sorted()
        #expect(stored == Array(1...100) + Array(201...300))
        // The living one's was left alone.
        #expect(living.shards[0].lastNumber == 100)
        changed.spools = []
        try running.collector.reload(changed)
        #expect(running.collector.status["spools"] == nil)
        living.close(clean: false)
    }

    @Test func `where the deliver port has keys, the collector lets itself in`() throws {
        let folder = try TemporaryFolder()
        let spool = folder.path + "/spool"
        try leave(spool, 1...50).close(clean: false)
        let server = try CurveKeyPair.generate()
        let friend = try CurveKeyPair.generate()
        let key = try folder.write("key", server.secretKey.z85 + "\n")
        let clients = try folder.write("clients", friend.publicKey.z85 + "\n")
        let running = try RunningCollector(folder) {
            $0.curveKeyFile = key
            $0.curveClientsFile = clients
            $0.spools = [spool]
        }
        try eventually("the spool is empty") { TemporaryFolder.names(spool).isEmpty }
        try running.flush()
        #expect(try numbers(folder.path + "/data/files", type: "kept").sorted() == Array(1...50))
    }

    @Test func `spools are named by flag, variable and file`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("c.yaml", "spools: [/a, /b]\n")
        func load(_ arguments: [String], _ variables: [String: String] = [:]) throws -> [String] {
            try ConfigurationSources(arguments: arguments, environment: variables).load().configuration.spools
        }
        #expect(try load([]) == [])
        #expect(try load(["--spool", "/x", "--spool", "/y"]) == ["/x", "/y"])
        #expect(try load([], ["SKEIND_SPOOL": "/x,/y"]) == ["/x", "/y"])
        #expect(try load(["--config", file]) == ["/a", "/b"])
        #expect(try load(["--config", file, "--spool", "none"]) == [])
        #expect(throws: ConfigurationMistake.self) { try load(["--spool", "/x", "--spool", "/x"]) }
    }
}
