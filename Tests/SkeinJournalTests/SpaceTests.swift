import SkeinPlatform
import Synchronization
import Testing

@testable import SkeinJournal

@Suite struct SpaceTests {
    private let boot = JournalID(low: 1, high: 1)

    @Test func `where reserved space is no promise an app's journal takes memory and says so`() throws {
        let disk = SimulatedDisk(keepsReservations: false)
        let journal = try MappedJournal(
            .init(folder: "s", shards: 1, segmentBytes: 16 << 10, budgetBytes: 64 << 10), storage: disk,
            boot: boot)
        #expect(journal.folder == nil)
        #expect(journal.fallback?.code == .unsupported)
        #expect(journal.shards[0].append("kept in memory") == 1)
        #expect(try journal.reader(shard: 0).texts() == ["kept in memory"])
        #expect(disk.paths.isEmpty)
    }

    @Test func `a full disk is a full journal, and it takes again when there is room`() throws {
        let disk = SimulatedDisk(keepsReservations: true)
        let journal = try MappedJournal(
            .init(folder: "s", shards: 1, segmentBytes: 16 << 10, budgetBytes: 1 << 20, slots: 0),
            storage: disk,
            boot: boot)
        journal.shards[0].append("first")
        disk.state.withLock { $0.isFull = true }
        let text = String(repeating: "x", count: 1000)
        var count: UInt64 = 1
        while journal.shards[0].append(text) != 0 { count += 1 }
        #expect(count == 12)
        #expect(journal.failure?.code == .noSpace)
        let operations = disk.state.withLock { $0.operations }
        for _ in 0..<1000 { #expect(journal.shards[0].append(text) == 0) }
        // Not a system call for each.
        #expect(disk.state.withLock { $0.operations } - operations < 100)
        disk.state.withLock { $0.isFull = false }
        let deadline = SystemClock.monotonicNanoseconds() + 10_000_000_000
        while journal.shards[0].append(text) == 0, SystemClock.monotonicNanoseconds() < deadline {
            sched_yield()
        }
        #expect(journal.shards[0].lastNumber == count + 1)
        #expect(journal.failure == nil)
        #expect(try journal.reader(shard: 0).texts().count == Int(count) + 1)
    }

    @Test func `a disk that is full from the start is an error that says so`() throws {
        let disk = SimulatedDisk(keepsReservations: true)
        disk.state.withLock { $0.isFull = true }
        let error = #expect(throws: JournalError.self) {
            try MappedJournal(.init(folder: "s", shards: 1), storage: disk, boot: boot)
        }
        #expect(error?.code == .noSpace)
        #expect(error?.message.contains("s/0/journal") == true)
        disk.state.withLock { $0.isFull = false }
        #expect(try MappedJournal(.init(folder: "s", shards: 1), storage: disk, boot: boot).folder == "s/0")
    }

    @Test func `a collector whose disk is full refuses producers and goes on when there is room`() throws {
        let disk = SimulatedDisk()
        let journal = try BatchJournalTests.journal(disk)
        let reader = try journal.reader(named: "files")
        let row = try journal.openStream(stream(1), isDurable: true, highest: 0, now: 1)
        disk.state.withLock { $0.isFull = true }
        var number: UInt64 = 1
        let text = String(repeating: "x", count: 1000)
        while journal.append([(number, text)], stream: row.index).failure == nil { number += 1 }
        #expect(journal.append([(number, text)], stream: row.index).failure == .noSpace)
        #expect(throws: JournalError.self) { try journal.append(own: text) }
        #expect(!journal.needsRollBack)
        try journal.sync()
        disk.state.withLock { $0.isFull = false }
        let deadline = SystemClock.monotonicNanoseconds() + 10_000_000_000
        while journal.append([(number, text)], stream: row.index).failure != nil,
            SystemClock.monotonicNanoseconds() < deadline
        {
            sched_yield()
        }
        try journal.sync()
        #expect(try reader.texts().count == Int(number))
    }

    @Test func `writing, syncing and reading go on beside each other`() throws {
        let folder = TemporaryFolder()
        let journal = try BatchJournal(
            .init(folder: folder.path, segmentBytes: 64 << 10, budgetBytes: 2 << 20))
        let total: UInt64 = 20_000
        let marks = Mutex<[JournalMark]>([])
        let isDone = Atomic<Bool>(false)
        let row = try journal.openStream(stream(1), isDurable: true, highest: 0, now: 1)
        // Both before anything is written: what nobody is there to read is recycled.
        let cursors = [try journal.reader(named: "one"), try journal.reader(named: "two")]
        let writer = try SystemThread(name: "writer") {
            var number: UInt64 = 1
            while number <= total {
                let last = min(number + 20, total)
                let records = (number...last).map { (number: $0, text: "\($0)") }
                let outcome = journal.append(records, stream: row.index)
                number += UInt64(outcome.journaled)
                if outcome.failure != nil { sched_yield() }
                if let mark = try? journal.beginMark() { marks.withLock { $0.append(mark) } }
            }
            isDone.store(true, ordering: .releasing)
        }
        let syncer = try SystemThread(name: "syncer") {
            while true {
                let wasDone = isDone.load(ordering: .acquiring)
                let taken = marks.withLock { marks in
                    defer { marks = [] }
                    return marks
                }
                // What a later mark covers needs no sync of its own.
                if let mark = taken.last { try? journal.sync(mark) }
                if taken.isEmpty && wasDone { return }
                sched_yield()
            }
        }
        var readers: [SystemThread] = []
        let sums = Mutex<[UInt64]>([])
        for reader in cursors {
            readers.append(
                try SystemThread(name: "reader") {
                    var expected: UInt64 = 1
                    while expected <= total {
                        guard let run = try? reader.next(maximumBytes: 20_000) else {
                            sched_yield()
                            continue
                        }
                        for number in run.numbers {
                            if number != expected { return }
                            expected += 1
                        }
                        run.release()
                        try? reader.advance(past: run)
                    }
                    sums.withLock { $0.append(expected - 1) }
                })
        }
        writer.join()
        syncer.join()
        for reader in readers { reader.join() }
        #expect(sums.withLock { $0 } == [total, total])
        #expect(journal.stream(row.index)?.durable == total)
    }
}
