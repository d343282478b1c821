import SkeinPlatform
import Synchronization
import Testing

@testable import SkeinJournal

@Suite struct BatchJournalTests {
    static func journal(
        _ disk: SimulatedDisk = SimulatedDisk(), budget: Int = 1 << 20
    ) throws(JournalError) -> BatchJournal {
        try BatchJournal(
            .init(folder: "j", segmentBytes: 16 << 10, budgetBytes: budget), storage: disk,
            boot: JournalID(low: 1, high: 1))
    }

    @Test func `a reader sees what is synced and nothing else`() throws {
        let journal = try Self.journal()
        let reader = try journal.reader(named: "files")
        let row = try journal.openStream(stream(1), isDurable: true, highest: 0, now: 1)
        let outcome = journal.append([(1, "one"), (2, "two"), (3, "three")], stream: row.index)
        #expect(outcome == BatchOutcome(journaled: 3, journaledBytes: 11))
        #expect(try reader.next() == nil)
        let mark = try journal.beginMark()
        journal.append([(4, "four")], stream: row.index)
        #expect(mark.held == [.init(stream: stream(1), index: row.index, number: 3)])
        #expect(journal.stream(row.index)?.durable == 0)
        try journal.sync(mark)
        #expect(journal.stream(row.index)?.durable == 3)
        let run = try #require(try reader.next())
        #expect(run.texts == ["one", "two", "three"])
        var records = run.makeCursor()
        let record = records.next()
        #expect(
            record?.streamIndex == row.index && record?.arrival == 9 && record?.flags == RecordFlags.checksum)
        #expect(try reader.next() == nil)
        try journal.sync()
        #expect(try reader.texts() == ["four"])
    }

    @Test func `what the journal holds of a stream is not taken twice`() throws {
        let journal = try Self.journal()
        let reader = try journal.reader(named: "files")
        let row = try journal.openStream(stream(1), isDurable: true, highest: 0, now: 1)
        #expect(journal.append((1...5).map { ($0, "\($0)") }, stream: row.index).journaled == 5)
        let outcome = journal.append((3...9).map { ($0, "\($0)") }, stream: row.index)
        #expect(outcome.journaled == 4 && outcome.duplicates == 3 && outcome.failure == nil)
        #expect(journal.append((1...9).map { ($0, "\($0)") }, stream: row.index).duplicates == 9)
        try journal.sync()
        #expect(try reader.texts() == (1...9).map { "\($0)" })
    }

    @Test func `a record that is not accepted counts as taken, also after a restart`() throws {
        let disk = SimulatedDisk()
        do {
            let journal = try Self.journal(disk)
            let row = try journal.openStream(stream(1), isDurable: true, highest: 0, now: 1)
            let outcome = journal.append((1...6).map { ($0, "\($0)") }, stream: row.index) {
                $0.number % 3 != 0
            }
            #expect(outcome.journaled == 4 && outcome.rejected == 2)
            try journal.sync()
            #expect(journal.stream(row.index)?.durable == 6)
        }
        let journal = try Self.journal(disk.killed())
        #expect(journal.stream(stream(1))?.highest == 6)
        #expect(try journal.reader(named: "new").texts() == ["1", "2", "4", "5"])
    }

    @Test func `what is no run of rising records is refused where it goes wrong`() throws {
        let journal = try Self.journal()
        let row = try journal.openStream(stream(1), isDurable: true, highest: 0, now: 1)
        let reader = try journal.reader(named: "files")
        func append(_ bytes: [UInt8], _ numbers: ClosedRange<UInt64>) -> BatchOutcome {
            var bytes = bytes
            return bytes.withUnsafeMutableBytes {
                journal.append($0, stream: row.index, numbers: numbers, arrival: 1) { _ in true }
            }
        }
        #expect(append([], 1...1) == BatchOutcome())
        #expect(append([1, 2, 3], 1...1).failure == .malformed)
        let good = batch([(1, "good")])
        var outcome = append(good + [0xFF], 1...9)
        #expect(outcome.failure == .malformed && outcome.journaled == 1 && outcome.failedAt == good.count)
        outcome = append(batch([(2, "a"), (2, "b")]), 2...9)
        #expect(outcome.failure == .malformed && outcome.journaled == 1)
        outcome = append(batch([(3, "a"), (12, "beyond")]), 3...9)
        #expect(outcome.failure == .malformed && outcome.journaled == 1)
        #expect(append(batch([(5, "early")]), 6...9).failure == .malformed)
        #expect(append(batch([(6, "table")], kind: .table), 6...9).failure == .malformed)
        var length = batch([(6, "x")])
        length[3] = 0xFF
        #expect(append(length, 6...9).failure == .malformed)
        #expect(append(good, 0 ... .max).duplicates == 1)
        #expect(journal.append([(7, "x")], stream: 99).failure == .malformed)
        #expect(journal.append([(7, "x")], stream: 0).failure == .malformed)
        #expect(
            journal.append(
                [(7, String(repeating: "x", count: journal.maximumPayload + 1))], stream: row.index
            )
            .failure == .tooLarge)
        #expect(
            journal.append([(7, String(repeating: "x", count: journal.maximumPayload))], stream: row.index)
                .failure == nil)
        try journal.sync()
        #expect(try reader.texts().map { String($0.prefix(4)) } == ["good", "a", "a", "xxxx"])
    }

    @Test func `a full journal refuses producers, keeps a segment for itself, and goes on when readers do`()
        throws
    {
        let journal = try Self.journal(budget: 64 << 10)
        let reader = try journal.reader(named: "files")
        let row = try journal.openStream(stream(1), isDurable: true, highest: 0, now: 1)
        var number: UInt64 = 1
        let text = String(repeating: "x", count: 2000)
        while journal.append([(number, text)], stream: row.index).failure == nil { number += 1 }
        #expect(journal.append([(number, text)], stream: row.index).failure == .full)
        #expect(number > 15)
        #expect(throws: JournalError.self) { try journal.append(own: text) }
        #expect(try journal.append(own: text, useReserve: true) == 1)
        #expect(journal.usage.bytes == 64 << 10)
        try journal.sync()
        while let run = try reader.next() { try reader.advance(past: run) }
        #expect(journal.append([(number, text)], stream: row.index).failure == nil)
        try journal.sync()
        #expect(try reader.next()?.count == 1)
    }

    @Test func `everything is found again after a kill, also what was not synced`() throws {
        let disk = SimulatedDisk()
        let journal = try Self.journal(disk)
        let row = try journal.openStream(stream(1), isDurable: true, highest: 10, now: 3)
        let other = try journal.openStream(stream(2), isDurable: false, highest: 0, now: 4)
        for number in 11...100 {
            journal.append(
                [(UInt64(number), "r\(number) " + String(repeating: "x", count: 400))], stream: row.index)
        }
        journal.append([(1, "other")], stream: other.index)
        try journal.append(own: "mine")
        _ = try journal.beginMark()
        let next = try Self.journal(disk.killed())
        #expect(next.id == journal.id && next.opening != journal.opening)
        #expect(next.stream(stream(1))?.highest == 100 && next.stream(stream(1))?.durable == 100)
        #expect(next.stream(stream(2))?.highest == 1)
        #expect(next.stream(stream(2))?.index == other.index && next.stream(stream(2))?.isDurable == false)
        #expect(next.recovered.damagedRecords == 0 && next.recovered.skippedRecords == 0)
        let reader = try next.reader(named: "files")
        #expect(try next.append(own: "mine again") == 2)
        try next.sync()
        let texts = try reader.texts().map { $0.prefix { $0 != " " } }
        #expect(texts == (11...100).map { "r\($0)" } + ["other", "mine", "mine"])
    }

    @Test func `a failed sync takes back what is not durable and goes on in a new segment`() throws {
        for failing in 1...3 {
            let disk = SimulatedDisk()
            let journal = try Self.journal(disk)
            let reader = try journal.reader(named: "files")
            let row = try journal.openStream(stream(1), isDurable: true, highest: 0, now: 1)
            journal.append((1...3).map { ($0, "\($0)") }, stream: row.index)
            try journal.append(own: "own 1")
            try journal.sync()
            let text = String(repeating: "x", count: 3000)
            for number in 4...12 {
                journal.append([(UInt64(number), "\(number) \(text)")], stream: row.index)
            }
            try journal.append(own: "own 2")
            let mark = try journal.beginMark()
            disk.state.withLock { $0.failSyncAfter = failing }
            #expect(throws: JournalError.self) { try journal.sync(mark) }
            #expect(journal.needsRollBack)
            #expect(journal.append([(13, "late")], stream: row.index).failure == .unsynced)
            #expect(throws: JournalError.self) { try journal.append(own: "late") }
            #expect(throws: JournalError.self) { try journal.sync(mark) }
            let lost = try journal.rollBack().sorted { $0.index < $1.index }
            #expect(
                lost == [
                    .init(stream: stream(0).own(of: journal), index: 0, durable: 1, highest: 2),
                    .init(stream: stream(1), index: row.index, durable: 3, highest: 12),
                ])
            #expect(throws: JournalError.self) { try journal.sync(mark) }
            journal.append((1...14).map { ($0, "\($0)") }, stream: row.index)
            try journal.sync()
            let expected = ["1", "2", "3", "own 1"] + (4...14).map { "\($0)" }
            #expect(try reader.texts() == expected)
            for disk in [disk.killed()] {
                let next = try Self.journal(disk)
                #expect(try next.reader(named: "again").texts() == expected)
                #expect(next.stream(stream(1))?.highest == 14)
            }
        }
    }

    @Test func `cursors hold segments back until they are dropped, and are there after a restart`() throws {
        let disk = SimulatedDisk()
        let text = String(repeating: "x", count: 1000)
        do {
            let journal = try Self.journal(disk, budget: 96 << 10)
            let slow = try journal.reader(named: "slow")
            let fast = try journal.reader(named: "fast")
            var count = 0
            while (try? journal.append(own: "\(count) " + text)) != nil { count += 1 }
            try journal.sync()
            for _ in 0..<20 {
                guard let run = try fast.next(maximumBytes: 1) else { break }
                try fast.advance(past: run)
            }
            let run = try #require(try slow.next(maximumBytes: 1))
            try slow.advance(past: run)
            #expect(throws: JournalError.self) { try journal.append(own: text) }
        }
        let journal = try Self.journal(disk.killed(), budget: 96 << 10)
        #expect(journal.allCursors.map(\.name) == ["fast", "slow"])
        #expect(
            try journal.reader(named: "fast").next(maximumBytes: 1)?.texts.first?.hasPrefix("20 ") == true)
        let again = try journal.reader(named: "slow")
        #expect(try again.next(maximumBytes: 1)?.texts.first?.prefix(3) == "1 x")
        #expect(throws: JournalError.self) { try journal.append(own: text) }
        try journal.dropCursor("slow")
        #expect(try journal.append(own: text) > 0)
        #expect(throws: JournalError.self) { try journal.reader(named: "../slow") }
        let late = try journal.reader(named: "late", from: .end)
        #expect(try late.next() == nil)
        try journal.sync()
        #expect(try late.texts() == [text])
    }

    @Test func `a reader goes on where its destination says`() throws {
        let journal = try Self.journal()
        let reader = try journal.reader(named: "store")
        _ = try journal.reader(named: "slow")
        for number in 0..<60 { try journal.append(own: "\(number) " + String(repeating: "x", count: 500)) }
        try journal.sync()
        var ends: [JournalPosition] = []
        while let run = try reader.next(maximumBytes: 1) { ends.append(run.end) }
        #expect(ends.count == 60 && ends == ends.sorted())
        #expect(try reader.resume(at: ends[41]) == ends[41])
        #expect(try reader.next(maximumBytes: 1)?.texts.first?.hasPrefix("42 ") == true)
        #expect(try reader.resume(at: ends[9]) == ends[9])
        #expect(try reader.next(maximumBytes: 1)?.texts.first?.hasPrefix("10 ") == true)
        var odd = ends[9]
        odd.offset += 3
        #expect(try reader.resume(at: odd) == ends[10])
        #expect(try reader.resume(at: JournalPosition(sequence: 999, offset: 1)) == ends[59])
        #expect(try reader.next() == nil)
        // What lies before the oldest segment is gone.
        try journal.dropCursor("slow")
        for number in 60..<120 { try journal.append(own: "\(number) " + String(repeating: "x", count: 500)) }
        try journal.sync()
        while let run = try reader.next() { try reader.advance(past: run) }
        try journal.append(own: String(repeating: "y", count: 8000))
        let oldest = try reader.resume(at: JournalPosition(sequence: 0, offset: 0))
        #expect(oldest.sequence > 1 && oldest.offset == 4096)
    }

    @Test func `streams that ended are forgotten once no segment has records of them`() throws {
        let journal = try Self.journal()
        let reader = try journal.reader(named: "files")
        let row = try journal.openStream(stream(1), isDurable: true, highest: 0, now: 1)
        let silent = try journal.openStream(stream(2), isDurable: false, highest: 0, now: 1)
        let kept = try journal.openStream(stream(3), isDurable: true, highest: 0, now: 1)
        journal.append([(1, "x")], stream: row.index)
        try journal.endStream(row.index)
        try journal.sync()
        let first = journal.forgetStreams(anonymousBefore: 100, durableBefore: 0)
        #expect(first.map(\.index) == [silent.index])
        for _ in 0..<10 { try journal.append(own: String(repeating: "y", count: 3000)) }
        try journal.sync()
        while let run = try reader.next() {
            run.release()
            try reader.advance(past: run)
        }
        #expect(journal.forgetStreams(anonymousBefore: 100, durableBefore: 0).map(\.index) == [row.index])
        #expect(journal.stream(row.index) == nil && journal.stream(kept.index) != nil)
        let next = try journal.openStream(stream(1), isDurable: true, highest: 5, now: 200)
        #expect(next.index > kept.index)
    }

    @Test func `a folder on a real disk works the same, and has one owner`() throws {
        let folder = TemporaryFolder()
        let configuration = BatchJournal.Configuration(
            folder: "\(folder.path)/a/b", segmentBytes: 64 << 10, budgetBytes: 1 << 20)
        do {
            let journal = try BatchJournal(configuration)
            #expect(throws: JournalError.self) { try BatchJournal(configuration) }
            let row = try journal.openStream(stream(1), isDurable: true, highest: 0, now: 1)
            for number in 1...500 {
                journal.append(
                    [(UInt64(number), "\(number) " + String(repeating: "x", count: 300))], stream: row.index)
            }
            try journal.append(own: String(repeating: "z", count: 40_000))
            journal.counter(7).pointee.store(3, ordering: .relaxed)
            journal.close()
            #expect(journal.append([(501, "x")], stream: row.index).failure == .closed)
        }
        let journal = try BatchJournal(configuration)
        #expect(journal.recovered.owner?.wasClean == true)
        #expect(journal.counter(7).pointee.load(ordering: .relaxed) == 3)
        let texts = try journal.reader(named: "files").texts()
        #expect(texts.count == 501 && texts[499].hasPrefix("500 ") && texts[500].count == 40_000)
    }
}

extension JournalStream {
    func own(of journal: BatchJournal) -> JournalStream {
        JournalStream(journal: journal.id, opening: 0, shard: 0)
    }
}
