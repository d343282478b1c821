import CSkeinSQLite

/// One connection to a SQLite database.
///
/// It belongs to one thread at a time (SQLite's own mutex is off): move it, or keep it in a `Mutex`. Statements
/// may outlive it; SQLite then closes the file when the last of them is gone. A connection is defensive:
/// SQL cannot write to the schema table or the shadow tables, a schema's functions are not trusted, and a
/// double-quoted word is an identifier, never silently a string.
///
/// ```swift
/// let connection = try SQLiteConnection(path: "shop.db")
/// try connection.execute("CREATE TABLE IF NOT EXISTS item (name TEXT PRIMARY KEY, price REAL)")
/// try connection.run("INSERT INTO item VALUES (?1, ?2)", ["thread", 2.5])
/// let names = try connection.query("SELECT name FROM item WHERE price < ?1", [10.0]) { row in
///     row.text(at: 0) ?? ""
/// }
/// ```
public struct SQLiteConnection: ~Copyable {
    /// What a connection may do with its file.
    public enum Access: Sendable {
        /// Reads only; the file must exist. Every write fails with ``SQLiteError/Code/readOnly``.
        case readOnly
        /// Reads and writes; the file must exist.
        case readWrite
        /// Reads and writes; the file is made if it does not exist.
        case readWriteCreate
    }

    let handle: OpaquePointer
    /// Where the progress handler finds its deadline; nil while no time limit is set.
    private let deadline: UnsafeMutablePointer<ContinuousClock.Instant?>

    /// Opens a database.
    /// - Parameters:
    ///   - path: a file, or `:memory:`. Never taken for a URI.
    ///   - busyTimeout: how long a call waits for the lock of another connection.
    /// - Throws: ``SQLiteError`` (`cannotOpen`, `notADatabase` only at the first use).
    public init(
        path: String, access: Access = .readWriteCreate, busyTimeout: Duration = .seconds(5)
    ) throws(SQLiteError) {
        guard !path.utf8.contains(0), !path.isEmpty else {
            throw SQLiteError(
                extendedCode: SQLITE_CANTOPEN, message: "a path is not empty and has no NUL",
                operation: "open", subject: path)
        }
        let mode =
            switch access {
            case .readOnly: SQLITE_OPEN_READONLY
            case .readWrite: SQLITE_OPEN_READWRITE
            case .readWriteCreate: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            }
        var opened: OpaquePointer?
        // Without SQLITE_OPEN_URI the name `file:…?mode=` of a hostile path stays a name.
        let result = sqlite3_open_v2(path, &opened, mode | SQLITE_OPEN_NOMUTEX, nil)
        guard result == SQLITE_OK, let opened else {
            let error = SQLiteError(
                opened.map { sqlite3_extended_errcode($0) } ?? result, on: opened, operation: "open",
                subject: path)
            sqlite3_close_v2(opened)
            throw error
        }
        handle = opened
        deadline = .allocate(capacity: 1)
        deadline.initialize(to: nil)
        sqlite3_extended_result_codes(handle, 1)
        _ = skein_sqlite3_switch(handle, SQLITE_DBCONFIG_DEFENSIVE, 1)
        _ = skein_sqlite3_switch(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        _ = skein_sqlite3_switch(handle, SQLITE_DBCONFIG_DQS_DML, 0)
        _ = skein_sqlite3_switch(handle, SQLITE_DBCONFIG_DQS_DDL, 0)
        setBusyTimeout(busyTimeout)
    }

    deinit {
        sqlite3_progress_handler(handle, 0, nil, nil)
        sqlite3_close_v2(handle)
        deadline.deinitialize(count: 1)
        deadline.deallocate()
    }

    /// How long a call waits for another connection's lock before it fails with `busy`. At most 24 days.
    public func setBusyTimeout(_ timeout: Duration) {
        sqlite3_busy_timeout(handle, Int32(clamping: timeout.milliseconds))
    }

    /// Runs any number of statements that return nothing of interest; stops at the first that fails.
    public func execute(_ sql: String) throws(SQLiteError) {
        try SQLiteStatement.refuseNUL(in: sql, operation: "execute")
        let result = sqlite3_exec(handle, sql, nil, nil, nil)
        guard result == SQLITE_OK else {
            throw SQLiteError(result, on: handle, operation: "execute", subject: sql)
        }
    }

    /// Compiles exactly one statement. It can be run any number of times.
    public func prepare(_ sql: String) throws(SQLiteError) -> SQLiteStatement {
        try SQLiteStatement(sql, on: handle)
    }

    /// Runs one statement to its end and answers how many rows it changed.
    @discardableResult
    public func run(_ sql: String, _ values: [SQLiteValue] = []) throws(SQLiteError) -> Int {
        var statement = try prepare(sql)
        try statement.bind(values)
        while try statement.step() {}
        return changedRows
    }

    /// Runs one query and makes a value of each row. What is kept in memory is what `row` returns.
    public func query<Row>(
        _ sql: String, _ values: [SQLiteValue] = [],
        _ row: (borrowing SQLiteStatement) throws(SQLiteError) -> Row
    ) throws(SQLiteError) -> [Row] {
        var statement = try prepare(sql)
        try statement.bind(values)
        var rows: [Row] = []
        while try statement.step() { rows.append(try row(statement)) }
        return rows
    }

    /// The key of the last row inserted by this connection.
    public var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }
    /// How many rows the last finished INSERT, UPDATE or DELETE changed.
    public var changedRows: Int { Int(sqlite3_changes(handle)) }
    /// Whether the database can only be read, be it by `access` or because its file is not writable.
    public var isReadOnly: Bool { sqlite3_db_readonly(handle, "main") == 1 }
    /// Whether a transaction is open.
    public var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// The version of the library that runs, for example `3.40.1`.
    public static var libraryVersion: String { String(cString: sqlite3_libversion()) }

    /// Runs `body` with a limit on the time of the SQL in it: what runs longer fails with
    /// ``SQLiteError/Code/interrupted``. Limits nest; the earlier end wins.
    ///
    /// The clock is read every 1,000 steps of SQLite's virtual machine (some 10 µs). Waiting for another
    /// connection's lock is not counted: the busy timeout bounds that.
    public func withTimeLimit<Result: ~Copyable>(
        _ limit: Duration, _ body: () throws -> Result
    ) rethrows -> Result {
        let outer = deadline.pointee
        let end = ContinuousClock.now + limit
        deadline.pointee = outer.map { min($0, end) } ?? end
        sqlite3_progress_handler(handle, 1000, Self.isLate, deadline)
        defer {
            deadline.pointee = outer
            if outer == nil { sqlite3_progress_handler(handle, 0, nil, nil) }
        }
        return try body()
    }

    private static let isLate: @convention(c) (UnsafeMutableRawPointer?) -> Int32 = { context in
        let deadline = context?.assumingMemoryBound(to: ContinuousClock.Instant?.self).pointee
        guard let deadline else { return 0 }
        return ContinuousClock.now >= deadline ? 1 : 0
    }
}

extension Duration {
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, over) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        return over ? (seconds < 0 ? .min : .max) : sum
    }
}
