import SkeinBSON
import SkeinJournal
import SkeinPlatform
import Testing

@testable import SkeinTool

@Suite struct JournalVerbTests {
    /// A dead app's spool with these events, of which the first `acknowledged` are passed.
    private func spool(_ folder: TestFolder, events: [BSONDocument], acknowledged: UInt64 = 0) throws
        -> String
    {
        let path = folder.path + "/spool"
        let journal = try MappedJournal(
            .init(folder: path, shards: 1, segmentBytes: 64 << 10, slots: 2, endpoint: "deliver://c:3515"))
        for event in events {
            let number = event.bytes.withUnsafeBytes { bytes in
                journal.shards[0].append(
                    kind: .event, flags: 0, arrival: Int64(noon * 1e9), capacity: bytes.count, slot: nil
                ) { target in
                    if let from = bytes.baseAddress { target.copyMemory(from: from, byteCount: bytes.count) }
                    return bytes.count
                }
            }
            #expect(number != 0)
        }
        let reader = try journal.reader(shard: 0)
        if let run = try reader.next(), acknowledged > 0 {
            try reader.advance(past: acknowledged, of: run.stream)
        }
        return path
    }

    private let events = (0..<9).map { event("request", at: Double($0), body: ["n": .int32(Int32($0))]) }

    @Test func `inspect says what a spool holds, and that nothing is wrong`() throws {
        let folder = try TestFolder()
        let path = try spool(folder, events: events, acknowledged: 4)
        let outcome = skein("journal", "inspect", path)
        #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
        for text in [
            path + "/0  an app's journal  id ", "pid \(getpid()), dead, did not close it, this boot",
            "endpoint deliver://c:3515", "numbers 1 to 9", "5 records and ", " behind, by 1 h",
            "damage  none", "of 2 slots",
        ] {
            #expect(outcome.output.contains(text), "\(text) is not in \(outcome.output)")
        }
    }

    @Test func `inspect gives JSON, a line for each journal, and lists events as view does`() throws {
        let folder = try TestFolder()
        let path = try spool(folder, events: events)
        let document = try ExtendedJSON.decode(skein("journal", "inspect", "--json", path).output)
        #expect(document["whole"]?.boolValue == true && document["records"]?.intValue == 9)
        #expect(document["head"]?.documentValue?["endpoint"]?.stringValue == "deliver://c:3515")
        let listed = skein("journal", "inspect", "--records", "--events", path)
        try folder.write("events", events)
        #expect(listed.output == skein("view", "--json", folder.path + "/events").output)
        let records = skein("journal", "inspect", "--records", path).lines.dropLast()
        #expect(
            records.count == 9 && records.allSatisfy { $0.hasPrefix("0.seg 1:") && $0.contains(" event ") })
        let first = try ExtendedJSON.decode(
            try #require(skein("journal", "inspect", "--records", "--json", path).lines.first))
        #expect(first["number"]?.intValue == 1 && first["offset"]?.intValue == 4096)
    }

    @Test func `a damaged journal is told of with exit code 1, repaired, and then whole`() throws {
        let folder = try TestFolder()
        let path = try spool(folder, events: events)
        let file = "spool/0/0.seg"
        var bytes = try folder.bytes(file)
        bytes[4096 + 8] = 99
        try folder.write(file, bytes)
        let found = skein("journal", "inspect", path)
        #expect(found.code == 1)
        #expect(found.output.contains("0.seg at 4096: kind 99 is none"), "\(found.output)")
        let planned = skein("journal", "repair", "--dry-run", path)
        #expect(planned.code == 1 && planned.output.contains("would keep 8 whole records"))
        #expect(try folder.bytes(file) == bytes)
        let repaired = skein("journal", "repair", path)
        #expect(repaired.code == 0, "\(repaired.errors)")
        #expect(repaired.output.contains("kept 8 whole records") && repaired.output.contains(".damaged-"))
        #expect(try folder.names("spool").count == 2)
        #expect(skein("journal", "inspect", path).code == 0)
        #expect(skein("journal", "repair", path).output == "\(path)/0: nothing to repair\n")
        #expect(skein("journal", "inspect", "--records", "--events", path).lines.count == 9)
    }

    @Test func `a journal in use is shown, and not repaired`() throws {
        let folder = try TestFolder()
        let journal = try MappedJournal(.init(folder: folder.path, shards: 1, segmentBytes: 64 << 10))
        let shown = skein("journal", "inspect", folder.path)
        #expect(shown.code == 0 && shown.output.contains("pid \(getpid()), alive"))
        let refused = skein("journal", "repair", folder.path)
        #expect(refused.code == 1 && refused.errors.contains("a living process owns it"))
        withExtendedLifetime(journal) {}
    }

    @Test func `where no journal is, that is said`() throws {
        let folder = try TestFolder()
        for path in [folder.path, folder.path + "/none", "/dev/null"] {
            let outcome = skein("journal", "inspect", path)
            #expect(outcome.code == 1 && outcome.errors.contains("no journal is at"), "\(outcome.errors)")
        }
    }

    @Test(arguments: [
        (["journal"], "inspect or repair"), (["journal", "mend", "x"], "no action mend"),
        (["journal", "inspect"], "needs one PATH"), (["journal", "inspect", "a", "b"], "needs one PATH"),
        (["journal", "inspect", "--discard", "x"], "--discard"),
        (["journal", "repair", "--records", "x"], "--records"),
        (["journal", "inspect", "--events", "x"], "goes with --records"),
    ])
    func `wrong use is told with exit code 2`(arguments: [String], named: String) {
        let outcome = run(arguments)
        #expect(outcome.code == 2 && outcome.errors.contains(named), "\(outcome.errors)")
    }

    @Test func `a file that is cut while it is mapped reads as zeros`() throws {
        MappingGuard.install()
        let folder = try TestFolder()
        let path = try folder.write("file", [UInt8](repeating: 7, count: 16_384))
        let descriptor = open(path, O_RDWR)
        defer { close(descriptor) }
        let memory = try MemoryMap.privateCopy(descriptor: descriptor, bytes: 16_384)
        defer { MemoryMap.unmap(memory, bytes: 16_384) }
        #expect(ftruncate(descriptor, 4096) == 0)
        #expect(memory.load(fromByteOffset: 4095, as: UInt8.self) == 7)
        #expect(memory.load(fromByteOffset: 8192, as: UInt8.self) == 0)
    }
}
