import SkeinSQLite

/// The tables, as `Docs/Store.md` has them, and how a store gets there from any version before.
enum StoreSchema {
    /// `skei`.
    static let applicationID: Int64 = 0x736B_6569
    static let pageBytes = 16_384

    /// What brings a store from version n to n + 1, at index n.
    static let steps = [
        """
        CREATE TABLE event (
            n INTEGER PRIMARY KEY, arrived INTEGER NOT NULL, document BLOB NOT NULL) STRICT;
        CREATE TABLE word (
            key INTEGER PRIMARY KEY, kind INTEGER NOT NULL, text BLOB NOT NULL, UNIQUE (kind, text)) STRICT;
        CREATE TABLE batch (
            key INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL,
            bytes INTEGER NOT NULL, arrived INTEGER NOT NULL, time_low INTEGER NOT NULL, time_high INTEGER NOT NULL,
            id_low INTEGER NOT NULL, id_high INTEGER NOT NULL, types BLOB NOT NULL, services BLOB NOT NULL,
            hosts BLOB NOT NULL, names BLOB NOT NULL) STRICT;
        CREATE TABLE segment (key INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
        CREATE TABLE source (
            key INTEGER PRIMARY KEY CHECK (key = 1), journal TEXT NOT NULL, base INTEGER NOT NULL,
            sequence INTEGER NOT NULL, "offset" INTEGER NOT NULL, removed INTEGER NOT NULL) STRICT;
        CREATE TABLE keep (n INTEGER, reason TEXT, PRIMARY KEY (n, reason)) STRICT, WITHOUT ROWID;
        """
    ]

    /// Makes the tables, or brings them forward: each step in a transaction of its own, so that a kill between or in
    /// them leaves a store of some version.
    static func prepare(_ connection: borrowing SQLiteConnection, _ path: String) throws(StoreError) {
        do {
            let application = try number("PRAGMA application_id", connection)
            var version = try number("PRAGMA user_version", connection)
            let isEmpty = try number("SELECT count(*) FROM sqlite_schema", connection) == 0
            if isEmpty && version == 0 {
                try connection.execute("PRAGMA page_size = \(pageBytes)")
                try connection.execute("PRAGMA journal_mode = WAL")
            } else {
                try check(application, version, path)
            }
            while version < steps.count {
                let step = steps[Int(version)]
                try connection.transaction {
                    // Somebody else may have made the step meanwhile.
                    guard try number("PRAGMA user_version", connection) == version else { return }
                    try connection.execute(step)
                    try connection.execute("PRAGMA application_id = \(applicationID)")
                    try connection.execute("PRAGMA user_version = \(version + 1)")
                }
                version = try number("PRAGMA user_version", connection)
            }
        } catch let error as StoreError {
            throw error
        } catch let error as SQLiteError {
            throw refusal(error, path)
        } catch {
            throw StoreError(.database, "opening the store \(path): \(error)")
        }
    }

    /// Whether a file is a store that this version reads.
    static func verify(_ connection: borrowing SQLiteConnection, _ path: String) throws(StoreError) {
        let version: Int64
        let application: Int64
        do throws(SQLiteError) {
            application = try number("PRAGMA application_id", connection)
            version = try number("PRAGMA user_version", connection)
        } catch {
            throw refusal(error, path)
        }
        try check(application, version, path)
        guard version == steps.count else {
            throw StoreError(
                .notAStore,
                "\(path) has the schema of an earlier version (\(version)); let the collector open it once")
        }
    }

    private static func check(_ application: Int64, _ version: Int64, _ path: String) throws(StoreError) {
        guard application == applicationID else {
            throw StoreError(.notAStore, "\(path) is a SQLite database of something else; name another file")
        }
        guard version <= steps.count else {
            throw StoreError(
                .notAStore,
                "\(path) has the schema of a later version (\(version), this one knows \(steps.count)); use that"
            )
        }
    }

    private static func refusal(_ error: SQLiteError, _ path: String) -> StoreError {
        error.code == .notADatabase
            ? StoreError(.notAStore, "\(path) is no SQLite database; name another file")
            : StoreError("opening", path, error)
    }

    static func number(
        _ sql: String, _ connection: borrowing SQLiteConnection
    ) throws(SQLiteError) -> Int64 {
        var statement = try connection.prepare(sql)
        return try statement.step() ? statement.integer(at: 0) : 0
    }
}
