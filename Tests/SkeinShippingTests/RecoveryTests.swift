import SkeinBSON
import SkeinJournal
import SkeinPlatform
import SkeinShipping
import SkeinWire
import Testing

@Suite(.timeLimit(.minutes(2))) struct RecoveryTests {
    private func reopened(_ folder: String, slots: Int = 64, budget: Int = 16 << 20) throws -> MappedJournal {
        try MappedJournal(
            .init(folder: folder, shards: 2, segmentBytes: 64 << 10, budgetBytes: budget, slots: slots))
    }

    private func documents(_ journal: MappedJournal) throws -> [[UInt8]] {
        var documents: [[UInt8]] = []
        for shard in 0..<journal.readableShards {
            let reader = try journal.reader(shard: shard, cursor: "test")
            while let run = try reader.next() {
                var records = run.makeCursor()
                while let record = records.next() { documents.append(Array(record.payload)) }
            }
        }
        return documents
    }

    /// Whether a collector takes it.
    private func isTaken(_ event: BSONDocument) -> Bool {
        var envelope = EventEnvelope()
        return event.bytes.withUnsafeBytes { EventCheck.check($0, into: &envelope) } == nil
    }

    @Test func `open contexts and the process itself become events, once`() throws {
        let folder = try TemporaryFolder()
        try DeadProcess(folder: folder.path, events: 10, open: 5, nonsense: 3).leave()
        let journal = try reopened(folder.path)
        let recovery = JournalRecovery(journal, host: "here")
        #expect(!recovery.isDone)
        #expect(recovery.proceed() && recovery.proceed() && recovery.isDone)
        #expect(recovery.abandoned + recovery.unreadable == 8)
        #expect(recovery.unreadable == 3)
        let all = try documents(journal)
        let delivered = Delivered(all)
        #expect(delivered.others == 20)
        #expect(delivered.abandoned.sorted() == [0, 1, 2, 3, 4])
        for event in all.map({ BSONDocument(unchecked: $0) }) where event["error"] != nil {
            #expect(event["host"] == "elsewhere" && event["service"] == "checkout")
            #expect(event["pid"] == .int32(4711) && event["start"] == .double(1_000.5))
            let age = Double(SystemClock.wallNanoseconds()) * 1e-9 - (event["end"]?.doubleValue ?? 0)
            #expect(age >= 0 && age < 60)
            #expect(isTaken(event))
        }
        let process = try #require(delivered.processes.first)
        #expect(delivered.processes.count == 1)
        #expect(isTaken(process))
        #expect(process[path: "body.pid"]?.intValue == Int64(getpid()))
        #expect(process[path: "body.service"] == "checkout" && process["host"] == "elsewhere")
        #expect(process[path: "body.clean"] == .bool(false))
        #expect(process[path: "body.created"]?.intValue == 23)
        #expect(process[path: "body.dropped.journal_full"]?.intValue == 3)
        #expect(process[path: "body.open_contexts"]?.intValue == 8)
        // All slots are to be had again, and the next opening finds nothing.
        journal.close(clean: true)
        let next = try reopened(folder.path)
        #expect(JournalRecovery(next, host: "here").isDone)
        #expect(next.recovered.earlierRecords == 26)
        #expect(next.recovered.owner?.isUnreported == false)
    }

    /// A copy of the folder is what a kill at that instant would have left: nothing is ever synced.
    @Test func `a kill after any step of a recovery neither loses nor doubles`() throws {
        for steps in 0...7 {
            let folder = try TemporaryFolder()
            try DeadProcess(folder: folder.path, events: 1, open: 5).leave()
            do {
                let journal = try reopened(folder.path)
                let slots = journal.recovered.openSlots
                let owner = try #require(journal.recovered.owner)
                // What a recovery does, step by step: append with the slot, release the slot.
                for (index, slot) in slots.enumerated() where 2 * index < steps {
                    let document = try #require(
                        AbandonedEvent.document(
                            slot: UnsafeRawBufferPointer(start: slot.slot, count: 4096),
                            lastSignOfLife: owner.lastSignOfLife, host: owner.host, service: owner.service))
                    let number = document.withUnsafeBytes { bytes in
                        journal.shards[0].append(
                            kind: .event, flags: 0, arrival: 1, capacity: bytes.count, slot: slot.slot
                        ) { target in
                            if let base = bytes.baseAddress {
                                target.copyMemory(from: base, byteCount: bytes.count)
                            }
                            return bytes.count
                        }
                    }
                    #expect(number > 0)
                    if 2 * index + 1 < steps { journal.releaseSlot(slot.slot) }
                }
                journal.close(clean: false)
            }
            let journal = try reopened(folder.path)
            #expect(JournalRecovery(journal, host: "h").proceed())
            let delivered = Delivered(try documents(journal))
            #expect(delivered.abandoned.sorted() == [0, 1, 2, 3, 4], "\(steps) steps")
            #expect(delivered.processes.count == 1, "\(steps) steps")
            // The process that died first is told of, not the one that was killed while recovering.
            #expect(delivered.processes.first?[path: "body.open_contexts"]?.intValue ?? 0 > 0)
            #expect(delivered.processes.first?["host"] == "elsewhere")
        }
    }

    @Test func `what the journal has no room for waits in its slot until something was acknowledged`() throws
    {
        let folder = try TemporaryFolder()
        try DeadProcess(folder: folder.path, shards: 1, events: 300, open: 5).leave()
        // The dead one's segment takes one of three, so that 64 KiB are left for the events.
        let journal = try MappedJournal(
            .init(
                folder: folder.path, shards: 1, segmentBytes: 16 << 10, budgetBytes: 32 << 10, slots: 8))
        let recovery = JournalRecovery(journal, host: "h")
        #expect(!recovery.proceed())
        #expect(recovery.abandoned == 0)
        let reader = try journal.reader(shard: 0)
        while let run = try reader.next() { try reader.advance(past: run) }
        #expect(recovery.proceed())
        var texts: [[UInt8]] = []
        while let run = try reader.next() {
            var records = run.makeCursor()
            while let record = records.next() { texts.append(Array(record.payload)) }
        }
        #expect(Delivered(texts).abandoned.sorted() == [0, 1, 2, 3, 4])
    }

    @Test func `random slots never harm`() throws {
        for _ in 0..<20 {
            let folder = try TemporaryFolder()
            try DeadProcess(folder: folder.path, nonsense: 200).leave()
            let journal = try reopened(folder.path, slots: 256)
            let recovery = JournalRecovery(journal, host: "h")
            #expect(recovery.proceed())
            #expect(recovery.unreadable + recovery.abandoned == 200)
            #expect((0..<257).compactMap { _ in journal.claimSlot() }.count == 256)
        }
    }
}
