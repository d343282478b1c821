import SkeinBSON
import SkeinFilter
import SkeinPlatform
import SkeinSQLite

/// Asks a store, also while it is written to. Any number of readers may; one thread at a time uses each.
///
/// Each question sees the store as it was at one instant. It fails with `late` when it takes longer than the reader's limit.
///
/// ```swift
/// let reader = try StoreReader(path: "skein-data/store.db")
/// var query = StoreQuery()
/// query.hasFailed = true
/// for event in try reader.events(query) { print(event.number) }
/// ```
public final class StoreReader {
    let path: String
    let connection: SQLiteConnection
    let columns: ColumnReader
    private let timeLimit: Duration
    private var deadline: Int64 = .max
    private var document: SQLiteStatement

    /// The whole batches, the oldest first.
    private var stored: [BatchView] = []
    /// The batch's key after which `tail` begins.
    private var lastBatch: Int64 = 0
    private var tail = BatchColumns()
    private var kept = BatchColumns()
    /// What tells whether others are kept than those that were gathered.
    private var keptSums: [Int64] = [0, 0]
    private let words = WordTable()

    /// Opens a store for reading; it must exist.
    /// - Throws: ``StoreError``: `notAStore`, `database`.
    public init(path: String, timeLimit: Duration = .seconds(10)) throws(StoreError) {
        self.path = path
        self.timeLimit = timeLimit
        do throws(SQLiteError) {
            connection = try SQLiteConnection(path: path, access: .readOnly)
        } catch {
            throw StoreError("opening", path, error)
        }
        try StoreSchema.verify(connection, path)
        do throws(SQLiteError) {
            // Pages are looked at where the kernel has them.
            try connection.execute("PRAGMA mmap_size = 1099511627776; PRAGMA cache_size = -32768")
            columns = try ColumnReader(connection)
            document = try connection.prepare("SELECT document FROM event WHERE n = ?1")
        } catch {
            throw StoreError("opening", path, error)
        }
    }

    // MARK: Questions

    /// The events that meet a query, in its order, at most its limit.
    public func events(_ query: StoreQuery) throws(StoreError) -> [StoredEvent] {
        try ask { try EventSearch(self, query).run() }
    }

    /// How many events meet a query, whatever its limit.
    public func count(_ query: StoreQuery) throws(StoreError) -> Int {
        try ask {
            let words = allowed(query)
            var count = 0
            for batch in batches {
                try checkTime()
                guard let mask = try BatchMask(query, words, batch, columns) else { continue }
                guard query.filter != nil || query.after != nil else {
                    count += mask.count
                    continue
                }
                let numbers = try columns.numbers(batch)
                let times = try columns.times(batch)
                for index in 0..<batch.count where mask.bytes[index] == 1 {
                    let place = StoreQuery.Place(time: times[index], number: numbers[index])
                    guard query.isAfter(place) else { continue }
                    if try meets(numbers[index], query) != nil { count += 1 }
                }
            }
            return count
        }
    }

    /// How many events meet a query in each interval.
    /// - Parameter boundaries: rising times in µs; interval i reaches from boundary i up to, and without, boundary i + 1.
    /// - Returns: one number fewer than there are boundaries.
    public func timeline(_ query: StoreQuery, boundaries: [Int64]) throws(StoreError) -> [Int] {
        try ask {
            var counts = [Int](repeating: 0, count: max(0, boundaries.count - 1))
            guard let first = boundaries.first, let last = boundaries.last, !counts.isEmpty else {
                return counts
            }
            guard last > first, query.times.overlaps(first...(last - 1)) else { return counts }
            var query = query
            query.times = query.times.clamped(to: first...(last - 1))
            let words = allowed(query)
            for batch in batches {
                try checkTime()
                guard let mask = try BatchMask(query, words, batch, columns) else { continue }
                let low = Self.interval(of: max(batch.times.lowerBound, first), boundaries)
                let high = Self.interval(of: min(batch.times.upperBound, last - 1), boundaries)
                if low == high && query.filter == nil {
                    counts[low] += mask.count
                    continue
                }
                let times = try columns.times(batch)
                let numbers = query.filter == nil ? [] : try columns.numbers(batch)
                var current = low
                for index in 0..<batch.count where mask.bytes[index] == 1 {
                    let time = times[index]
                    if time < boundaries[current] || time >= boundaries[current + 1] {
                        current = Self.interval(of: time, boundaries)
                    }
                    if query.filter != nil, try meets(numbers[index], query) == nil { continue }
                    counts[current] += 1
                }
            }
            return counts
        }
    }

    /// Every event of a tree, in the order in which they were stored: what closed first comes first, the root last.
    /// - Parameters:
    ///   - id: as the events have it: a trace id or any other text.
    ///   - limit: at most so many, the first stored.
    public func tree(_ id: String, limit: Int = 10_000) throws(StoreError) -> [StoredEvent] {
        try ask {
            let (hash, begun) = EventColumns.identity(of: id)
            // A trace id begins with the time of its tree, and so do the others of its batches. Only where that finds
            // nothing, as for the `trace` of an id of another kind, the filters of all batches are asked.
            let likely = batches.filter { batch in
                begun.map { batch.idTimes?.contains(Int64($0)) ?? false } ?? true
            }
            let found = try tree(id, hash, in: likely, limit)
            guard found.isEmpty, begun != nil else { return found }
            return try tree(id, hash, in: batches, limit)
        }
    }

    private func tree(
        _ id: String, _ hash: UInt64, in batches: [BatchView], _ limit: Int
    ) throws -> [StoredEvent] {
        var found: [StoredEvent] = []
        for batch in batches {
            try checkTime()
            let indices = try columns.indices(ofHash: hash, batch)
            guard !indices.isEmpty else { continue }
            let numbers = try columns.numbers(batch)
            let times = try columns.times(batch)
            for index in indices {
                guard let bytes = try bytes(numbers[index]) else { continue }
                let event = StoredEvent(number: numbers[index], time: times[index], bytes: bytes)
                if event.isOf(tree: id) { found.append(event) }
                if found.count == limit { return found }
            }
        }
        return found
    }

    /// One event; nil if there is none of that number.
    public func event(_ number: Int64) throws(StoreError) -> StoredEvent? {
        try ask {
            var row = try connection.prepare("SELECT arrived, document FROM event WHERE n = ?1")
            try row.bind(integer: number, at: 1)
            guard try row.step() else { return nil }
            let arrival = row.integer(at: 0) * 1000
            let bytes = row.withBytes(at: 1) { Array($0) }
            let time = bytes.withUnsafeBytes {
                BSONView(prefixOf: $0).map { EventColumns($0, arrival: arrival).time }
            }
            return time.map { StoredEvent(number: number, time: $0, bytes: bytes) }
        }
    }

    // MARK: What questions are made of

    /// All events, in runs: what retention kept, the whole batches, the tail.
    var batches: [BatchView] {
        [BatchView(kept)].compactMap { $0 } + stored + [BatchView(tail)].compactMap { $0 }
    }

    /// The words of a query that the store knows.
    func allowed(_ query: StoreQuery) -> BatchMask.Words {
        BatchMask.Words(
            allowed: [
                (WordKind.type, query.types), (.service, query.services), (.host, query.hosts),
                (.name, query.names),
            ].map { kind, matches in
                matches.isEmpty ? nil : words.keys(kind) { text in matches.contains { $0.matches(text) } }
            })
    }

    /// The document of an event, if it meets the query's filter; nil if not, or if it is gone.
    func meets(_ number: Int64, _ query: StoreQuery) throws -> [UInt8]? {
        guard let bytes = try bytes(number) else { return nil }
        guard let filter = query.filter else { return bytes }
        let matches = bytes.withUnsafeBytes { bytes in
            BSONView(prefixOf: bytes).map { filter.matches($0) } ?? false
        }
        return matches ? bytes : nil
    }

    func bytes(_ number: Int64) throws -> [UInt8]? {
        document.reset()
        defer { document.reset() }
        try document.bind(integer: number, at: 1)
        return try document.step() ? document.withBytes(at: 0) { Array($0) } : nil
    }

    func checkTime() throws {
        guard SystemClock.monotonicNanoseconds() >= deadline else { return }
        throw StoreError(.late, "the question took longer than \(timeLimit); ask for less")
    }

    /// Which interval a time between the first and the last boundary is in.
    private static func interval(of time: Int64, _ boundaries: [Int64]) -> Int {
        var low = 0
        var high = boundaries.count - 1
        while low + 1 < high {
            let middle = (low + high) / 2
            if boundaries[middle] <= time { low = middle } else { high = middle }
        }
        return low
    }

    // MARK: One instant

    /// Runs a question within one transaction, after reading what is new.
    private func ask<Answer>(_ body: () throws -> Answer) throws(StoreError) -> Answer {
        deadline = SystemClock.monotonicNanoseconds() + Int64(timeLimit / .nanoseconds(1))
        do {
            return try connection.withTimeLimit(timeLimit) {
                try connection.transaction(.deferred) {
                    try catchUp()
                    return try body()
                }
            }
        } catch let error as StoreError {
            throw error
        } catch let error as SQLiteError {
            throw StoreError("asking", path, error)
        } catch {
            throw StoreError(.database, "asking the store \(path): \(error)")
        }
    }

    private func catchUp() throws {
        try words.loadMore(connection)
        let oldest = try StoreSchema.number("SELECT min(key) FROM batch", connection)
        let newest = try StoreSchema.number("SELECT max(key) FROM batch", connection)
        stored.removeAll { batch in
            if case .stored(let key) = batch.place { key < oldest || newest == 0 } else { false }
        }
        if newest != lastBatch {
            var rows = try connection.prepare(
                "SELECT \(BatchView.columns) FROM batch WHERE key > ?1 ORDER BY key")
            try rows.bind(integer: lastBatch, at: 1)
            while try rows.step() {
                guard let batch = BatchView(rows) else {
                    throw StoreError(.damaged, "a batch of \(path) contradicts itself")
                }
                stored.append(batch)
            }
            lastBatch = newest
            tail.removeAll()
        }
        let covered = try StoreWriter.lastBeforeTail(connection)
        if let first = tail.numbers.first, first <= covered { tail.removeAll() }
        let before = tail.numbers.last ?? covered
        try gather(into: &tail, "SELECT n, arrived, document FROM event WHERE n > ?1 ORDER BY n", before)
        try gatherKept()
    }

    /// What retention passed over: rows whose batch is gone.
    private func gatherKept() throws {
        let removed = try StoreSchema.number("SELECT removed FROM source WHERE key = 1", connection)
        var row = try connection.prepare("SELECT count(DISTINCT n), sum(n) FROM keep WHERE n <= ?1")
        try row.bind(integer: removed, at: 1)
        let sums = try row.step() ? [row.integer(at: 0), row.integer(at: 1)] : []
        guard sums != keptSums else { return }
        kept.removeAll()
        try gather(
            into: &kept,
            """
            SELECT n, arrived, document FROM event
            WHERE n <= ?1 AND n IN (SELECT n FROM keep WHERE n <= ?1) ORDER BY n
            """, removed)
        keptSums = sums
    }

    private func gather(into columns: inout BatchColumns, _ sql: String, _ bound: Int64) throws {
        var rows = try connection.prepare(sql)
        try rows.bind(integer: bound, at: 1)
        while try rows.step() {
            let number = rows.integer(at: 0)
            let arrival = rows.integer(at: 1) * 1000
            rows.withBytes(at: 2) { bytes in
                guard let view = BSONView(prefixOf: bytes) else { return }
                let found = EventColumns(view, arrival: arrival)
                columns.append(number, found, keys: words.known(found), bytes: bytes.count)
            }
        }
    }
}

extension StoreQuery {
    /// Whether a place comes after ``after`` in the query's order.
    func isAfter(_ place: Place) -> Bool {
        guard let after else { return true }
        let isLess = (place.time, place.number) < (after.time, after.number)
        return order == .newestFirst ? isLess : (place.time, place.number) > (after.time, after.number)
    }
}

extension StoredEvent {
    /// Whether the event's `id` or `trace` is this, however it is spelled.
    func isOf(tree id: String) -> Bool {
        withView { view in
            if let trace = view.first("trace")?.text, trace == id { return true }
            guard let element = view.first("id") else { return false }
            return element.text == id || element.integer.map { String($0) == id } == true
        } ?? false
    }
}
