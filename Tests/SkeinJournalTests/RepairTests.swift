import SkeinPlatform
import Synchronization
import Testing

@testable import SkeinJournal

@Suite struct RepairTests {
    /// Each repair writes and syncs a folder: not every byte but in a long run.
    private static let step = getenv("SKEIN_JOURNAL_SEQUENCES") == nil ? 61 : 7

    private func repair(_ journal: String, discards: Bool = false) throws -> JournalRepair.Outcome {
        try JournalRepair.run(journal, discards: discards, now: 1_795_000_000)
    }

    /// Repaired, it is whole, a second repair does nothing, and an opening finds no damage.
    private func check(_ journal: String, _ outcome: JournalRepair.Outcome) throws {
        let after = try #require(outcome.after)
        #expect(after.isWhole, "\(after.faults)")
        #expect(try JournalSurvey(journal).inspection.isWhole)
        let before = try DeadJournal.content(journal)
        let second = try repair(journal)
        #expect(second.after == nil && second.damagedFolder == nil)
        #expect(try DeadJournal.content(journal) == before)
    }

    @Test func `a journal that needs no repair is left alone`() throws {
        let folder = TemporaryFolder()
        _ = try DeadJournal.app(folder)
        let before = try DeadJournal.content(folder.path)
        let outcome = try repair(folder.path + "/0")
        #expect(outcome.after == nil && outcome.damagedFolder == nil && outcome.before.isWhole)
        #expect(try DeadJournal.content(folder.path) == before)
    }

    @Test func `a journal whose owner lives is refused`() throws {
        let folder = TemporaryFolder()
        let journal = try MappedJournal(.init(folder: folder.path, shards: 1, segmentBytes: 16 << 10))
        journal.shards[0].append("x")
        for isDryRun in [false, true] {
            let error = #expect(throws: JournalError.self) {
                try JournalRepair.run(folder.path + "/0", isDryRun: isDryRun, now: 1)
            }
            #expect(error?.code == .locked)
        }
        let error = #expect(throws: JournalError.self) { try repair(folder.path) }
        #expect(error?.code == .system)
        #expect(TemporaryFolder.names(folder.path) == ["0"])
    }

    @Test func `wherever a byte of an app's segment changes, every other record is kept and shipped`() throws
    {
        let folder = TemporaryFolder()
        let texts = try DeadJournal.app(folder)
        let journal = folder.path + "/0"
        try DeadJournal.seal(journal)
        let image = try DeadJournal.content(journal)
        // The second segment of the shard: the first has the cursor in it.
        let file = try DeadJournal.file(journal, shard: 0, sequence: 2)
        let end = try #require(image[file]).withUnsafeBytes { Int(SegmentHeader.committed($0)) }
        var damaged = 0
        for index in Array(stride(from: 0, to: 144, by: 3)) + Array(stride(from: 2048, to: 2176, by: 5))
            + Array(stride(from: 4096, to: end, by: Self.step))
        {
            try DeadJournal.restore(journal, image)
            try DeadJournal.edit("\(journal)/\(file)") { $0[index] ^= 0x41 }
            let found = try JournalSurvey(journal).inspection
            let outcome = try repair(journal, discards: true)
            #expect(found.isWhole == (outcome.after == nil))
            if outcome.after != nil {
                damaged += 1
                try check(journal, outcome)
            }
            let read = try DeadJournal.read(spool: folder.path)
            let missing = texts[0].filter { !read.texts[0].contains($0) }.count
            // A committed length that is damaged may say that there was more.
            let isProgress = (128..<136).contains(index)
            guard missing == outcome.before.damagedRecords || isProgress && missing == 0, missing <= 1,
                read.texts[0] == texts[0].filter(read.texts[0].contains), read.texts[1] == texts[1],
                read.recovered.damagedRecords == 0, read.recovered.openSlots.count == 2
            else {
                Issue.record("byte \(index): \(missing) missing, \(outcome.before.faults), \(read.recovered)")
                return
            }
        }
        #expect(damaged > 100)
    }

    @Test func `wherever a byte of a collector's segment changes, every other record is kept and read`()
        throws
    {
        let folder = TemporaryFolder()
        let texts = try DeadJournal.collector(folder)
        let journal = folder.path + "/journal"
        let image = try DeadJournal.content(journal)
        let last = try #require(
            try JournalSurvey(journal).inspection.segments.filter { $0.role == .log }.last)
        for sequence in [2, last.sequence] {
            try DeadJournal.restore(journal, image)
            let file = try DeadJournal.file(journal, shard: 0, sequence: sequence)
            let end = try #require(
                try JournalSurvey(journal).inspection.segments.first { $0.sequence == sequence }
            ).end
            for index in Array(stride(from: 0, to: 144, by: 3)) + Array(stride(from: 2048, to: 2176, by: 5))
                + Array(stride(from: 4096, to: end, by: Self.step))
            {
                try DeadJournal.restore(journal, image)
                try DeadJournal.edit("\(journal)/\(file)") { $0[index] ^= 0x41 }
                let outcome = try repair(journal, discards: true)
                if outcome.after != nil { try check(journal, outcome) }
                let read = try DeadJournal.readCollector(folder)
                let missing = texts.filter { !read.texts.contains($0) }.count
                let isTable = (4096..<4096 + RecordLayout.total(16 + 2 * 56)).contains(index)
                // The very last record that was not yet known to be durable ends the log without a trace.
                guard missing <= 1, read.texts == texts.filter(read.texts.contains), !isTable || missing == 0,
                    read.recovered.damagedRecords + read.recovered.skippedRecords == 0
                else {
                    Issue.record(
                        "segment \(sequence), byte \(index): \(missing) missing, \(outcome.before.faults), \(read.recovered)"
                    )
                    return
                }
            }
        }
    }

    @Test func `a file that is cut anywhere keeps what is whole before the cut, and all other files`() throws
    {
        let folder = TemporaryFolder()
        let texts = try DeadJournal.app(folder)
        let journal = folder.path + "/0"
        let image = try DeadJournal.content(journal)
        for sequence in [UInt64(1), 2] {
            try DeadJournal.restore(journal, image)
            let file = try DeadJournal.file(journal, shard: 0, sequence: sequence)
            let survey = try JournalSurvey(journal)
            var ends: [(end: Int, text: String)] = []
            survey.forEachRecord {
                if $0.file == file {
                    ends.append(
                        (
                            Int($0.position.offset) + $0.record.totalBytes,
                            String(decoding: $0.record.payload, as: UTF8.self)
                        ))
                }
            }
            for length in [0, 100, 4095, 4096, 4097, 5000, 8192, 9001, 12_000, ends[3].end, ends[4].end + 1] {
                try DeadJournal.restore(journal, image)
                try DeadJournal.edit("\(journal)/\(file)") { $0.removeLast(max(0, $0.count - length)) }
                let outcome = try repair(journal, discards: true)
                let lost = Set(ends.filter { $0.end > length }.map(\.text))
                let read = try DeadJournal.read(spool: folder.path)
                #expect(
                    read.texts[0] == texts[0].filter { !lost.contains($0) },
                    "sequence \(sequence) cut to \(length)")
                #expect(read.texts[1] == texts[1])
                #expect(read.recovered.openSlots.count == 2)
                _ = outcome
            }
        }
    }

    @Test(arguments: [true, false])
    func `a segment that lost both copies of its header is found by its records`(
        isApp: Bool
    ) throws {
        let folder = TemporaryFolder()
        let texts = try isApp ? DeadJournal.app(folder) : [DeadJournal.collector(folder)]
        let journal = folder.path + (isApp ? "/0" : "/journal")
        if isApp {
            // Only what has a checksum can be told.
            try DeadJournal.seal(journal)
        }
        let image = try DeadJournal.content(journal)
        let log = try JournalSurvey(journal).inspection.segments.filter { $0.role == .log && $0.shard == 0 }
        #expect(log.count >= 3)
        for segment in log {
            for (from, to) in [(0, 8), (8, 128), (0, 128), (0, 256)] {
                try DeadJournal.restore(journal, image)
                try DeadJournal.edit("\(journal)/\(segment.file)") { bytes in
                    for start in [0, 2048] { for index in from..<to { bytes[start + index] ^= 0x5A } }
                }
                let outcome = try repair(journal, discards: true)
                #expect(outcome.rescuedSegments == [segment.file])
                try check(journal, outcome)
                let read =
                    isApp
                    ? try DeadJournal.read(spool: folder.path).texts[0]
                    : try DeadJournal.readCollector(folder).texts
                #expect(read == texts[0], "\(segment.file), \(from)..<\(to)")
            }
        }
    }

    @Test func `a lost head is made again, and the counters stay`() throws {
        let folder = TemporaryFolder()
        let texts = try DeadJournal.app(folder)
        let journal = folder.path + "/0"
        try DeadJournal.edit("\(journal)/journal") {
            $0[256 + 8] = 42
            for index in 0..<48 { $0[index] ^= 0xFF }
        }
        let outcome = try repair(journal)
        try check(journal, outcome)
        #expect(outcome.after?.head?.endpoint == "deliver://collector:3515")
        let read = try DeadJournal.read(spool: folder.path)
        #expect(read.texts == texts && read.recovered.openSlots.count == 2)
        #expect(read.recovered.owner?.counters[1] == 42)
        #expect(read.recovered.owner?.endpoint == "deliver://collector:3515")
        #expect(outcome.damagedFolder == journal + ".damaged-1795000000")
        #expect(try MappedJournal.deadJournals(inSpool: folder.path) == [journal])
    }

    @Test func `a cursor that is lost reads everything again, one beyond the end goes on at the end`() throws
    {
        let folder = TemporaryFolder()
        let texts = try DeadJournal.collector(folder)
        let journal = folder.path + "/journal"
        let image = try DeadJournal.content(journal)
        try DeadJournal.edit("\(journal)/files.cursor") {
            // One copy may not be written yet.
            for index in [9, 41] where index < $0.count { $0[index] ^= 1 }
        }
        var outcome = try repair(journal, discards: true)
        try check(journal, outcome)
        #expect(Array(try DeadJournal.readCollector(folder).texts.suffix(texts.count)) == texts)
        try DeadJournal.restore(journal, image)
        try DeadJournal.edit("\(journal)/files.cursor") {
            let beyond = CursorRecord(position: .init(sequence: 900, offset: 4096), number: 9, generation: 40)
            $0 = beyond.encoded() + [UInt8](repeating: 0, count: 32)
        }
        outcome = try repair(journal, discards: true)
        try check(journal, outcome)
        #expect(outcome.movedCursors.map(\.name) == ["files"])
        #expect(try DeadJournal.readCollector(folder).texts.isEmpty)
    }

    @Test(arguments: [true, false]) func `of a segment that is missing the others are kept, and it is told`(
        isApp: Bool
    ) throws {
        let folder = TemporaryFolder()
        let texts = try isApp ? DeadJournal.app(folder)[0] : DeadJournal.collector(folder)
        let journal = folder.path + (isApp ? "/0" : "/journal")
        let file = try DeadJournal.file(journal, shard: 0, sequence: 2)
        var lost: Set<String> = []
        try JournalSurvey(journal).forEachRecord {
            if $0.file == file { lost.insert(String(decoding: $0.record.payload, as: UTF8.self)) }
        }
        unlink("\(journal)/\(file)")
        let found = try JournalSurvey(journal).inspection
        #expect(!found.isWhole && !found.needsRepair)
        #expect(found.faults.contains { $0.reason.contains("segment 2 of shard 0, before it, is missing") })
        #expect(try repair(journal).after == nil)
        let read =
            isApp
            ? try DeadJournal.read(spool: folder.path).texts[0] : try DeadJournal.readCollector(folder).texts
        #expect(!lost.isEmpty && read == texts.filter { !lost.contains($0) })
    }

    @Test func `whatever a killed repair left, the next one ends it`() throws {
        let folder = TemporaryFolder()
        let texts = try DeadJournal.app(folder)
        let journal = folder.path + "/0"
        let file = try DeadJournal.file(journal, shard: 0, sequence: 2)
        try DeadJournal.edit("\(journal)/\(file)") { $0[4104] ^= 0x40 }
        let damaged = try DeadJournal.content(journal)
        // Killed while the copy was written.
        let swap = FolderSwap(journal, now: 5)
        try swap.begin()
        try RepairedFolder(JournalSurvey(journal)).write(to: swap.work)
        var outcome = try repair(journal, discards: true)
        try check(journal, outcome)
        #expect(TemporaryFolder.names(folder.path) == ["0"])
        // Killed when the names were exchanged, before the old one had its name.
        let whole = try DeadJournal.content(journal)
        mkdir(swap.work, 0o700)
        try DeadJournal.restore(swap.work, damaged)
        outcome = try repair(journal)
        #expect(outcome.after == nil)
        #expect(TemporaryFolder.names(folder.path) == ["0", "0.damaged-1795000000"])
        #expect(try DeadJournal.content(journal + ".damaged-1795000000") == damaged)
        #expect(try DeadJournal.content(journal) == whole)
        // The same again: no name is taken twice.
        mkdir(swap.work, 0o700)
        try DeadJournal.restore(swap.work, damaged)
        _ = try repair(journal)
        #expect(TemporaryFolder.names(folder.path).contains("0.damaged-1795000000.1"))
        #expect(try DeadJournal.read(spool: folder.path).texts[0].count == texts[0].count - 1)
    }

    @Test func `without room for the copy the journal stays as it is`() throws {
        let folder = TemporaryFolder()
        _ = try DeadJournal.app(folder)
        let journal = folder.path + "/0"
        try DeadJournal.edit("\(journal)/journal") { $0[20] ^= 1 }
        mkdir(journal + "/folder", 0o700)
        let before = try DeadJournal.content(folder.path)
        // What cannot be copied stops it as a full disk does.
        #expect(throws: JournalError.self) { try repair(journal) }
        #expect(try DeadJournal.content(folder.path) == before)
        #expect(TemporaryFolder.names(folder.path) == ["0"])
    }
}
