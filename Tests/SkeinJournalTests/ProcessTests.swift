import SkeinPlatform
import Synchronization
import Testing

@testable import SkeinJournal

/// Real processes: killed while they append, and forked while they live.
@Suite(.serialized) struct ProcessTests {
    /// `fork`, which Swift hides since hardly anything may be called in the child. The children here append, and
    /// leave by `_exit` or SIGKILL.
    private static let fork: (@convention(c) () -> pid_t)? = dlsym(nil, "fork").map {
        unsafeBitCast($0, to: (@convention(c) () -> pid_t).self)
    }

    private func wait(_ child: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        return status
    }

    @Test func `nothing that was appended is lost when the process is killed`() throws {
        let fork = try #require(Self.fork)
        var random = FastRandom()
        for round in 0..<12 {
            let folder = TemporaryFolder()
            // The child tells how far it is in memory that both have.
            let board = try #require(
                mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | Int32(MAP_ANONYMOUS), -1, 0))
            defer { munmap(board, 4096) }
            let progress = board.assumingMemoryBound(to: Atomic<UInt64>.self)
            let journal = try MappedJournal(
                .init(folder: folder.path, shards: 1, segmentBytes: 64 << 10, budgetBytes: 64 << 20, slots: 1)
            )
            let slot = try #require(journal.claimSlot())
            let child = fork()
            if child == 0 {
                var number: UInt64 = 0
                while true {
                    number += 1
                    let size = Int(number * 37 % 900) + 8
                    let given = journal.shards[0].append(
                        kind: .event, flags: 0, arrival: 1, capacity: size, slot: number % 3 == 0 ? slot : nil
                    ) { memory in
                        memory.initializeMemory(as: UInt8.self, repeating: UInt8(number & 0xFF), count: size)
                        return size
                    }
                    if given == 0 { _exit(1) }
                    progress.pointee.store(given, ordering: .releasing)
                }
            }
            #expect(child > 0)
            let target = UInt64(50 + random.below(20_000))
            let deadline = SystemClock.monotonicNanoseconds() + 20_000_000_000
            while progress.pointee.load(ordering: .acquiring) < target,
                SystemClock.monotonicNanoseconds() < deadline
            {
                sched_yield()
            }
            kill(child, SIGKILL)
            let status = wait(child)
            #expect(status & 0x7F == SIGKILL)
            let reached = progress.pointee.load(ordering: .acquiring)
            journal.close(clean: false)
            let next = try MappedJournal(
                .init(folder: folder.path, shards: 1, segmentBytes: 64 << 10, budgetBytes: 64 << 20))
            #expect(next.recovered.damagedRecords == 0 && next.recovered.skippedRecords == 0)
            let reader = try next.reader(shard: 0)
            var number: UInt64 = 0
            while let run = try reader.next() {
                var records = run.makeCursor()
                while let record = records.next() {
                    number += 1
                    let isWhole =
                        record.number == number && record.payload.count == Int(number * 37 % 900) + 8
                        && record.payload.allSatisfy { $0 == UInt8(number & 0xFF) }
                    if !isWhole {
                        Issue.record("round \(round): record \(record.number) after \(number - 1)")
                    }
                }
            }
            #expect(number >= reached && number <= reached + 1)
            // The slot's stamp is of a record that is there, or the slot is found open.
            #expect(next.recovered.openSlots.count <= 1)
        }
    }

    @Test func `the child of a fork holds no lock of a journal that its parent held, adopted ones too`()
        throws
    {
        let fork = try #require(Self.fork)
        let folder = TemporaryFolder()
        try MappedJournal(.init(folder: folder.path, shards: 1)).close(clean: false)
        let adopted = try MappedJournal(adopting: folder.path + "/0")
        var named = stat()
        #expect(stat("\(folder.path)/0/lock", &named) == 0)
        let inode = named.st_ino
        func holds() -> Bool {
            var held = stat()
            for descriptor in Int32(3)..<1024 where fstat(descriptor, &held) == 0 && held.st_ino == inode {
                return true
            }
            return false
        }
        #expect(holds())
        let child = fork()
        if child == 0 { _exit(holds() ? 1 : 0) }
        #expect(wait(child) == 0)
        #expect(holds())
        adopted.close(clean: false)
    }

    @Test func `the child of a fork has no part in its parent's journal`() throws {
        let fork = try #require(Self.fork)
        let folder = TemporaryFolder()
        let journal = try MappedJournal(.init(folder: folder.path, shards: 2, slots: 4))
        let slot = try #require(journal.claimSlot())
        slot.storeBytes(of: 1, as: UInt32.self)
        journal.shards[0].append("parent")
        journal.counter(1).pointee.store(5, ordering: .relaxed)
        // As another thread of the parent may hold it at the fork.
        let hold = journal.shards[1].state.pointee.lock.acquire()
        var pipe: [Int32] = [0, 0]
        #expect(openPipe(&pipe) == 0)
        let child = fork()
        if child == 0 {
            journal.abandonAfterFork()
            var isInert =
                journal.shards[0].append(kind: .event, flags: 0, arrival: 1, capacity: 8, slot: nil) { _ in 8
                } == 0
            isInert =
                isInert
                && journal.shards[1].append(kind: .event, flags: 0, arrival: 1, capacity: 8, slot: nil) { _ in
                    8
                } == 0
            isInert = isInert && journal.claimSlot() == nil
            journal.releaseSlot(slot)
            slot.storeBytes(of: 0, as: UInt32.self)
            journal.counter(1).pointee.store(99, ordering: .relaxed)
            // The parent goes on, and ends, while the child lives.
            var byte: UInt8 = 0
            _ = read(pipe[0], &byte, 1)
            _exit(isInert ? 0 : 1)
        }
        journal.shards[1].state.pointee.lock.release(hold)
        #expect(journal.shards[0].append("still") == 2)
        #expect(journal.counter(1).pointee.load(ordering: .relaxed) == 5)
        journal.close(clean: false)
        // An inherited lock would keep the folder.
        let next = try MappedJournal(.init(folder: folder.path, shards: 2, slots: 4))
        #expect(next.folder == "\(folder.path)/0")
        #expect(next.counter(1).pointee.load(ordering: .relaxed) == 5)
        #expect(next.recovered.openSlots.count == 1)
        #expect(try next.reader(shard: 0).texts() == ["parent", "still"])
        var byte: UInt8 = 1
        _ = write(pipe[1], &byte, 1)
        #expect(wait(child) == 0)
    }
}

private func openPipe(_ descriptors: inout [Int32]) -> Int32 { pipe(&descriptors) }
