import SkeinSQLite

/// What is over goes in two steps, so that a kill in between leaves nothing half: the oldest batch with its columns, which takes
/// its events out of every answer, then its rows, some at a time.
extension StoreWriter {
    /// Removes a part of what is over. Between two commits; call it again while it answers true. Some 10 ms a call.
    /// - Parameters:
    ///   - now: Unix nanoseconds.
    ///   - rows: at most so many events a call.
    /// - Returns: whether more is to be removed.
    /// - Throws: ``StoreError``; nothing is removed then.
    public func retain(_ retention: StoreRetention, now: Int64, rows: Int = 2_000) throws(StoreError) -> Bool
    {
        do {
            return try connection.transaction {
                let removed = try removeOrphans(atMost: rows)
                statistics.removed += UInt64(removed)
                if removed == rows { return true }
                return try removeOldest(retention, now)
            }
        } catch let error as SQLiteError {
            throw StoreError("removing old events from", path, error)
        } catch {
            throw StoreError(.database, "removing old events from \(path): \(error)")
        }
    }

    /// Keeps an event whatever its age, for a reason, until ``release(_:reason:)``. Outside of what ``commit(sequence:offset:isDurable:)`` ends.
    /// - Throws: ``StoreError``.
    public func keep(_ number: Int64, reason: String) throws(StoreError) {
        try change("INSERT OR IGNORE INTO keep (n, reason) VALUES (?1, ?2)", number, reason)
    }

    /// Takes a reason back; an event that nothing keeps any more goes with those of its age.
    public func release(_ number: Int64, reason: String) throws(StoreError) {
        try change("DELETE FROM keep WHERE n = ?1 AND reason = ?2", number, reason)
    }

    private func change(_ sql: String, _ number: Int64, _ reason: String) throws(StoreError) {
        do throws(SQLiteError) {
            try connection.run(sql, [.integer(number), .text(reason)])
        } catch {
            throw StoreError("keeping event \(number) of", path, error)
        }
    }

    /// Bytes of the file's pages that hold something.
    var usedBytes: Int64 {
        get throws(SQLiteError) {
            let pages = try StoreSchema.number("PRAGMA page_count", connection)
            let free = try StoreSchema.number("PRAGMA freelist_count", connection)
            return (pages - free) * Int64(StoreSchema.pageBytes)
        }
    }

    /// Takes the oldest batch out of the store, or the tail if there is no other, if it is over.
    private func removeOldest(_ retention: StoreRetention, _ now: Int64) throws(SQLiteError) -> Bool {
        let oldest = try connection.query(
            "SELECT key, count, last, arrived FROM batch ORDER BY key LIMIT 1"
        ) { row in
            (
                key: row.integer(at: 0), count: row.integer(at: 1), last: row.integer(at: 2),
                arrived: row.integer(at: 3)
            )
        }
        let tooOld = retention.age.map { now / 1000 - Int64(clamping: $0 / .microseconds(1)) } ?? .min
        guard let batch = oldest.first else {
            guard isTailOlder(than: tooOld) else { return false }
            try setRemoved(through: try StoreSchema.number("SELECT max(n) FROM event", connection))
            statistics.events -= Int64(dropTail())
            return true
        }
        var isOver = batch.arrived < tooOld
        if let bytes = retention.bytes, !isOver { isOver = try usedBytes > bytes }
        guard isOver else { return false }
        try connection.run("DELETE FROM batch WHERE key = ?1", [.integer(batch.key)])
        try connection.run(
            "DELETE FROM segment WHERE key BETWEEN ?1 AND ?2",
            [.integer(batch.key << 4), .integer(batch.key << 4 | 15)])
        try setRemoved(through: batch.last)
        statistics.events -= batch.count
        return true
    }

    private func setRemoved(through number: Int64) throws(SQLiteError) {
        try connection.run("UPDATE source SET removed = ?1 WHERE key = 1", [.integer(number)])
    }

    /// Rows that are in no batch any more and that nothing keeps.
    private func removeOrphans(atMost rows: Int) throws(SQLiteError) -> Int {
        try connection.run(
            """
            DELETE FROM event WHERE n IN (
                SELECT n FROM event
                WHERE n <= (SELECT removed FROM source WHERE key = 1) AND n NOT IN (SELECT n FROM keep)
                ORDER BY n LIMIT ?1)
            """, [.init(rows)])
    }
}

extension Int64 {
    fileprivate init(clamping value: Double) {
        self = Int64(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
    }
}
