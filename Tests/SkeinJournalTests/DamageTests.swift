import SkeinPlatform
import Synchronization
import Testing

@testable import SkeinJournal

/// Every byte of a small segment is changed in turn: no more than its own record is lost, and that is counted.
@Suite struct DamageTests {
    private static let texts = (0..<12).map { "record \($0) " + String(repeating: "z", count: $0 * 7) }

    private func mapped(_ disk: SimulatedDisk, boot: UInt64) throws -> MappedJournal {
        try MappedJournal(
            .init(folder: "s", shards: 1, segmentBytes: 16 << 10, budgetBytes: 64 << 10, slots: 0),
            storage: disk, boot: JournalID(low: boot, high: 0))
    }

    /// What is read, and how many records are said to be damaged.
    private func found(_ disk: SimulatedDisk, boot: UInt64) throws -> (
        texts: [String], damaged: Int, skipped: Int
    ) {
        let journal = try mapped(disk, boot: boot)
        return (
            try journal.reader(shard: 0).texts(), journal.recovered.damagedRecords,
            journal.recovered.skippedRecords
        )
    }

    @Test(arguments: [UInt8(0xFF), 0x01, 0x80])
    func `a changed byte in an app's segment costs its own record at most`(
        mask: UInt8
    ) throws {
        let disk = SimulatedDisk(keepsReservations: true)
        let journal = try mapped(disk, boot: 1)
        for text in Self.texts { journal.shards[0].append(text) }
        // The reader leaves their checksums.
        _ = try journal.reader(shard: 0).texts()
        let image = disk.killed()
        let end = journal.shards[0].state.pointee.offset
        for boot in [UInt64(1), 2] {
            let whole = try found(image.killed(), boot: boot)
            #expect(whole.texts == Self.texts && whole.damaged == 0 && whole.skipped == 0)
            for index in 0..<end {
                let copy = image.killed()
                copy.edit("s/0/0.seg") { $0[index] ^= mask }
                let (texts, damaged, skipped) = try found(copy, boot: boot)
                let missing = Self.texts.filter { !texts.contains($0) }.count
                let isProgress = (128..<136).contains(index)
                guard missing <= 1, missing == damaged || isProgress && missing == 0, skipped == 0,
                    texts == Self.texts.filter(texts.contains)
                else {
                    Issue.record("byte \(index): \(missing) missing, \(damaged) counted, \(skipped) skipped")
                    return
                }
                if index >= 4096 && missing == 0 {
                    // Padding, or a flag whose absence the checksum shows.
                    #expect(image.state.withLock { $0.files["s/0/0.seg"]!.bytes[index] } <= 1)
                }
            }
        }
    }

    @Test(arguments: [UInt8(0xFF), 0x01, 0x80])
    func `a changed byte in a collector's segment costs its own record at most`(
        mask: UInt8
    ) throws {
        let disk = SimulatedDisk()
        do {
            let journal = try BatchJournalTests.journal(disk)
            _ = try journal.reader(named: "files")
            let row = try journal.openStream(stream(1), isDurable: true, highest: 0, now: 1)
            journal.append(
                Self.texts.enumerated().map { (UInt64($0.offset + 1), $0.element) }, stream: row.index)
            journal.close()
        }
        let end = disk.state.withLock { Int(SegmentHeader.committed($0.files["j/0.seg"]!.cached.bytes)) }
        #expect(end > 4096 + 12 * 40)
        for index in 0..<end {
            let copy = disk.killed()
            copy.edit("j/0.seg") { $0[index] ^= mask }
            let journal = try BatchJournalTests.journal(copy)
            let texts = try journal.reader(named: "files").texts()
            let missing = Self.texts.filter { !texts.contains($0) }.count
            // One of the damaged may be the table at the start.
            let isProgress = (128..<136).contains(index)
            let isTable = (4096..<4096 + 32 + 16 + 56 * 2).contains(index)
            guard missing <= 1, texts == Self.texts.filter(texts.contains),
                journal.recovered.skippedRecords == 0,
                missing == journal.recovered.damagedRecords || isProgress || isTable && missing == 0
            else {
                let counted = (journal.recovered.damagedRecords, journal.recovered.skippedRecords)
                Issue.record("byte \(index): \(missing) missing, damaged and skipped are \(counted)")
                return
            }
        }
    }

    @Test(arguments: [UInt8(0xFF), 0x01, 0x80])
    func `a changed byte in a header that no reader has sealed costs its own record at most`(
        mask: UInt8
    ) throws {
        let disk = SimulatedDisk(keepsReservations: true)
        let journal = try mapped(disk, boot: 1)
        for text in Self.texts { journal.shards[0].append(text) }
        let image = disk.killed()
        var start = 4096
        for text in Self.texts {
            for index in start..<start + 32 {
                // Arrival: nothing without a checksum can tell.
                if index >= start + 24 { continue }
                let copy = image.killed()
                copy.edit("s/0/0.seg") { $0[index] ^= mask }
                let (texts, damaged, skipped) = try found(copy, boot: 1)
                // A length that is damaged may end the record elsewhere; the others are as they were.
                let others = Self.texts.filter { $0 != text }
                guard texts.filter(others.contains) == others, texts.count <= 12, skipped == 0,
                    texts == Self.texts || damaged == 1 || texts.count == 12
                else {
                    Issue.record("byte \(index - start) of \(text): \(texts.count) found, \(damaged) counted")
                    return
                }
            }
            start += RecordLayout.total(text.utf8.count)
        }
    }

    @Test func `a segment that is cut off anywhere keeps what is whole before the cut`() throws {
        let disk = SimulatedDisk(keepsReservations: true)
        let journal = try mapped(disk, boot: 1)
        for text in Self.texts { journal.shards[0].append(text) }
        _ = try journal.reader(shard: 0).texts()
        let image = disk.killed()
        let end = journal.shards[0].state.pointee.offset
        for length in stride(from: 0, through: end + 8, by: 4) {
            for boot in [UInt64(1), 2] {
                let copy = image.killed()
                copy.truncate("s/0/0.seg", to: length)
                let (texts, _, _) = try found(copy, boot: boot)
                #expect(texts == Array(Self.texts[..<texts.count]))
                var end = 4096
                let whole = Self.texts.prefix { text in
                    end += RecordLayout.total(text.utf8.count)
                    return end - RecordLayout.total(text.utf8.count) + 32 + text.utf8.count <= length
                }
                #expect(texts.count == whole.count)
            }
        }
    }

    @Test func `of a file that was cut off no zeros are taken for what a record was`() throws {
        let disk = SimulatedDisk(keepsReservations: true)
        let journal = try mapped(disk, boot: 1)
        for text in Self.texts { journal.shards[0].append(text) }
        let end = journal.shards[0].state.pointee.offset
        for length in 4096..<end {
            let copy = disk.killed()
            copy.truncate("s/0/0.seg", to: length)
            // And not by the next process either, which finds the file as the first left it.
            for _ in 0..<2 {
                let (texts, _, _) = try found(copy.killed(), boot: 1)
                #expect(texts == Array(Self.texts[..<texts.count]))
            }
        }
    }

    @Test func `what an earlier use of a segment left is never taken for new`() throws {
        // Records of the same size at the same places, in a file that is used again and again.
        let disk = SimulatedDisk()
        let journal = try BatchJournalTests.journal(disk, budget: 64 << 10)
        let reader = try journal.reader(named: "files")
        for round in 0..<20 {
            for _ in 0..<8 { try journal.append(own: "\(round % 10) " + String(repeating: "s", count: 1000)) }
            try journal.sync()
            while let run = try reader.next() {
                run.release()
                try reader.advance(past: run)
            }
        }
        try journal.append(own: "last")
        try journal.sync()
        let next = try BatchJournalTests.journal(disk.killed(), budget: 64 << 10)
        #expect(try next.reader(named: "files").texts() == ["last"])
        #expect(next.recovered.skippedRecords == 0 && next.recovered.damagedRecords == 0)
    }

    @Test func `a payload full of false headers does not hold recovery up`() throws {
        let disk = SimulatedDisk(keepsReservations: true)
        let journal = try MappedJournal(
            .init(folder: "s", shards: 1, segmentBytes: 4 << 20, budgetBytes: 16 << 20, slots: 0),
            storage: disk,
            boot: JournalID(low: 1, high: 0))
        // At each eight bytes a header that claims a megabyte.
        let count = 3 << 20
        _ = journal.shards[0].append(kind: .event, flags: 0, arrival: 0, capacity: count, slot: nil) {
            memory in
            for offset in stride(from: 0, to: count, by: 8) {
                memory.storeBytes(of: 0x0000_0101_0010_0000, toByteOffset: offset, as: UInt64.self)
            }
            return count
        }
        journal.shards[0].append("after")
        let reader = try journal.reader(shard: 0)
        while let run = try reader.next() { run.release() }
        let copy = disk.killed()
        copy.edit("s/0/0.seg") { $0[4096] ^= 0xFF }
        let start = SystemClock.monotonicNanoseconds()
        let next = try MappedJournal(
            .init(folder: "s", shards: 1, segmentBytes: 4 << 20, budgetBytes: 16 << 20, slots: 0),
            storage: copy,
            boot: JournalID(low: 2, high: 0))
        #expect(next.recovered.damagedRecords >= 1)
        #expect(SystemClock.monotonicNanoseconds() - start < 20_000_000_000)
    }

    @Test func `a cursor whose file is damaged begins at the oldest record, and that is told`() throws {
        let disk = SimulatedDisk()
        do {
            let journal = try BatchJournalTests.journal(disk)
            let reader = try journal.reader(named: "files")
            for number in 0..<5 { try journal.append(own: "\(number)") }
            try journal.sync()
            for _ in 0..<3 {
                let run = try #require(try reader.next(maximumBytes: 1))
                try reader.advance(past: run)
            }
        }
        let half = disk.killed()
        half.edit("j/files.cursor") { $0[9] ^= 1 }
        var journal = try BatchJournalTests.journal(half)
        #expect(try journal.reader(named: "files").texts() == ["2", "3", "4"])
        #expect(journal.recovered.movedCursors.isEmpty)
        let both = disk.killed()
        both.edit("j/files.cursor") {
            $0[9] ^= 1
            $0[9 + 32] ^= 1
        }
        journal = try BatchJournalTests.journal(both)
        #expect(try journal.reader(named: "files").texts() == ["0", "1", "2", "3", "4"])
        #expect(journal.recovered.movedCursors.map(\.reason) == [.damaged])
    }
}
