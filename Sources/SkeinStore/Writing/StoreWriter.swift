public import SkeinBSON
import SkeinPlatform
import SkeinSQLite

/// Writes events into a store. One at a time has a store open for writing; one thread uses it.
///
/// Events are given in the order of a journal. A kill at any instant leaves what the last commit left, with the place in the
/// journal that belongs to it: give again what follows that, and every event is there once.
///
/// ```swift
/// func store(_ event: BSONView, arrival: Int64) throws {
///     let writer = try StoreWriter(path: "skein-data/store.db", journal: "6b00e8ec94bfb9d63b32e608bf17ef89")
///     try writer.append(event, sequence: 1, offset: 4096, arrival: arrival)
///     try writer.commit(sequence: 1, offset: 4480, isDurable: true)
/// }
/// ```
public final class StoreWriter {
    /// What was done so far.
    public struct Statistics: Sendable, Hashable {
        /// Events stored.
        public var stored: UInt64 = 0
        /// Events that were there already.
        public var known: UInt64 = 0
        /// Commits.
        public var commits: UInt64 = 0
        /// Events in whole batches and behind them, in the store now.
        public var events: Int64 = 0
        /// Bytes of the file that are in use.
        public var bytes: Int64 = 0
        /// Events that retention removed.
        public var removed: UInt64 = 0
    }

    let path: String
    let connection: SQLiteConnection
    private var insert: SQLiteStatement
    private let words = WordTable()
    private var tail = BatchColumns()
    private var nextBatch: Int64 = 1
    private var base: Int64
    private var lastNumber: Int64
    /// Of the last event, Unix nanoseconds.
    private var lastArrival: Int64 = 0
    private var isOpen = false
    /// Events of the transaction under way.
    private var pending: UInt64 = 0
    /// What was done since it was opened, and what there is.
    public internal(set) var statistics = Statistics()

    /// Where the store was in the journal when it was opened; nil if it was never fed from that one.
    public private(set) var source: StoreSource?

    /// Opens a store, or makes one.
    /// - Parameter journal: names the journal whose places the events have. After another one the numbers go on
    ///   above what is there.
    /// - Throws: ``StoreError``: `notAStore`, `database`.
    public init(path: String, journal: String) throws(StoreError) {
        self.path = path
        do throws(SQLiteError) {
            connection = try SQLiteConnection(path: path)
        } catch {
            throw StoreError("opening", path, error)
        }
        try StoreSchema.prepare(connection, path)
        do throws(SQLiteError) {
            try connection.execute("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 2048")
            try connection.execute("PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY")
            insert = try connection.prepare("INSERT INTO event (n, arrived, document) VALUES (?1, ?2, ?3)")
            lastNumber = try Self.lastNumber(connection)
            base = 0
            let known = try connection.query(
                "SELECT journal, base, sequence, \"offset\" FROM source WHERE key = 1"
            ) { row in (row.text(at: 0) ?? "", row.integer(at: 1), row.integer(at: 2), row.integer(at: 3)) }
            if let known = known.first, known.0 == journal {
                base = known.1
                source = StoreSource(
                    journal: journal, sequence: UInt64(bitPattern: known.2),
                    offset: UInt64(bitPattern: known.3))
            } else {
                base = lastNumber
                try connection.run(
                    """
                    INSERT INTO source VALUES (1, ?1, ?2, 0, 0, 0) ON CONFLICT (key) DO UPDATE
                    SET journal = ?1, base = ?2, sequence = 0, "offset" = 0
                    """, [.text(journal), .integer(base)])
            }
            try reload()
        } catch {
            throw StoreError("opening", path, error)
        }
    }

    /// The highest number that was ever given.
    private static func lastNumber(_ connection: borrowing SQLiteConnection) throws(SQLiteError) -> Int64 {
        max(try lastBeforeTail(connection), try StoreSchema.number("SELECT max(n) FROM event", connection))
    }

    /// Everything up to here is in a batch, or was removed.
    static func lastBeforeTail(_ connection: borrowing SQLiteConnection) throws(SQLiteError) -> Int64 {
        max(
            try StoreSchema.number("SELECT max(last) FROM batch", connection),
            try StoreSchema.number("SELECT removed FROM source WHERE key = 1", connection))
    }

    /// Reads what is kept in memory of what is stored.
    private func reload() throws(SQLiteError) {
        try words.load(connection)
        nextBatch = try StoreSchema.number("SELECT max(key) FROM batch", connection) + 1
        lastNumber = try Self.lastNumber(connection)
        tail.removeAll()
        var rows = try connection.prepare(
            """
            SELECT n, arrived, document FROM event WHERE n > ?1 ORDER BY n
            """)
        try rows.bind(integer: try Self.lastBeforeTail(connection), at: 1)
        while try rows.step() {
            let number = rows.integer(at: 0)
            let arrival = rows.integer(at: 1) * 1000
            lastArrival = arrival
            let columns = rows.withBytes(at: 2) { bytes in
                BSONView(prefixOf: bytes).map { ($0, EventColumns($0, arrival: arrival)) }
            }
            if let (view, columns) = columns { try note(number, columns, bytes: view.bytes.count) }
        }
        let inBatches = try StoreSchema.number("SELECT sum(count) FROM batch", connection)
        statistics.events = inBatches + Int64(tail.count)
    }

    private func note(_ number: Int64, _ columns: EventColumns, bytes: Int) throws(SQLiteError) {
        let keys = (
            try words.key(.type, columns.words.type, connection),
            try words.key(.service, columns.words.service, connection),
            try words.key(.host, columns.words.host, connection),
            try words.key(.name, columns.words.name, connection)
        )
        tail.append(number, columns, keys: keys, bytes: bytes)
    }

    /// The number of the event at a place of the journal.
    public func number(sequence: UInt64, offset: UInt64) -> Int64 {
        base &+ Int64(truncatingIfNeeded: sequence << 27 | offset >> 3)
    }

    /// Adds an event, unless it is there already. Some 1.5 µs. It is there for good with the next ``commit(sequence:offset:isDurable:)``.
    /// - Parameters:
    ///   - event: a well-formed document.
    ///   - sequence: the journal's segment.
    ///   - offset: of the event's record in it; a multiple of 8 below 1 GiB.
    ///   - arrival: Unix nanoseconds: the time of an event that has none.
    /// - Throws: ``StoreError``. Nothing since the last commit is stored then: give it again.
    public func append(
        _ event: BSONView, sequence: UInt64, offset: UInt64, arrival: Int64
    ) throws(StoreError) {
        let number = number(sequence: sequence, offset: offset)
        guard number > lastNumber else {
            statistics.known += 1
            return
        }
        do throws(SQLiteError) {
            if !isOpen { try begin() }
            if tail.isFull(beforeNumber: number) { try endBatch() }
            let columns = EventColumns(event, arrival: arrival)
            insert.reset()
            try insert.bind(integer: number, at: 1)
            try insert.bind(integer: arrival / 1000, at: 2)
            try insert.bind(bytes: event.bytes, at: 3)
            _ = try insert.step()
            try note(number, columns, bytes: event.bytes.count)
        } catch {
            throw failed("adding an event to", error)
        }
        lastNumber = number
        lastArrival = arrival
        pending += 1
    }

    /// Makes what was added part of the store, with the place in the journal up to which everything is there.
    /// - Parameter isDurable: whether it must outlive a power cut when this returns (an fdatasync); a kill it outlives either way.
    /// - Throws: ``StoreError``: nothing since the last commit is stored; give it again.
    public func commit(sequence: UInt64, offset: UInt64, isDurable: Bool) throws(StoreError) {
        do throws(SQLiteError) {
            // What was committed before is in the same log: one sync makes all of it durable.
            if !isOpen { try begin() }
            try connection.run(
                "UPDATE source SET sequence = ?1, \"offset\" = ?2 WHERE key = 1",
                [.integer(Int64(bitPattern: sequence)), .integer(Int64(bitPattern: offset))])
            insert.reset()
            try connection.execute("COMMIT")
            isOpen = false
            words.committed()
            statistics.commits += 1
            statistics.bytes = try usedBytes
            statistics.stored += pending
            statistics.events += Int64(pending)
            pending = 0
            if isDurable {
                try connection.execute("PRAGMA synchronous = FULL")
                try connection.execute("BEGIN IMMEDIATE; UPDATE source SET key = 1 WHERE key = 1; COMMIT")
                try connection.execute("PRAGMA synchronous = NORMAL")
            }
        } catch {
            throw failed("committing to", error)
        }
    }

    /// Everything from here on is no part of a batch yet.
    var tailStart: Int64 { tail.numbers.first ?? lastNumber + 1 }

    /// Whether there is a tail, all of it from before an instant, µs since 1970.
    func isTailOlder(than instant: Int64) -> Bool { tail.count > 0 && lastArrival / 1000 < instant }

    /// Forgets the tail; how many events it had.
    func dropTail() -> Int {
        defer { tail.removeAll() }
        return tail.count
    }

    private func begin() throws(SQLiteError) {
        try connection.execute("BEGIN IMMEDIATE")
        isOpen = true
    }

    /// Takes back what was not committed, and says why.
    private func failed(_ attempt: String, _ error: SQLiteError) -> StoreError {
        insert.reset()
        if connection.isInTransaction { try? connection.execute("ROLLBACK") }
        isOpen = false
        pending = 0
        try? words.rolledBack(connection)
        try? reload()
        return StoreError(attempt, path, error)
    }

    /// Writes the columns of a whole batch.
    private func endBatch() throws(SQLiteError) {
        guard let first = tail.numbers.first, let last = tail.numbers.last, let times = tail.timeRange else {
            return
        }
        let batch = nextBatch
        try connection.run(
            "INSERT INTO batch VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            [
                .integer(batch), .integer(first), .integer(last), .init(tail.count), .init(tail.bytes),
                .integer(lastArrival / 1000),
                .integer(times.lowerBound), .integer(times.upperBound),
                .init(tail.idTimes?.lowerBound ?? 1), .init(tail.idTimes?.upperBound ?? 0),
            ] + tail.words.map { .blob(LittleEndian.bytes($0.keys)) })
        var statement = try connection.prepare("INSERT INTO segment VALUES (?1, ?2)")
        func put(_ column: Column, _ bytes: [UInt8]) throws(SQLiteError) {
            statement.reset()
            try statement.bind(integer: column.key(batch: batch), at: 1)
            try statement.bind(.blob(bytes), at: 2)
            _ = try statement.step()
        }
        try put(.number, LittleEndian.bytes(tail.numberOffsets()))
        try put(.time, LittleEndian.bytes(tail.times))
        try put(.duration, LittleEndian.bytes(tail.durations))
        for kind in WordKind.allCases {
            try put(kind.column, LittleEndian.bytes(tail.words[kind.rawValue - 1].places))
        }
        try put(.level, LittleEndian.bytes(tail.levels))
        try put(.failed, tail.failures)
        try put(.ids, tail.sortedIDs())
        try put(.filter, IDFilter.make(tail.hashes))
        nextBatch += 1
        tail.removeAll()
    }
}
