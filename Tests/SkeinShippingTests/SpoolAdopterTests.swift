import SkeinBSON
import SkeinJournal
import SkeinPlatform
import SkeinShipping
import SkeinWire
import Testing

@Suite(.timeLimit(.minutes(2))) struct SpoolAdopterTests {
    private func adopter(
        _ folder: String, _ warnings: Warnings = Warnings(),
        _ change: (inout SpoolAdopter.Configuration) -> Void = { _ in }
    ) throws -> SpoolAdopter {
        var configuration = SpoolAdopter.Configuration(folder: folder)
        configuration.host = "here"
        configuration.interval = .milliseconds(20)
        configuration.pause = .milliseconds(50)
        configuration.patience = .milliseconds(200)
        change(&configuration)
        return try SpoolAdopter(configuration) { warnings.add($0) }
    }

    private func wait(_ adopter: SpoolAdopter, _ isWanted: (SpoolStatus) -> Bool) -> Bool {
        let deadline = SystemClock.monotonicNanoseconds() + 20_000_000_000
        while !isWanted(adopter.status) {
            guard SystemClock.monotonicNanoseconds() < deadline else { return false }
            usleep(2_000)
        }
        return true
    }

    @Test
    func `what eight dead processes left arrives once under their streams, and their journals are gone`()
        throws
    {
        let collector = try FakeCollector()
        defer { collector.stop() }
        let folder = try TemporaryFolder()
        var streams: [StreamIdentity] = []
        var locks: [MappedJournal] = []
        for worker in 0..<8 {
            // A living one in each place keeps the next from taking over.
            let left = try DeadProcess(
                folder: folder.path, endpoint: "deliver://127.0.0.1:\(collector.port)",
                service: "worker\(worker)", events: 100, open: 2
            ).leave()
            streams += left.streams
            locks.append(try MappedJournal(adopting: left.folder))
        }
        for journal in locks { journal.close(clean: false) }
        let adopter = try adopter(folder.path) { $0.interval = nil }
        #expect(wait(adopter) { $0.finished == 8 })
        let status = adopter.status
        #expect(status.delivered == 8 * 203 && status.abandoned == 16 && status.problem == nil)
        #expect(status.earlier.created == 8 * 203 && status.earlier.dropped == ["journal_full": 24])
        adopter.stop(timeout: .seconds(5))
        #expect(adopter.hasEnded)
        let contents = collector.now
        #expect(contents.problems == [] && contents.records == 8 * 203)
        for stream in streams { #expect(contents.numbers[stream] == (1...100).map { UInt64($0) }) }
        let delivered = Delivered(contents.documents.values.joined())
        #expect(delivered.abandoned.count == 16 && delivered.processes.count == 8)
        #expect(Set(contents.greetings.map(\.service)) == Set((0..<8).map { "worker\($0)" }))
        #expect(Set(contents.farewells).isSuperset(of: streams))
        #expect(try MappedJournal.deadJournals(inSpool: folder.path).isEmpty)
        #expect(access("\(folder.path)/0", F_OK) != 0)
    }

    @Test func `a living owner's journal is left alone, and delivered once it is dead`() throws {
        let collector = try FakeCollector()
        defer { collector.stop() }
        let folder = try TemporaryFolder()
        let endpoint = "deliver://127.0.0.1:\(collector.port)"
        let living = try MappedJournal(
            .init(folder: folder.path, shards: 1, segmentBytes: 64 << 10, endpoint: endpoint))
        living.shards[0].append(AppJournal.event(0, 1))
        try DeadProcess(folder: folder.path, endpoint: endpoint, events: 10).leave()
        let adopter = try adopter(folder.path)
        #expect(wait(adopter) { $0.finished == 1 })
        #expect(living.shards[0].append(AppJournal.event(0, 2)) == 2)
        #expect(collector.now.records == 21)
        living.close(clean: false)
        #expect(wait(adopter) { $0.finished == 2 })
        #expect(collector.now.records == 24)
        adopter.stop(timeout: .seconds(5))
    }

    @Test func `what cannot be delivered waits, while others are, and goes when it can`() throws {
        let collector = try FakeCollector()
        let away = try ListeningSocket(host: "127.0.0.1", port: 0)
        let awayPort = Int(away.port)
        close(away.descriptor)
        let folder = try TemporaryFolder()
        var locks: [MappedJournal] = []
        for index in 0..<6 {
            let port = index < 3 ? awayPort : collector.port
            let left = try DeadProcess(
                folder: folder.path, endpoint: "deliver://127.0.0.1:\(port)", events: 10
            ).leave()
            locks.append(try MappedJournal(adopting: left.folder))
        }
        for journal in locks { journal.close(clean: false) }
        let adopter = try adopter(folder.path) { $0.maximumAtOnce = 2 }
        #expect(wait(adopter) { $0.finished == 3 })
        #expect(collector.now.records == 3 * 21)
        collector.stop()
        let late = try FakeCollector(port: awayPort)
        defer { late.stop() }
        #expect(wait(adopter) { $0.finished == 6 })
        #expect(late.now.records == 3 * 21)
        #expect(late.now.problems == [])
        adopter.stop(timeout: .seconds(5))
    }

    @Test func `a journal without a usable endpoint is told once and kept, or goes to the fallback`() throws {
        let collector = try FakeCollector()
        defer { collector.stop() }
        let folder = try TemporaryFolder()
        var locks: [MappedJournal] = []
        for endpoint in ["", "nonsense://x", "file:///\(folder.path)/events.bson"] {
            let left = try DeadProcess(folder: folder.path + "/spool", endpoint: endpoint, events: 5).leave()
            locks.append(try MappedJournal(adopting: left.folder))
        }
        for journal in locks { journal.close(clean: false) }
        let warnings = Warnings()
        do {
            let adopter = try adopter(folder.path + "/spool", warnings) { $0.takesFiles = false }
            #expect(wait(adopter) { $0.kept == 3 })
            #expect(adopter.status.problem != nil && adopter.status.delivered == 0)
            adopter.stop(timeout: .seconds(5))
        }
        #expect(warnings.all.count == 3, "\(warnings.all)")
        #expect(try MappedJournal.deadJournals(inSpool: folder.path + "/spool").count == 3)
        let fallback = try Endpoint("127.0.0.1:\(collector.port)")
        let adopter = try adopter(folder.path + "/spool") {
            $0.takesFiles = false
            $0.fallback = fallback
        }
        #expect(wait(adopter) { $0.finished == 3 })
        #expect(collector.now.records == 3 * 11)
        #expect(access("\(folder.path)/events.bson", F_OK) != 0)
        adopter.stop(timeout: .seconds(5))
    }

    @Test func `a damaged journal gives what is whole, is told of and kept, and others go on`() throws {
        let collector = try FakeCollector()
        defer { collector.stop() }
        let folder = try TemporaryFolder()
        let endpoint = "deliver://127.0.0.1:\(collector.port)"
        let damaged = try DeadProcess(folder: folder.path, shards: 1, endpoint: endpoint, events: 50).leave()
        let lock = try MappedJournal(adopting: damaged.folder)
        try DeadProcess(folder: folder.path, shards: 1, endpoint: endpoint, events: 50).leave()
        lock.close(clean: false)
        // In the middle of a record in the middle.
        let file = open("\(damaged.folder)/0.seg", O_WRONLY)
        #expect(file >= 0)
        let byte: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
        #expect(pwrite(file, byte, 4, 4096 + 20 * 120) == 4)
        close(file)
        let warnings = Warnings()
        let adopter = try adopter(folder.path, warnings)
        #expect(wait(adopter) { $0.finished == 1 && $0.setAside == 1 })
        let status = adopter.status
        #expect(status.damaged == 1 && status.damagedRecords >= 1)
        #expect(warnings.wait(for: "is damaged"))
        // Records that were never shipped have no checksums yet: what follows the damage is found by its numbers.
        #expect(collector.now.records == 51 + 50)
        adopter.stop(timeout: .seconds(5))
        // Set aside as it was, where neither an app nor an adopter takes it.
        #expect(access(damaged.folder, F_OK) != 0)
        let aside = "\(folder.path)/damaged-\(lock.id)"
        #expect(access("\(aside)/0.seg", F_OK) == 0)
        #expect(try MappedJournal.deadJournals(inSpool: folder.path).isEmpty)
    }

    @Test func `what is left of a journal whose removal was interrupted is removed, a young one is not`()
        throws
    {
        let folder = try TemporaryFolder()
        for name in ["0", "1", "2"] { #expect(mkdir("\(folder.path)/\(name)", 0o700) == 0) }
        close(open("\(folder.path)/1/lock", O_CREAT | O_RDWR, 0o600))
        // A process that holds the lock and has not made its journal yet.
        let young = open("\(folder.path)/2/lock", O_CREAT | O_RDWR, 0o600)
        #expect(flock(young, LOCK_EX | LOCK_NB) == 0)
        let adopter = try adopter(folder.path)
        let deadline = SystemClock.monotonicNanoseconds() + 20_000_000_000
        while access("\(folder.path)/0", F_OK) == 0 || access("\(folder.path)/1", F_OK) == 0,
            SystemClock.monotonicNanoseconds() < deadline
        {
            usleep(2_000)
        }
        adopter.stop(timeout: .seconds(5))
        #expect(access("\(folder.path)/0", F_OK) != 0 && access("\(folder.path)/1", F_OK) != 0)
        #expect(access("\(folder.path)/2/lock", F_OK) == 0)
        close(young)
    }

    @Test func `adopters that are stopped at any time and follow each other deliver all of it once`() throws {
        let collector = try FakeCollector()
        defer { collector.stop() }
        let folder = try TemporaryFolder()
        try DeadProcess(
            folder: folder.path, endpoint: "deliver://127.0.0.1:\(collector.port)", events: 2_000, open: 50
        ).leave()
        for round in 0..<30 {
            let adopter = try adopter(folder.path)
            usleep(UInt32(round) * 1_000)
            adopter.stop(timeout: .zero)
        }
        let last = try adopter(folder.path)
        let deadline = SystemClock.monotonicNanoseconds() + 20_000_000_000
        while access("\(folder.path)/0", F_OK) == 0, SystemClock.monotonicNanoseconds() < deadline {
            usleep(2_000)
        }
        last.stop(timeout: .seconds(5))
        let contents = collector.now
        #expect(contents.problems == [])
        let delivered = Delivered(contents.documents.values.joined())
        #expect(delivered.others == 4_000)
        #expect(delivered.abandoned.sorted() == (0..<50).map { Int64($0) })
        #expect(delivered.processes.count == 1)
    }
}

extension MappedShard {
    @discardableResult
    fileprivate func append(_ event: [UInt8]) -> UInt64 {
        event.withUnsafeBytes { bytes in
            append(kind: .event, flags: 0, arrival: 1, capacity: bytes.count, slot: nil) { target in
                if let base = bytes.baseAddress { target.copyMemory(from: base, byteCount: bytes.count) }
                return bytes.count
            }
        }
    }
}
