import SkeinBSON
import SkeinFilter
import SkeinPlatform
import Testing

@testable import SkeinStore

/// Events of all sorts, repeatable.
struct EventMaker {
    var random = SplitMix(seed: 1)
    var ids: [String] = []
    /// µs since 1970.
    var clock: Int64 = 1_795_176_000_000_000

    mutating func next() -> BSONDocument {
        clock += Int64.random(in: 0...200_000, using: &random)
        let elapsed = Int64.random(in: 0...2_000_000, using: &random)
        let late =
            Int.random(in: 0..<50, using: &random) == 0
            ? Int64.random(in: 0...600_000_000, using: &random) : 0
        var document: BSONDocument = [
            "id": .string(id()),
            "type": .string(["request", "request.sql", "job", "log"].randomElement(using: &random) ?? ""),
            "host": .string("h\(Int.random(in: 0..<3, using: &random))"), "pid": 1,
            "start": .double(Double(clock - late - elapsed) / 1e6),
            "end": .double(Double(clock - late) / 1e6),
        ]
        var body: BSONDocument = ["n": .int64(Int64.random(in: 0..<100, using: &random))]
        let level = [nil, nil, 10, 20, 30, 40].randomElement(using: &random) ?? nil
        if level != nil {
            body.append("name", .string(["app", "app.db", "web"].randomElement(using: &random) ?? ""))
        }
        document.append("body", .document(body))
        if Bool.random(using: &random) {
            document.append("service", .string(["shop", "mail"].randomElement(using: &random) ?? ""))
        }
        if Int.random(in: 0..<10, using: &random) == 0 {
            document.append("error", ["type": "E", "message": "m"])
        }
        if let level { document.append("level", .int32(Int32(level))) }
        return document
    }

    private mutating func id() -> String {
        if let known = ids.last, Int.random(in: 0..<3, using: &random) > 0 { return known }
        let seconds = UInt64(clock / 1_000_000)
        let new =
            Int.random(in: 0..<8, using: &random) == 0
            ? "order-\(ids.count)"
            : Self.hex(seconds << 32 | UInt64(UInt32.random(in: 0...(.max), using: &random)))
                + Self.hex(UInt64.random(in: 1...(.max), using: &random))
        ids.append(new)
        return new
    }

    static func hex(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

/// A store in a folder of its own.
final class ScratchStore {
    let folder: String
    var path: String { folder + "/store.db" }

    init() throws {
        var template = Array("/tmp/skein-store-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in ["store.db", "store.db-wal", "store.db-shm"] { unlink(folder + "/" + name) }
        rmdir(folder)
    }

    /// Events at places of a journal whose records take 512 bytes.
    static func append(_ documents: [BSONDocument], to writer: StoreWriter, from index: Int = 0) throws {
        for (offset, document) in documents.enumerated() {
            try document.bytes.withUnsafeBytes { bytes in
                try writer.append(
                    try BSONView(bytes), sequence: 1, offset: UInt64(index + offset) * 512,
                    arrival: 1_795_176_000_000_000_000 + Int64(index + offset))
            }
        }
        try writer.commit(sequence: 1, offset: UInt64(index + documents.count) * 512, isDurable: false)
    }
}

/// What a plain scan over the documents answers.
struct PlainScan {
    let documents: [BSONDocument]

    static func time(_ document: BSONDocument) -> Int64 {
        Int64(((document["end"]?.doubleValue ?? 0) * 1e6).rounded())
    }

    static func meets(_ document: BSONDocument, _ query: StoreQuery) -> Bool {
        func word(_ key: String, _ matches: [StoreQuery.Match]) -> Bool {
            matches.isEmpty
                || matches.contains { match in document[key]?.stringValue.map(match.matches) ?? false }
        }
        let time = time(document)
        let level = document["level"]?.intValue
        let elapsed = Int64(
            (((document["end"]?.doubleValue ?? 0) - (document["start"]?.doubleValue ?? 0)) * 1e6).rounded())
        return query.times.contains(time) && word("type", query.types) && word("service", query.services)
            && word("host", query.hosts)
            && (query.names.isEmpty
                || level != nil
                    && query.names.contains { match in
                        document["body"]?.documentValue?["name"]?.stringValue.map(match.matches) ?? false
                    })
            && (query.minimumLevel.map { least in level.map { $0 >= least } ?? false } ?? true)
            && (!query.recordsOnly || level != nil) && (query.durations?.contains(elapsed) ?? true)
            && (query.hasFailed.map { $0 == (document["error"] != nil) } ?? true)
            && (query.filter.map { filter in
                document.bytes.withUnsafeBytes { filter.matches(BSONView(prefixOf: $0)!) }
            } ?? true)
    }

    /// Indices of what is asked for, in the query's order, without its limit.
    func matching(_ query: StoreQuery) -> [Int] {
        let found = documents.indices.filter { Self.meets(documents[$0], query) }
        let times = documents.map(Self.time)
        return query.order == .newestFirst
            ? found.sorted { (times[$0], $0) > (times[$1], $1) }
            : found.sorted { (times[$0], $0) < (times[$1], $1) }
    }
}

@Suite struct StoreTests {
    static func queries(_ random: inout SplitMix, around: ClosedRange<Int64>) throws -> StoreQuery {
        var query = StoreQuery()
        func maybe(_ change: (inout StoreQuery) throws -> Void) rethrows {
            if Int.random(in: 0..<3, using: &random) == 0 { try change(&query) }
        }
        maybe {
            let one = Int64.random(in: around, using: &random)
            let other = Int64.random(in: around, using: &random)
            $0.times = min(one, other)...max(one, other)
        }
        maybe {
            $0.types =
                [
                    [.exact("request")], [.prefix("request")], [.exact("job"), .exact("log")],
                    [.exact("none")],
                ].randomElement(using: &random) ?? []
        }
        maybe { $0.services = [.exact("shop")] }
        maybe { $0.hosts = [.prefix("h1"), .exact("h2")] }
        maybe { $0.names = [.prefix("app")] }
        maybe { $0.minimumLevel = [10, 30, 35, 50].randomElement(using: &random) }
        maybe { $0.recordsOnly = true }
        maybe { $0.durations = 500_000...(.random(in: 500_000...2_000_000, using: &random)) }
        maybe { $0.hasFailed = .random(using: &random) }
        try maybe { $0.filter = try EventFilter("n >= 50 and host != \"h0\"") }
        query.order = Bool.random(using: &random) ? .newestFirst : .oldestFirst
        query.limit = [1, 10, 100, 100_000].randomElement(using: &random) ?? 1
        return query
    }

    @Test func `every answer is that of a plain scan, while the store grows`() throws {
        let scratch = try ScratchStore()
        let writer = try StoreWriter(path: scratch.path, journal: "j")
        let reader = try StoreReader(path: scratch.path, timeLimit: .seconds(60))
        var maker = EventMaker()
        var documents: [BSONDocument] = []
        var random = SplitMix(seed: 7)
        for round in 0..<5 {
            let new = (0..<5_500).map { _ in maker.next() }
            try ScratchStore.append(new, to: writer, from: documents.count)
            documents += new
            let scan = PlainScan(documents: documents)
            let times = documents.map(PlainScan.time)
            let around = (times.min() ?? 0)...(times.max() ?? 0)
            for _ in 0..<6 {
                let query = try Self.queries(&random, around: around)
                let wanted = scan.matching(query)
                let found = try reader.events(query)
                #expect(found.map(\.bytes) == wanted.prefix(query.limit).map { documents[$0].bytes })
                #expect(try reader.count(query) == wanted.count)
                // The next page goes on where this one ended.
                if let last = found.last, found.count < wanted.count {
                    var next = query
                    next.after = last.place
                    next.limit = 50
                    #expect(
                        try reader.events(next).map(\.bytes)
                            == wanted.dropFirst(found.count).prefix(50).map { documents[$0].bytes })
                }
                let boundaries = stride(from: around.lowerBound, through: around.upperBound, by: 37_000_000)
                    .map { $0 }
                var counts = [Int](repeating: 0, count: max(0, boundaries.count - 1))
                for index in wanted {
                    if let interval = boundaries.lastIndex(where: { $0 <= times[index] }),
                        interval < counts.count
                    {
                        counts[interval] += 1
                    }
                }
                #expect(try reader.timeline(query, boundaries: boundaries) == counts)
            }
            for _ in 0..<20 {
                let id = try #require(maker.ids.randomElement(using: &random))
                let wanted = documents.filter { $0["id"]?.stringValue == id }.map(\.bytes)
                #expect(try reader.tree(id).map(\.bytes) == wanted, "round \(round)")
            }
            #expect(try reader.tree("order-none").isEmpty)
            #expect(writer.statistics.events == Int64(documents.count))
        }
    }

    @Test func `what is given again is there once, also by another writer, and the place goes with it`()
        throws
    {
        let scratch = try ScratchStore()
        var maker = EventMaker()
        let documents = (0..<9_000).map { _ in maker.next() }
        do {
            let writer = try StoreWriter(path: scratch.path, journal: "j")
            #expect(writer.source == nil)
            try ScratchStore.append(Array(documents[..<8_500]), to: writer)
            // Not committed, and so not there.
            try documents[8_500].bytes.withUnsafeBytes {
                try writer.append(try BSONView($0), sequence: 1, offset: 8_500 * 512, arrival: 0)
            }
        }
        let writer = try StoreWriter(path: scratch.path, journal: "j")
        #expect(writer.source == StoreSource(journal: "j", sequence: 1, offset: 8_500 * 512))
        try ScratchStore.append(Array(documents[8_000...]), to: writer, from: 8_000)
        #expect(writer.statistics.known == 500 && writer.statistics.stored == 500)
        let reader = try StoreReader(path: scratch.path, timeLimit: .seconds(60))
        #expect(try reader.count(StoreQuery()) == 9_000)
        // Another journal's places begin above.
        let other = try StoreWriter(path: scratch.path, journal: "k")
        #expect(other.source == nil)
        try ScratchStore.append(Array(documents[..<10]), to: other)
        #expect(try reader.count(StoreQuery()) == 9_010)
        withExtendedLifetime(writer) {}
    }

    @Test func `retention takes the oldest away in steps, and leaves what is kept`() throws {
        let scratch = try ScratchStore()
        let writer = try StoreWriter(path: scratch.path, journal: "j")
        let reader = try StoreReader(path: scratch.path, timeLimit: .seconds(60))
        var maker = EventMaker()
        let documents = (0..<20_000).map { _ in maker.next() }
        try ScratchStore.append(documents, to: writer)
        let id = try #require(documents[5]["id"]?.stringValue)
        let number = writer.number(sequence: 1, offset: 5 * 512)
        try writer.keep(number, reason: "ticket 1")
        let arrival: Int64 = 1_795_176_000_000_000_000
        // The first batch is over, the second is not.
        let retention = StoreRetention(age: .nanoseconds(2_000_000))
        var steps = 0
        while try writer.retain(retention, now: arrival + 2_000_000 + 15_000) { steps += 1 }
        #expect(steps >= 4)
        #expect(try reader.count(StoreQuery()) == 12_001)
        #expect(try reader.event(number)?.bytes == documents[5].bytes)
        #expect(try reader.tree(id).map(\.number).contains(number))
        #expect(try reader.event(writer.number(sequence: 1, offset: 6 * 512)) == nil)
        try writer.release(number, reason: "ticket 1")
        while try writer.retain(retention, now: arrival + 2_000_000 + 15_000) {}
        #expect(try reader.count(StoreQuery()) == 12_000)
        // Everything is over, the tail too; what comes then is a store like any other.
        while try writer.retain(retention, now: arrival + 86_400_000_000_000) {}
        #expect(try reader.count(StoreQuery()) == 0)
        #expect(writer.statistics.events == 0)
        try ScratchStore.append(documents.suffix(5), to: writer, from: 20_000)
        #expect(try reader.events(StoreQuery()).count == 5)
        let again = try StoreReader(path: scratch.path)
        #expect(try again.count(StoreQuery()) == 5)
        // By bytes.
        try ScratchStore.append(documents, to: writer, from: 20_005)
        let used = writer.statistics.bytes
        while try writer.retain(StoreRetention(bytes: used / 2), now: 0) {}
        let left = try again.count(StoreQuery())
        #expect(left > 4_000 && left < 13_000)
    }

    @Test func `what is no store is refused by name, and left as it is`() throws {
        let scratch = try ScratchStore()
        let file = fopen(scratch.path, "w")
        fputs(
            "this is a text of more than a hundred bytes, so that SQLite reads its header and finds that it is none at all\n",
            file)
        fclose(file)
        #expect(throws: StoreError.self) { _ = try StoreWriter(path: scratch.path, journal: "j") }
        #expect(throws: StoreError.self) { _ = try StoreReader(path: scratch.path) }
        let error = #expect(throws: StoreError.self) {
            _ = try StoreReader(path: scratch.folder + "/none.db")
        }
        #expect(error?.description.contains("none.db") == true)
    }
}
