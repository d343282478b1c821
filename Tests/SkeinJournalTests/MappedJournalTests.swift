import SkeinPlatform
import Synchronization
import Testing

@testable import SkeinJournal

@Suite struct MappedJournalTests {
    @Test func `what is appended is read in order with numbers from one`() throws {
        let journal = try MappedJournal(.init(shards: 2))
        for number in 1...5 { #expect(journal.shards[1].append("record \(number)") == UInt64(number)) }
        let reader = try journal.reader(shard: 1)
        let run = try #require(try reader.next())
        #expect(run.texts == (1...5).map { "record \($0)" })
        #expect(run.numbers == [1, 2, 3, 4, 5])
        #expect(run.stream == JournalStream(journal: journal.id, opening: journal.opening, shard: 1))
        #expect(try reader.next() == nil)
        #expect(try journal.reader(shard: 0).next() == nil)
        #expect(journal.shards[1].lastNumber == 5)
    }

    @Test func `a run has whole records up to the bytes asked for and at least one`() throws {
        let journal = try MappedJournal(.init(shards: 1))
        for _ in 0..<10 { journal.shards[0].append(String(repeating: "x", count: 68)) }
        let reader = try journal.reader(shard: 0)
        #expect(try reader.next(maximumBytes: 1)?.count == 1)
        #expect(try reader.next(maximumBytes: 3 * 104)?.count == 3)
        #expect(try reader.next(maximumBytes: 4 * 104 + 103)?.count == 4)
        #expect(try reader.next()?.count == 2)
    }

    @Test func `the thousandth wake-up is called as the first was`() throws {
        let journal = try MappedJournal(.init(shards: 1))
        let reader = try journal.reader(shard: 0)
        typealias Backtrace = @convention(c) (UnsafeMutablePointer<UnsafeMutableRawPointer?>, Int32) -> Int32
        let backtrace = unsafeBitCast(try #require(dlsym(nil, "backtrace")), to: Backtrace.self)
        let depths = Monitor<[Int32]>([])
        journal.wakeUp = {
            var frames = [UnsafeMutableRawPointer?](repeating: nil, count: 512)
            let depth = backtrace(&frames, 512)
            depths.withLock { $0.append(depth) }
        }
        for number in 1...1000 {
            try #require(reader.armWakeUp())
            journal.shards[0].append("record")
            let run = try #require(try reader.next())
            try reader.advance(past: UInt64(number), of: run.stream)
        }
        // It does not sink below ever more callers.
        let (low, high) = depths.withLock { ($0.min() ?? 0, $0.max() ?? 0) }
        #expect(depths.withLock { $0.count } == 1000)
        #expect(high - low < 16)
    }

    @Test func `a slot is stamped before its record is committed`() throws {
        let journal = try MappedJournal(.init(shards: 3, slots: 1))
        let slot = try #require(journal.claimSlot())
        #expect(journal.claimSlot() == nil)
        journal.shards[2].append("earlier")
        journal.shards[2].append("closed", slot: slot)
        #expect(slot.load(as: UInt32.self) == 2)
        #expect(slot.load(fromByteOffset: 8, as: UInt64.self) == 2)
        #expect(slot.load(fromByteOffset: 16, as: UInt32.self) == 2)
        #expect(slot.load(fromByteOffset: 24, as: UInt64.self) == journal.opening)
        journal.releaseSlot(slot)
        #expect(slot.load(as: UInt32.self) == 0)
        #expect(journal.claimSlot() == slot)
    }

    @Test func `whoever sees a record committed sees its slot stamped`() throws {
        let size = RecordLayout.total(8)
        let total = 100_000
        let journal = try MappedJournal(
            .init(shards: 1, segmentBytes: 32 << 20, budgetBytes: 128 << 20, slots: 1))
        let slot = try #require(journal.claimSlot())
        journal.shards[0].append("12345678", slot: slot)
        let committedPlace = UInt(bitPattern: SegmentHeader.committed(journal.shards[0].state.pointee.base))
        let stampPlace = UInt(bitPattern: slot + SlotLayout.stampNumber)
        let early = Atomic<Int>(0)
        let looked = Atomic<Int>(0)
        let isDone = Atomic<Bool>(false)
        let watcher = try SystemThread(name: "watcher") {
            guard let committed = UnsafePointer<Atomic<UInt64>>(bitPattern: committedPlace),
                let stamp = UnsafePointer<Atomic<UInt64>>(bitPattern: stampPlace)
            else { return }
            var last = 0
            while !isDone.load(ordering: .acquiring) {
                let count =
                    (Int(committed.pointee.load(ordering: .acquiring)) - SegmentHeader.bytes) / size
                let number = stamp.pointee.load(ordering: .acquiring)
                if number < UInt64(count) { early.add(1, ordering: .relaxed) }
                if count != last { looked.add(1, ordering: .relaxed) }
                last = count
            }
        }
        for _ in 1..<total { journal.shards[0].append("12345678", slot: slot) }
        isDone.store(true, ordering: .releasing)
        watcher.join()
        #expect(journal.shards[0].lastNumber == UInt64(total))
        #expect(early.load(ordering: .relaxed) == 0)
        #expect(looked.load(ordering: .relaxed) > 0)
    }

    @Test func `an append that gives up and one that is too large leave nothing`() throws {
        let journal = try MappedJournal(.init(shards: 1, segmentBytes: 16 << 10, budgetBytes: 64 << 10))
        let shard = journal.shards[0]
        #expect(shard.append(kind: .event, flags: 0, arrival: 0, capacity: 10, slot: nil) { _ in -1 } == 0)
        for capacity in [shard.maximumPayload + 1, .max] {
            #expect(
                shard.append(kind: .event, flags: 0, arrival: 0, capacity: capacity, slot: nil) { _ in 0 }
                    == 0)
        }
        #expect(shard.append(String(repeating: "x", count: shard.maximumPayload)) == 1)
        #expect(shard.append("next") == 2)
        #expect(try journal.reader(shard: 0).texts().map(\.count) == [shard.maximumPayload, 4])
    }

    @Test func `a full journal refuses and takes again once something is acknowledged`() throws {
        let journal = try MappedJournal(.init(shards: 1, segmentBytes: 16 << 10, budgetBytes: 64 << 10))
        let shard = journal.shards[0]
        let text = String(repeating: "x", count: 1000)
        var taken: UInt64 = 0
        while shard.append(text) != 0 { taken += 1 }
        #expect(taken == 4 * 11)
        let reader = try journal.reader(shard: 0)
        #expect(try reader.texts().count == Int(taken))
        #expect(shard.append(text) == 0)
        try reader.advance(
            past: 11, of: JournalStream(journal: journal.id, opening: journal.opening, shard: 0))
        #expect(shard.append(text) == taken + 1)
        #expect(reader.backlogBytes == 34 * 1032)
        #expect(journal.usage.bytes == 64 << 10)
    }

    @Test func `memory that a run points into is not used again before its release`() throws {
        let journal = try MappedJournal(.init(shards: 1, segmentBytes: 16 << 10, budgetBytes: 32 << 10))
        let shard = journal.shards[0]
        let reader = try journal.reader(shard: 0)
        shard.append("kept")
        let run = try #require(try reader.next())
        while shard.append(String(repeating: "y", count: 1000)) != 0 {}
        _ = try reader.texts()
        try reader.advance(past: .max, of: run.stream)
        // One segment is acknowledged but lent, the other is being written.
        #expect(shard.append(String(repeating: "z", count: 1000)) == 0)
        #expect(run.texts == ["kept"])
        run.release()
        #expect(shard.append(String(repeating: "z", count: 1000)) != 0)
    }

    @Test func `steady use keeps to the same few segments`() throws {
        let journal = try MappedJournal(.init(shards: 1, segmentBytes: 64 << 10))
        let reader = try journal.reader(shard: 0)
        for _ in 0..<1000 {
            for _ in 0..<50 { journal.shards[0].append(String(repeating: "x", count: 300)) }
            journal.prepareSpares()
            while let run = try reader.next() {
                run.release()
                try reader.advance(past: run)
            }
        }
        #expect(journal.usage.bytes <= 3 * 64 << 10)
    }

    @Test func `what a burst took is given back`() throws {
        let journal = try MappedJournal(.init(shards: 1, segmentBytes: 64 << 10))
        let reader = try journal.reader(shard: 0)
        for _ in 0..<10_000 { journal.shards[0].append(String(repeating: "x", count: 300)) }
        #expect(journal.usage.bytes > 3 << 20)
        _ = try reader.texts()
        try reader.advance(past: .max, of: try #require(reader.unacknowledgedStreams().first).stream)
        journal.signOfLife(1)
        journal.signOfLife(2)
        #expect(journal.usage.bytes <= 2 * 64 << 10)
    }

    @Test func `unacknowledged records are read again after a rewind`() throws {
        let journal = try MappedJournal(.init(shards: 1, segmentBytes: 16 << 10))
        let stream = JournalStream(journal: journal.id, opening: journal.opening, shard: 0)
        for number in 1...100 { journal.shards[0].append("\(number) " + String(repeating: "x", count: 500)) }
        let reader = try journal.reader(shard: 0)
        _ = try reader.texts(maximumBytes: 5000)
        try reader.advance(past: 42, of: stream)
        #expect(reader.acknowledgedNumber == 42)
        reader.rewindToCursor()
        #expect(try reader.next(maximumBytes: 1)?.first == 43)
        _ = try reader.texts(maximumBytes: 5000)
        reader.rewind(toAfter: 77, of: stream)
        #expect(try reader.next(maximumBytes: 1)?.first == 78)
        reader.rewind(toAfter: 3, of: stream)
        #expect(try reader.next(maximumBytes: 1)?.first == 43)
        // Lost acks: the collector knows more than was read.
        try reader.advance(past: 90, of: stream)
        #expect(try reader.next(maximumBytes: 1)?.first == 91)
        #expect(reader.unacknowledgedStreams() == [.init(stream: stream, first: 91, last: nil)])
    }

    @Test func `the reader is woken once by the append it waits for`() throws {
        let journal = try MappedJournal(.init(shards: 1))
        let calls = Mutex(0)
        journal.wakeUp = { calls.withLock { $0 += 1 } }
        let reader = try journal.reader(shard: 0)
        #expect(try reader.next() == nil)
        #expect(reader.armWakeUp())
        journal.shards[0].append("first")
        #expect(calls.withLock { $0 } == 1)
        #expect(!reader.armWakeUp())
        _ = try reader.texts()
        #expect(reader.armWakeUp())
        journal.shards[0].append("second")
        journal.shards[0].append("third")
        #expect(calls.withLock { $0 } == 2)
        _ = try reader.texts()
        #expect(reader.armWakeUp(afterBytes: 100))
        journal.shards[0].append("fourth")
        #expect(calls.withLock { $0 } == 2)
        journal.shards[0].append("fifth")
        journal.shards[0].append("sixth")
        #expect(calls.withLock { $0 } == 3)
    }

    @Test func `threads that share shards lose and mix nothing`() throws {
        let journal = try MappedJournal(.init(shards: 2, segmentBytes: 64 << 10, budgetBytes: 1 << 20))
        let perThread = 20_000
        let threads = try (0..<4).map { thread in
            try SystemThread(name: "append") {
                var done = 0
                while done < perThread {
                    if journal.shards[thread % 2].append("\(thread) \(done)") != 0 { done += 1 }
                }
            }
        }
        var seen = [Int](repeating: 0, count: 4)
        var numbers: [UInt64] = [0, 0]
        let readers = try (0..<2).map { try journal.reader(shard: $0) }
        while seen.reduce(0, +) < 4 * perThread {
            for (shard, reader) in readers.enumerated() {
                guard let run = try reader.next(maximumBytes: 4096) else { continue }
                #expect(run.first == numbers[shard] + 1)
                numbers[shard] = run.last
                for text in run.texts {
                    let parts = text.split(separator: " ").compactMap { Int($0) }
                    if seen[parts[0]] != parts[1] { Issue.record("\(text) after \(seen[parts[0]])") }
                    seen[parts[0]] += 1
                }
                run.release()
                try reader.advance(past: run)
            }
            journal.prepareSpares()
        }
        for thread in threads { thread.join() }
        #expect(numbers == [UInt64(2 * perThread), UInt64(2 * perThread)])
    }

    @Test func `a wrong setting is named`() {
        let wrong: [(MappedJournal.Configuration, String)] = [
            (.init(shards: 0), "shards"), (.init(shards: 1, segmentBytes: 5000), "segmentBytes"),
            (.init(shards: 64, budgetBytes: 1 << 20), "budgetBytes"), (.init(shards: 1, slots: -1), "slots"),
            (.init(shards: 1, endpoint: String(repeating: "x", count: 1025)), "endpoint"),
        ]
        for (configuration, name) in wrong {
            let error = #expect(throws: JournalError.self) { try MappedJournal(configuration) }
            #expect(error?.code == .configuration)
            #expect(error?.message.hasPrefix(name) == true)
        }
    }
}
