import SkeinPlatform
import Synchronization
import Testing

@testable import SkeinJournal

@Suite struct SpoolTests {
    @Test func `records of a process that died are read first under their own stream`() throws {
        let folder = TemporaryFolder()
        var dead: JournalStream?
        do {
            let journal = try MappedJournal(
                .init(folder: folder.path, shards: 2, segmentBytes: 64 << 10, endpoint: "tcp://old:1"))
            #expect(journal.folder == "\(folder.path)/0")
            #expect(journal.recovered.owner == nil)
            for number in 1...500 { journal.shards[1].append("old \(number)") }
            let reader = try journal.reader(shard: 1)
            dead = try reader.next(maximumBytes: 1)?.stream
            try reader.advance(past: 123, of: try #require(dead))
            journal.counter(3).pointee.store(42, ordering: .relaxed)
            journal.signOfLife(99)
        }
        let stream = try #require(dead)
        let journal = try MappedJournal(.init(folder: folder.path, shards: 1, segmentBytes: 64 << 10))
        #expect(journal.folder == "\(folder.path)/0")
        #expect(journal.id == stream.journal)
        let owner = try #require(journal.recovered.owner)
        #expect(!owner.wasClean && owner.isSameBoot)
        #expect(owner.pid == UInt32(getpid()))
        #expect(owner.endpoint == "tcp://old:1")
        #expect(owner.lastSignOfLife == 99)
        #expect(owner.counters[3] == 42)
        #expect(journal.recovered.damagedRecords == 0)
        #expect(
            journal.recovered.streams == [RecoveredStream(stream: stream, first: 1, last: 500, records: 500)])
        #expect(journal.readableShards == 2)
        #expect(try journal.reader(shard: 0).next() == nil)
        let reader = try journal.reader(shard: 1)
        #expect(reader.unacknowledgedStreams() == [.init(stream: stream, first: 124, last: 500)])
        #expect(try reader.texts() == (124...500).map { "old \($0)" })
        try reader.advance(past: 500, of: stream)
        #expect(reader.unacknowledgedStreams().isEmpty)
    }

    @Test func `a stream of its own begins with each opening`() throws {
        let folder = TemporaryFolder()
        var streams: [JournalStream] = []
        for opening in 0..<5 {
            let journal = try MappedJournal(.init(folder: folder.path, shards: 1, segmentBytes: 64 << 10))
            #expect(journal.shards[0].append("opening \(opening)") == 1)
            streams.append(JournalStream(journal: journal.id, opening: journal.opening, shard: 0))
        }
        let journal = try MappedJournal(.init(folder: folder.path, shards: 1, segmentBytes: 64 << 10))
        let reader = try journal.reader(shard: 0)
        for (opening, stream) in streams.enumerated() {
            let run = try #require(try reader.next())
            #expect(run.stream == stream)
            #expect(run.texts == ["opening \(opening)"])
        }
        #expect(try reader.next() == nil)
        // An acknowledgement of a later stream waits for the earlier ones.
        try reader.advance(past: 1, of: streams[1])
        #expect(reader.unacknowledgedStreams().count == 5)
        try reader.advance(past: 1, of: streams[0])
        #expect(reader.unacknowledgedStreams().map(\.stream) == Array(streams[2...]))
    }

    @Test func `processes that share a spool have a journal each`() throws {
        let folder = TemporaryFolder()
        let first = try MappedJournal(.init(folder: folder.path, shards: 1))
        let second = try MappedJournal(.init(folder: folder.path, shards: 1))
        #expect(first.folder == "\(folder.path)/0")
        #expect(second.folder == "\(folder.path)/1")
        #expect(try MappedJournal.deadJournals(inSpool: folder.path) == [])
        #expect(throws: JournalError.self) { try MappedJournal(adopting: "\(folder.path)/0") }
        first.close(clean: true)
        #expect(try MappedJournal.deadJournals(inSpool: folder.path) == ["\(folder.path)/0"])
        let third = try MappedJournal(.init(folder: folder.path, shards: 1))
        #expect(third.folder == "\(folder.path)/0")
        #expect(third.recovered.owner?.wasClean == true)
    }

    @Test func `a dead journal is adopted and removed once delivered`() throws {
        let folder = TemporaryFolder()
        do {
            let journal = try MappedJournal(
                .init(folder: folder.path, shards: 2, endpoint: "deliver://collector:3515"))
            journal.shards[0].append("left behind")
        }
        let path = try #require(try MappedJournal.deadJournals(inSpool: folder.path).first)
        let adopted = try MappedJournal(adopting: path)
        #expect(adopted.recovered.owner?.endpoint == "deliver://collector:3515")
        #expect(try adopted.reader(shard: 0).texts() == ["left behind"])
        adopted.closeAndRemove()
        #expect(TemporaryFolder.names(folder.path) == [])
    }

    @Test func `a slot whose record was committed is free and every other is found open`() throws {
        let folder = TemporaryFolder()
        do {
            let journal = try MappedJournal(.init(folder: folder.path, shards: 1, slots: 8))
            let slots = (0..<4).compactMap { _ in journal.claimSlot() }
            for (index, slot) in slots.enumerated() {
                slot.storeBytes(of: 1, as: UInt32.self)
                slot.storeBytes(of: UInt8(65 + index), toByteOffset: 512, as: UInt8.self)
            }
            journal.shards[0].append("closed", slot: slots[0])
            // Stamped, and killed before the record was committed.
            slots[1].storeBytes(of: 2, toByteOffset: 8, as: UInt64.self)
            slots[1].storeBytes(of: journal.opening, toByteOffset: 24, as: UInt64.self)
            slots[1].storeBytes(of: 2, as: UInt32.self)
            journal.releaseSlot(slots[2])
        }
        for _ in 0..<2 {
            // Killed while recovering, and again.
            let journal = try MappedJournal(.init(folder: folder.path, shards: 1, slots: 8))
            #expect(journal.recovered.openSlots.map { $0.bytes[512] } == [66, 68])
        }
        do {
            let journal = try MappedJournal(.init(folder: folder.path, shards: 1, slots: 8))
            let slot = journal.recovered.openSlots[0].slot
            #expect(journal.shards[0].append("abandoned", slot: slot) == 1)
        }
        let journal = try MappedJournal(.init(folder: folder.path, shards: 1, slots: 2))
        #expect(journal.recovered.openSlots.map { $0.bytes[512] } == [68])
        #expect(try journal.reader(shard: 0).texts() == ["closed", "abandoned"])
        journal.releaseSlot(journal.recovered.openSlots[0].slot)
        #expect((0..<9).compactMap { _ in journal.claimSlot() }.count == 8)
    }

    @Test func `a closed journal takes nothing and keeps its counters readable`() throws {
        let folder = TemporaryFolder()
        let journal = try MappedJournal(.init(folder: folder.path, shards: 1))
        let slot = try #require(journal.claimSlot())
        journal.shards[0].append("before")
        let reader = try journal.reader(shard: 0)
        let run = try #require(try reader.next())
        journal.counter(0).pointee.store(5, ordering: .relaxed)
        journal.close(clean: false)
        #expect(journal.shards[0].append("after") == 0)
        #expect(journal.claimSlot() == nil)
        #expect(try reader.next() == nil)
        #expect(throws: JournalError.self) { try reader.advance(past: run) }
        #expect(run.texts == ["before"])
        let next = try MappedJournal(.init(folder: folder.path, shards: 1))
        // What the old object still does, the new owner never sees.
        slot.storeBytes(of: 1, as: UInt32.self)
        journal.counter(0).pointee.store(6, ordering: .relaxed)
        #expect(next.counter(0).pointee.load(ordering: .relaxed) == 5)
        #expect(next.recovered.openSlots.isEmpty)
        #expect(try next.reader(shard: 0).texts() == ["before"])
    }
}
