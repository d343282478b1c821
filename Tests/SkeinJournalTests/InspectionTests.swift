import SkeinPlatform
import Synchronization
import Testing

@testable import SkeinJournal

@Suite struct InspectionTests {
    @Test func `an app's dead journal is shown as it is, and not a byte of it changes`() throws {
        let folder = TemporaryFolder()
        let texts = try DeadJournal.app(folder)
        let journal = folder.path + "/0"
        let before = try DeadJournal.content(folder.path)
        #expect(try JournalInspection.journals(at: folder.path) == [journal])
        #expect(try JournalInspection.journals(at: journal) == [journal])
        let survey = try JournalSurvey(journal)
        let inspection = survey.inspection
        #expect(inspection.isWhole && !inspection.needsRepair, "\(inspection.faults)")
        #expect(inspection.writer == .app && !inspection.isOwnerAlive)
        let head = try #require(inspection.head)
        #expect(head.pid == UInt32(getpid()) && head.isSameBoot && !head.wasClosed)
        #expect(head.endpoint == "deliver://collector:3515" && head.lastSignOfLife == 77)
        #expect(inspection.streams.map(\.records).reduce(0, +) == inspection.records)
        #expect(inspection.streams.map(\.last) == [90, 20])
        let zero = try #require(inspection.cursors.first { $0.shard == 0 })
        #expect(zero.recordsBehind == texts[0].count && zero.number == UInt64(90 - texts[0].count))
        #expect(zero.bytesBehind == texts[0].reduce(0) { $0 + RecordLayout.total($1.utf8.count) })
        #expect(zero.oldestBehind == 7)
        #expect(inspection.slots.open == 2 && inspection.slots.total == 4)
        #expect(
            inspection.slots.types.map { String(decoding: $0.type, as: UTF8.self) }.sorted() == [
                "query", "request",
            ])
        var listed: [String] = []
        survey.forEachRecord { listed.append(String(decoding: $0.record.payload, as: UTF8.self)) }
        #expect(listed.suffix(20) == texts[1].suffix(20) && listed.count == inspection.records)
        #expect(try DeadJournal.content(folder.path) == before)
    }

    @Test func `a collector's dead journal is shown as it is, and not a byte of it changes`() throws {
        let folder = TemporaryFolder()
        let texts = try DeadJournal.collector(folder)
        let before = try DeadJournal.content(folder.path)
        #expect(try JournalInspection.journals(at: folder.path) == [folder.path + "/journal"])
        let inspection = try JournalSurvey(folder.path + "/journal").inspection
        #expect(inspection.isWhole, "\(inspection.faults)")
        #expect(inspection.writer == .collector && inspection.head?.isSameBoot == true)
        #expect(inspection.cursors.map(\.name) == ["files"])
        #expect(inspection.cursors[0].recordsBehind == texts.count)
        let row = try #require(inspection.streams.first { $0.stream == stream(1) })
        #expect(row.highest == 64 && row.last == 64)
        #expect(try DeadJournal.content(folder.path) == before)
    }

    @Test func `a living owner is seen by its lock, and goes on meanwhile`() throws {
        let folder = TemporaryFolder()
        let journal = try BatchJournal(
            .init(folder: folder.path, segmentBytes: 16 << 10, budgetBytes: 96 << 10))
        let reader = try journal.reader(named: "r")
        let isDone = Atomic<Bool>(false)
        let writer = try SystemThread(name: "writer") {
            // Segments begin, are passed and used again all the time.
            while !isDone.load(ordering: .relaxed) {
                for _ in 0..<6 { _ = try? journal.append(own: String(repeating: "w", count: 1500)) }
                try? journal.sync()
                while let run = try? reader.next() {
                    run.release()
                    try? reader.advance(past: run)
                }
            }
        }
        for _ in 0..<300 {
            let inspection = try JournalSurvey(folder.path).inspection
            #expect(inspection.isOwnerAlive)
            #expect(inspection.isWhole, "\(inspection.faults)")
        }
        isDone.store(true, ordering: .relaxed)
        writer.join()
        journal.close()
        #expect(try JournalSurvey(folder.path).inspection.isWhole)
    }

    @Test func `an app that appends is looked at without harm`() throws {
        let folder = TemporaryFolder()
        let journal = try MappedJournal(
            .init(folder: folder.path, shards: 1, segmentBytes: 16 << 10, budgetBytes: 96 << 10))
        let reader = try journal.reader(shard: 0)
        let isDone = Atomic<Bool>(false)
        let writer = try SystemThread(name: "writer") {
            while !isDone.load(ordering: .relaxed) {
                journal.shards[0].append(String(repeating: "a", count: 900))
                if let run = try? reader.next() {
                    run.release()
                    try? reader.advance(past: run.last, of: run.stream)
                }
            }
        }
        for _ in 0..<300 {
            let inspection = try JournalSurvey(folder.path + "/0").inspection
            #expect(inspection.isOwnerAlive)
            #expect(inspection.isWhole, "\(inspection.faults)")
        }
        isDone.store(true, ordering: .relaxed)
        writer.join()
    }

    @Test func `the first bad record of a segment is told with its place and why`() throws {
        let folder = TemporaryFolder()
        _ = try DeadJournal.collector(folder, closes: true)
        let journal = folder.path + "/journal"
        let file = try DeadJournal.file(journal, shard: 0, sequence: 2)
        let whole = try DeadJournal.bytes("\(journal)/\(file)")
        // The record after the table.
        let start = 4096 + RecordLayout.total(16 + 2 * 56)
        for (offset, value, reason) in [
            (start + 40, UInt8(1), "its checksum is"), (start + 8, 77, "kind 77 is none"),
            (start + 3, 0xFF, "goes beyond the segment"), (start + 10, 5, "a reserved field is not zero"),
        ] {
            try DeadJournal.edit("\(journal)/\(file)") {
                $0 = whole
                $0[offset] = value
            }
            let inspection = try JournalSurvey(journal).inspection
            #expect(inspection.faults.count == 1 && inspection.damagedRecords == 1)
            let fault = try #require(inspection.faults.first)
            #expect(fault.file == file && fault.offset == start && fault.isRepairable)
            #expect(fault.reason.contains(reason), "\(fault.reason)")
        }
    }

    @Test func `no bytes whatever make looking at a journal crash or run on`() throws {
        var random = FastRandom()
        for round in 0..<40 {
            let folder = TemporaryFolder()
            let journal: String
            if round % 2 == 0 {
                _ = try DeadJournal.app(folder)
                journal = folder.path + "/0"
            } else {
                _ = try DeadJournal.collector(folder)
                journal = folder.path + "/journal"
            }
            let names = TemporaryFolder.names(journal)
            for _ in 0..<25 {
                let name = names[random.below(names.count)]
                try DeadJournal.edit("\(journal)/\(name)") { bytes in
                    guard !bytes.isEmpty else { return }
                    switch random.below(4) {
                    case 0: bytes.removeLast(random.below(bytes.count))
                    case 1:
                        bytes[random.below(min(bytes.count, 300))] = UInt8.random(in: 0...255, using: &random)
                    case 2:
                        let start = random.below(bytes.count)
                        for index in start..<min(bytes.count, start + 8) { bytes[index] = 0xFF }
                    default:
                        let start = random.below(min(bytes.count, 5000))
                        for index in start..<min(bytes.count, start + random.below(200)) {
                            bytes[index] = UInt8.random(in: 0...255, using: &random)
                        }
                    }
                }
                _ = try JournalSurvey(journal)
                _ = try JournalRepair.run(journal, isDryRun: true, now: 1)
            }
            _ = try JournalRepair.run(journal, now: 1)
            #expect(try !JournalSurvey(journal).inspection.needsRepair)
        }
    }

    @Test func `numbers that no journal reaches are damage, not an overflow`() throws {
        // Whoever makes a spool makes its checksums, too.
        let folder = TemporaryFolder()
        _ = try DeadJournal.app(folder)
        let journal = folder.path + "/0"
        for (sequence, first) in [(UInt64.max, UInt64(1)), (5, 0), (6, .max), (1 << 48, 1), (7, 9)] {
            let header = SegmentHeader(
                journal: try #require(try JournalSurvey(journal).inspection.head?.journal), boot: .boot,
                sequence: sequence, opening: 3, segmentBytes: 16 << 10, begun: 0, shard: 1,
                firstNumber: first,
                precedingEnd: 4096, precedingSequence: 0)
            let name = "\(journal)/\(100 + sequence % 10).seg"
            _ = try DiskStorage().open(name, create: true)
            try DeadJournal.edit(name) {
                $0 = header.page() + [UInt8](repeating: 0, count: 4096)
            }
        }
        _ = try DiskStorage().open("\(journal)/x.cursor", create: true)
        try DeadJournal.edit("\(journal)/x.cursor") {
            $0 =
                CursorRecord(position: .init(sequence: .max, offset: .max), number: .max, generation: 1)
                .encoded()
                + [UInt8](repeating: 0, count: 32)
        }
        _ = try JournalSurvey(journal)
        #expect(try DeadJournal.read(spool: folder.path).texts[1].count == 20)
    }

    @Test func `pipes, links, folders and enormous files in a journal's folder hold nobody up`() throws {
        let folder = TemporaryFolder()
        _ = try DeadJournal.app(folder)
        let journal = folder.path + "/0"
        mkfifo("\(journal)/50.seg", 0o600)
        mkdir("\(journal)/51.seg", 0o700)
        let huge = try DiskStorage().open("\(journal)/52.seg", create: true)
        try huge.resize(1 << 42)
        let inspection = try JournalSurvey(journal).inspection
        #expect(
            inspection.isWhole && inspection.segments.contains { $0.file == "52.seg" && $0.role == .free })
        unlink("\(journal)/50.seg")
        symlink("/dev/zero", "\(journal)/50.seg")
        #expect(throws: JournalError.self) { try JournalSurvey(journal) }
    }
}
