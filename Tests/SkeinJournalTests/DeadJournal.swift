import SkeinPlatform
import Synchronization
import Testing

@testable import SkeinJournal

/// Journals on the disk whose owner is gone, to look at and to damage.
enum DeadJournal {
    static let segmentBytes = 16 << 10

    /// An app's spool with a journal of two shards: three segments in shard 0, one in shard 1, two open contexts, and
    /// a cursor that has passed some of shard 0. What is behind the cursor of each shard.
    static func app(_ folder: TemporaryFolder, records: Int = 90) throws -> [[String]] {
        let journal = try MappedJournal(
            .init(
                folder: folder.path, shards: 2, segmentBytes: segmentBytes, budgetBytes: 1 << 20, slots: 4,
                endpoint: "deliver://collector:3515"))
        var texts: [[String]] = [[], []]
        for number in 0..<records {
            let text = "zero \(number) " + String(repeating: "z", count: 100 + number * 9)
            #expect(journal.shards[0].append(text) != 0)
            texts[0].append(text)
        }
        for number in 0..<20 {
            #expect(journal.shards[1].append("one \(number)") != 0)
            texts[1].append("one \(number)")
        }
        let reader = try journal.reader(shard: 0)
        let run = try #require(try reader.next(maximumBytes: 4000))
        try reader.advance(past: run.last, of: run.stream)
        texts[0].removeFirst(run.count)
        run.release()
        for type in ["request", "query"] {
            let slot = try #require(journal.claimSlot())
            slot.storeBytes(of: UInt16(type.utf8.count).littleEndian, toByteOffset: 80, as: UInt16.self)
            for (index, byte) in type.utf8.enumerated() {
                slot.storeBytes(of: byte, toByteOffset: 88 + index, as: UInt8.self)
            }
            slot.storeBytes(of: SlotLayout.open.littleEndian, as: UInt32.self)
        }
        journal.signOfLife(77)
        return texts
    }

    /// What the next process of an app reads.
    static func read(spool: String) throws -> (texts: [[String]], recovered: RecoveredJournal) {
        let journal = try MappedJournal(
            .init(folder: spool, shards: 1, segmentBytes: segmentBytes, budgetBytes: 1 << 20))
        let texts = try (0..<journal.readableShards).map { try journal.reader(shard: $0).texts() }
        return (texts, journal.recovered)
    }

    /// A collector's journal of some segments, with the cursor of `files` behind the first records. What is behind it.
    static func collector(_ folder: TemporaryFolder, closes: Bool = false) throws -> [String] {
        let journal = try BatchJournal(
            .init(folder: folder.path + "/journal", segmentBytes: segmentBytes, budgetBytes: 1 << 20))
        let reader = try journal.reader(named: "files")
        let row = try journal.openStream(stream(1), isDurable: true, highest: 0, now: 1)
        var texts: [String] = []
        for first in stride(from: UInt64(1), through: 57, by: 8) {
            let records = (first..<first + 8).map {
                (number: $0, text: "\($0) " + String(repeating: "c", count: 700))
            }
            #expect(journal.append(records, stream: row.index).journaled == 8)
            texts += records.map(\.text)
            try journal.sync()
        }
        let run = try #require(try reader.next(maximumBytes: 3000))
        try reader.advance(past: run)
        texts.removeFirst(run.count)
        run.release()
        if closes { journal.close() }
        return texts
    }

    static func readCollector(_ folder: TemporaryFolder) throws -> (
        texts: [String], recovered: RecoveredJournal
    ) {
        let journal = try BatchJournal(
            .init(folder: folder.path + "/journal", segmentBytes: segmentBytes, budgetBytes: 1 << 20))
        return (try journal.reader(named: "files").texts(), journal.recovered)
    }

    /// Gives all records of an app's journal their checksums, as if the shipper had read everything.
    static func seal(_ journal: String) throws {
        for source in try JournalSurvey(journal).sources {
            var mending = SegmentMending(source, isApp: true, nextFirstNumber: nil)
            try mending.mend()
            let bytes = source.found.file.mapping.bytes
            try edit("\(journal)/\(SegmentFile.name(source.found.file.number))") { $0 = Array(bytes) }
        }
    }

    // MARK: Files

    static func bytes(_ path: String) throws -> [UInt8] {
        let file = try DiskStorage().open(path, create: false)
        return try file.read(try file.byteCount(), at: 0)
    }

    static func edit(_ path: String, _ change: (inout [UInt8]) -> Void) throws {
        var bytes = try bytes(path)
        change(&bytes)
        let file = try DiskStorage().open(path, create: true)
        try file.write(bytes, at: 0)
        try file.resize(bytes.count)
    }

    /// Everything in a folder: names and bytes.
    static func content(_ folder: String) throws -> [String: [UInt8]] {
        var content: [String: [UInt8]] = [:]
        for name in TemporaryFolder.names(folder) {
            var status = stat()
            if stat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG {
                content[name] = try bytes("\(folder)/\(name)")
            } else {
                for (inner, bytes) in try Self.content("\(folder)/\(name)") {
                    content["\(name)/\(inner)"] = bytes
                }
            }
        }
        return content
    }

    static func restore(_ folder: String, _ content: [String: [UInt8]]) throws {
        for name in TemporaryFolder.names(folder) { unlink("\(folder)/\(name)") }
        for (name, bytes) in content {
            let file = try DiskStorage().open("\(folder)/\(name)", create: true)
            try file.write(bytes, at: 0)
        }
    }

    /// The file of a segment.
    static func file(_ folder: String, shard: Int, sequence: UInt64) throws -> String {
        let inspection = try JournalSurvey(folder).inspection
        return try #require(inspection.segments.first { $0.shard == shard && $0.sequence == sequence }).file
    }
}
