import SkeinArchive
import SkeinBSON
import SkeinPlatform
import Testing

@testable import SkeinCollector

/// Records as a run of the journal has them, without the journal.
struct RunOfEvents {
    var bytes: [UInt8] = []
    var places: [EventPlace] = []

    mutating func append(_ document: BSONDocument, arrival: Int64) {
        let start = bytes.count
        bytes += [UInt8](repeating: 0, count: 32) + document.bytes
        bytes += [UInt8](repeating: 0, count: (8 - bytes.count % 8) % 8)
        withUnsafeBytes(of: UInt32(document.bytes.count).littleEndian) {
            bytes.replaceSubrange(start..<start + 4, with: $0)
        }
        withUnsafeBytes(of: arrival.littleEndian) { bytes.replaceSubrange(start + 24..<start + 32, with: $0) }
        places.append(EventPlace(offset: UInt32(start + 32), count: UInt32(document.bytes.count)))
    }

    func give(to outlet: FilesOutlet) throws {
        try bytes.withUnsafeBytes { bytes in
            try places.withUnsafeBufferPointer { try outlet.take(EventBatch(bytes: bytes, events: $0)) }
        }
    }
}

/// 2026-11-20 12:00:00 UTC.
let noon: Int64 = 1_795_176_000_000_000_000

func event(_ type: String, _ number: Int, at seconds: Double? = nil, text: String = "") -> BSONDocument {
    let end = seconds ?? Double(noon) * 1e-9
    return [
        "id": .string("id\(number)"), "type": .string(type), "host": "h", "pid": 1, "start": .double(end - 1),
        "end": .double(end), "body": ["n": .int64(Int64(number)), "text": .string(text)],
    ]
}

@Suite struct FilesOutletTests {
    let folder: TemporaryFolder
    let checkpointPath: String

    init() throws {
        folder = try TemporaryFolder()
        checkpointPath = folder.path + "/files.checkpoint"
    }

    func outlet(maximumTypes: Int = 10_000) throws -> FilesOutlet {
        var settings = OutletConfiguration.Files(path: folder.path + "/files")
        settings.maximumTypes = maximumTypes
        let file = OutletCheckpointFile(path: checkpointPath)
        let outlet = FilesOutlet(
            settings: settings, checkpointFile: file, warner: Warner(.none), onSynced: {})
        // As an outlet's loop does: without a checkpoint yet, one at the very beginning.
        if file.load() == nil { try file.replace(checkpoint([:]), notes: []) }
        try outlet.open(file.load())
        return outlet
    }

    func checkpoint(_ details: BSONDocument) -> OutletCheckpoint {
        OutletCheckpoint(journal: "j", sequence: 1, offset: 0, counters: OutletCounters(), details: details)
    }

    func takeCheckpoint(_ outlet: FilesOutlet) throws {
        #expect(try outlet.beginCheckpoint())
        let deadline = SystemClock.monotonicNanoseconds() + 20_000_000_000
        while true {
            let isKept = try outlet.endCheckpoint { (details, notes) throws(OutletFailure) in
                do throws(SystemError) {
                    try outlet.checkpointFile.replace(checkpoint(details), notes: notes)
                } catch { throw .unavailable("\(error)") }
            }
            if isKept { return }
            try #require(SystemClock.monotonicNanoseconds() < deadline)
            sched_yield()
        }
    }

    func content(_ path: String) -> [UInt8]? { TemporaryFolder.read(folder.path + "/files/" + path) }

    @Test func `a day stays locked until a checkpoint covers what was written to it`() throws {
        let outlet = try outlet()
        var run = RunOfEvents()
        run.append(event("a", 1), arrival: noon)
        try run.give(to: outlet)
        try outlet.rotate()
        let day = folder.path + "/files/20261120"
        #expect(throws: ArchiveError.self) { _ = try DayFolderLock(folder: day, .exclusive) }
        #expect(try outlet.beginCheckpoint())
        #expect(throws: ArchiveError.self) { _ = try DayFolderLock(folder: day, .exclusive) }
        try eventually("the checkpoint is through") {
            try outlet.endCheckpoint { (_, _) throws(OutletFailure) in }
        }
        _ = try DayFolderLock(folder: day, .exclusive)
        outlet.close()
    }

    @Test func `each type has a file a day, with exactly the bytes that came, in order`() throws {
        let outlet = try outlet()
        var run = RunOfEvents()
        let events = (0..<10).map { event($0 % 3 == 0 ? "request" : "request.sql", $0) }
        for event in events { run.append(event, arrival: noon) }
        try run.give(to: outlet)
        try outlet.flush()
        #expect(
            content("20261120/request-20261120.bson")
                == events.indices.filter { $0 % 3 == 0 }.flatMap { events[$0].bytes })
        #expect(
            content("20261120/request.sql-20261120.bson")
                == events.indices.filter { $0 % 3 != 0 }.flatMap { events[$0].bytes })
        #expect(outlet.heldBytes == 0)
    }

    @Test func `the day is the event's own, unless it is a week before or a day after its arrival`() throws {
        let outlet = try outlet()
        let now = Double(noon) * 1e-9
        let day = 86_400.0
        var run = RunOfEvents()
        run.append(event("a", 0, at: now - 6.9 * day), arrival: noon)
        run.append(event("a", 1, at: now + 0.9 * day), arrival: noon)
        run.append(event("a", 2, at: now - 7.1 * day), arrival: noon)
        run.append(event("a", 3, at: now + 1.1 * day), arrival: noon)
        run.append(event("a", 4, at: -1e300), arrival: noon)
        run.append(["type": "a", "end": .double(.nan), "start": .double(now - day)], arrival: noon)
        run.append(["type": "a"], arrival: noon)
        run.append(["type": "a", "end": .datetime(Int64((now - 2 * day) * 1000))], arrival: noon)
        try run.give(to: outlet)
        try outlet.flush()
        #expect(
            TemporaryFolder.names(folder.path + "/files") == [
                "20261113", "20261118", "20261119", "20261120", "20261121",
            ])
        #expect(outlet.figures.clockSkew == 3)
        let today = try #require(content("20261120/a-20261120.bson"))
        #expect(today == run.places[2...4].flatMap { run.document($0) } + run.document(run.places[6]))
        #expect(content("20261118/a-20261118.bson") == run.document(run.places[7]))
    }

    @Test func `types beyond the limit share one file`() throws {
        let outlet = try outlet(maximumTypes: 2)
        var run = RunOfEvents()
        for number in 0..<10 { run.append(event("t\(number % 5)", number), arrival: noon) }
        try run.give(to: outlet)
        try outlet.flush()
        #expect(
            TemporaryFolder.names(folder.path + "/files/20261120")
                == ["_other-20261120.bson", "t0-20261120.bson", "t1-20261120.bson"])
        let others = run.places.indices.filter { $0 % 5 > 1 }.flatMap { run.document(run.places[$0]) }
        #expect(content("20261120/_other-20261120.bson") == others)
    }

    @Test(arguments: 0..<40) func `after a crash at any byte every event stands once`(seed: Int) throws {
        var random = FastRandom(seed: UInt64(seed))
        let types = ["a", "b", "c.d", "e"]
        let events = (0..<200).map { number in
            event(
                types[Int.random(in: 0..<types.count, using: &random)], number,
                text: String(repeating: "x", count: .random(in: 0..<200, using: &random)))
        }
        var checkpointed = 0
        var given = 0
        var first: FilesOutlet? = try outlet(maximumTypes: 3)
        while given < 150 {
            let next = min(150, given + Int.random(in: 1..<30, using: &random))
            var run = RunOfEvents()
            for event in events[given..<next] { run.append(event, arrival: noon) }
            try run.give(to: #require(first))
            given = next
            if Bool.random(using: &random) { try first?.flush() }
            if Int.random(in: 0..<4, using: &random) == 0 {
                try takeCheckpoint(#require(first))
                checkpointed = given
            }
            if Int.random(in: 0..<6, using: &random) == 0 { try first?.rotate() }
        }
        if Bool.random(using: &random) { _ = try first?.beginCheckpoint() }
        // A crash: nothing is flushed or closed. Then the power cut's work on what was not synced: files lose bytes
        // of their ends, or have zeros there.
        first = nil
        let noted = try #require(OutletCheckpointFile(path: checkpointPath).load())
        var lengths: [String: Int] = [:]
        for document in [noted.checkpoint.details] + noted.notes {
            for (path, length) in document["files"]?.documentValue ?? [:] where lengths[path] == nil {
                lengths[path] = Int(length.intValue ?? 0)
            }
        }
        for (path, length) in lengths {
            guard var bytes = content(path), bytes.count > length else { continue }
            let kept = Int.random(in: length...bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes = Array(bytes[..<kept])
            case 1: for index in kept..<bytes.count { bytes[index] = 0 }
            default: break
            }
            try TemporaryFolder.write(folder.path + "/files/" + path, bytes)
        }
        let second = try outlet(maximumTypes: 3)
        while checkpointed < events.count {
            let next = min(events.count, checkpointed + Int.random(in: 1..<60, using: &random))
            var run = RunOfEvents()
            for event in events[checkpointed..<next] { run.append(event, arrival: noon) }
            try run.give(to: second)
            if Bool.random(using: &random) { try second.flush() }
            checkpointed = next
        }
        try second.caughtUp()
        var stored: [[UInt8]] = []
        for name in TemporaryFolder.names(folder.path + "/files/20261120") {
            var rest = try #require(content("20261120/" + name))[...]
            var last = -1
            while !rest.isEmpty {
                let document = try #require(
                    rest.withUnsafeBytes { BSONView(prefixOf: $0)?.document() }, "\(name)")
                let number = try #require(document[path: "body.n"]?.intValue)
                #expect(number > last)
                last = Int(number)
                stored.append(document.bytes)
                rest = rest.dropFirst(document.bytes.count)
            }
        }
        #expect(stored.count == events.count)
        #expect(Set(stored) == Set(events.map(\.bytes)))
    }

    @Test func `a torn end that the journal does not give again is cut off, whole events stay`() throws {
        var first: FilesOutlet? = try outlet()
        var run = RunOfEvents()
        run.append(event("a", 1), arrival: noon)
        run.append(event("b", 2), arrival: noon)
        try run.give(to: #require(first))
        try takeCheckpoint(#require(first))
        first = nil
        let path = "20261120/a-20261120.bson"
        let extra = event("a", 3).bytes
        let before = try #require(content(path))
        try TemporaryFolder.write(folder.path + "/files/" + path, before + extra + extra.dropLast(3))
        let second = try outlet()
        try second.caughtUp()
        #expect(content(path) == before + extra)
        #expect(second.figures.torn == 1)
    }

    @Test func `what was written since a failed sync is written anew`() throws {
        let outlet = try outlet()
        var run = RunOfEvents()
        run.append(event("a", 1), arrival: noon)
        try run.give(to: outlet)
        try takeCheckpoint(outlet)
        try run.give(to: outlet)
        try outlet.flush()
        outlet.close()
        outlet.trustsFiles = false
        try outlet.open(outlet.checkpointFile.load())
        try run.give(to: outlet)
        try outlet.flush()
        #expect(
            content("20261120/a-20261120.bson") == run.document(run.places[0]) + run.document(run.places[0]))
    }

    @Test func `a file that was moved away is followed by a new one`() throws {
        let outlet = try outlet()
        var run = RunOfEvents()
        run.append(event("a", 1), arrival: noon)
        try run.give(to: outlet)
        try takeCheckpoint(outlet)
        let path = folder.path + "/files/20261120/a-20261120.bson"
        #expect(rename(path, path + ".old") == 0)
        try outlet.tick(now: SystemClock.monotonicNanoseconds())
        try run.give(to: outlet)
        try outlet.flush()
        #expect(TemporaryFolder.read(path) == run.document(run.places[0]))
        #expect(TemporaryFolder.read(path + ".old") == run.document(run.places[0]))
        #expect(outlet.figures.replaced == 1)
    }

    @Test func `a day's folder that was removed is made again`() throws {
        let outlet = try outlet()
        var run = RunOfEvents()
        run.append(event("a", 1), arrival: noon)
        try run.give(to: outlet)
        try outlet.flush()
        let day = folder.path + "/files/20261120"
        #expect(unlink(day + "/a-20261120.bson") == 0 && unlink(day + "/.lock") == 0 && rmdir(day) == 0)
        try outlet.tick(now: SystemClock.monotonicNanoseconds())
        try run.give(to: outlet)
        try outlet.flush()
        #expect(TemporaryFolder.read(day + "/a-20261120.bson") == run.document(run.places[0]))
    }

    @Test func `an event whose file cannot be made is refused alone`() throws {
        let outlet = try outlet()
        #expect(mkdir(folder.path + "/files/20261120", 0o755) == 0)
        #expect(mkdir(folder.path + "/files/20261120/b-20261120.bson", 0o755) == 0)
        var run = RunOfEvents()
        for (number, type) in ["a", "b", "c", "b"].enumerated() {
            run.append(event(type, number), arrival: noon)
        }
        do {
            try run.give(to: outlet)
            Issue.record("was taken")
        } catch OutletFailure.refused(let indices, let reason) {
            #expect(indices == [1, 3])
            #expect(reason.contains("b-20261120.bson"))
        }
        #expect(outlet.heldBytes == 0)
    }

    @Test func `while somebody zips a day its events wait`() throws {
        let outlet = try outlet()
        var run = RunOfEvents()
        run.append(event("a", 1), arrival: noon)
        #expect(mkdir(folder.path + "/files/20261120", 0o755) == 0)
        do {
            let lock = try DayFolderLock(folder: folder.path + "/files/20261120", .exclusive)
            #expect(throws: OutletFailure.self) { try run.give(to: outlet) }
            _ = consume lock
        }
        try run.give(to: outlet)
        try outlet.flush()
        #expect(content("20261120/a-20261120.bson") == run.document(run.places[0]))
        // And while it writes, nobody may zip.
        #expect(throws: ArchiveError.self) {
            _ = try DayFolderLock(folder: folder.path + "/files/20261120", .exclusive)
        }
        try outlet.rotate()
        try takeCheckpoint(outlet)
        _ = try DayFolderLock(folder: folder.path + "/files/20261120", .exclusive)
    }

    @Test func `more types than open files are allowed`() throws {
        let outlet = try outlet()
        outlet.maximumOpenFiles = 20
        var run = RunOfEvents()
        for number in 0..<300 { run.append(event("t\(number % 100)", number), arrival: noon) }
        for _ in 0..<3 {
            try run.give(to: outlet)
            try outlet.flush()
        }
        #expect(outlet.openFiles <= 20)
        try takeCheckpoint(outlet)
        for number in 0..<100 {
            let once = stride(from: number, to: 300, by: 100).flatMap { run.document(run.places[$0]) }
            #expect(content("20261120/t\(number)-20261120.bson") == once + once + once)
        }
    }
}

extension RunOfEvents {
    func document(_ place: EventPlace) -> [UInt8] {
        Array(bytes[Int(place.offset)..<Int(place.offset) + Int(place.count)])
    }
}

extension FilesOutletTests {
    @Test func `what is much is written at once, what is little waits, and a file of many windows is whole`()
        throws
    {
        let outlet = try outlet()
        let event = (event("large", 1, text: String(repeating: "x", count: 1 << 20)), event("small", 1))
        var run = RunOfEvents()
        run.append(event.0, arrival: noon)
        run.append(event.1, arrival: noon)
        var large: [UInt8] = []
        var small: [UInt8] = []
        for _ in 0..<45 {
            large += event.0.bytes
            small += event.1.bytes
            try run.give(to: outlet)
            try outlet.relieve()
            var status = stat()
            #expect(stat(folder.path + "/files/20261120/large-20261120.bson", &status) == 0)
            #expect(Int(status.st_size) == large.count)
        }
        #expect(large.count > 5 * FileSlot.writeBehind)
        #expect(content("20261120/small-20261120.bson") == [])
        #expect(outlet.heldBytes == small.count)
        try outlet.flush()
        #expect(outlet.heldBytes == 0)
        let found = try #require(content("20261120/large-20261120.bson"))
        #expect(found.count == large.count && memcmp(found, large, large.count) == 0)
        #expect(content("20261120/small-20261120.bson") == small)
    }
}
