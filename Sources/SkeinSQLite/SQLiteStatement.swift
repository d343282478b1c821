import CSkeinSQLite

/// A compiled statement with its parameters and its current row. One thread at a time: that of its connection.
///
/// Parameters are numbered from 1, columns from 0, as SQLite does. Columns are to be read while
/// ``step()`` has just answered true; otherwise, and beyond the last column, they read as null.
public struct SQLiteStatement: ~Copyable {
    private let handle: OpaquePointer

    deinit {
        sqlite3_finalize(handle)
    }

    init(_ sql: String, on connection: OpaquePointer) throws(SQLiteError) {
        try Self.refuseNUL(in: sql, operation: "prepare")
        var sql = sql
        // (result, statement, whether only blanks, comments and semicolons follow it)
        let (result, statement, isWhole) = sql.withUTF8 { text -> (Int32, OpaquePointer?, Bool) in
            text.withMemoryRebound(to: CChar.self) { text in
                var statement: OpaquePointer?
                var tail: UnsafePointer<CChar>?
                let result = sqlite3_prepare_v2(
                    connection, text.baseAddress, Int32(clamping: text.count), &statement, &tail)
                guard result == SQLITE_OK, let start = text.baseAddress, var rest = tail else {
                    return (result, statement, true)
                }
                while rest < start + text.count {
                    var next: OpaquePointer?
                    let left = Int32(clamping: start + text.count - rest)
                    let result = sqlite3_prepare_v2(connection, rest, left, &next, &tail)
                    defer { sqlite3_finalize(next) }
                    guard result == SQLITE_OK, next == nil, let end = tail, end > rest else {
                        return (SQLITE_OK, statement, false)
                    }
                    rest = end
                }
                return (SQLITE_OK, statement, true)
            }
        }
        guard result == SQLITE_OK else {
            throw SQLiteError(result, on: connection, operation: "prepare", subject: sql)
        }
        guard let statement, isWhole else {
            sqlite3_finalize(statement)
            throw SQLiteError(
                extendedCode: SQLITE_MISUSE, message: "exactly one statement is expected",
                operation: "prepare", subject: sql)
        }
        handle = statement
    }

    /// SQLite would stop reading at a NUL and run only what stands before it.
    static func refuseNUL(in sql: String, operation: String) throws(SQLiteError) {
        guard sql.utf8.contains(0) else { return }
        throw SQLiteError(
            extendedCode: SQLITE_MISUSE, message: "the SQL has a NUL character", operation: operation,
            subject: sql)
    }

    // MARK: Parameters

    /// How many parameters there are.
    public var parameterCount: Int { Int(sqlite3_bind_parameter_count(handle)) }

    /// The number of a named parameter, its `:` included; nil if there is none of that name.
    public func parameter(named name: String) -> Int? {
        let index = sqlite3_bind_parameter_index(handle, name)
        return index > 0 ? Int(index) : nil
    }

    /// Binds an integer. Parameters count from 1; ``SQLiteError/Code/range`` if there is none of that number.
    public mutating func bind(integer value: Int64, at index: Int) throws(SQLiteError) {
        try check(sqlite3_bind_int64(handle, Int32(clamping: index), value), "bind")
    }

    /// Binds a double; SQLite makes null of a NaN.
    public mutating func bind(double value: Double, at index: Int) throws(SQLiteError) {
        try check(sqlite3_bind_double(handle, Int32(clamping: index), value), "bind")
    }

    /// Binds text; SQLite keeps a copy. A NUL inside is kept.
    public mutating func bind(text value: String, at index: Int) throws(SQLiteError) {
        var value = value
        let result = value.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { bytes in
                skein_sqlite3_bind_text(
                    handle, Int32(clamping: index), bytes.baseAddress, sqlite3_uint64(bytes.count))
            }
        }
        try check(result, "bind")
    }

    /// Binds bytes as a blob; SQLite keeps a copy.
    public mutating func bind(bytes: UnsafeRawBufferPointer, at index: Int) throws(SQLiteError) {
        try check(bindResult(bytes, at: index), "bind")
    }

    private func bindResult(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Int32 {
        skein_sqlite3_bind_blob(
            handle, Int32(clamping: index), bytes.baseAddress, sqlite3_uint64(bytes.count))
    }

    /// Binds null.
    public mutating func bindNull(at index: Int) throws(SQLiteError) {
        try check(sqlite3_bind_null(handle, Int32(clamping: index)), "bind")
    }

    /// Binds a value of any storage class.
    public mutating func bind(_ value: SQLiteValue, at index: Int) throws(SQLiteError) {
        switch value {
        case .null: try bindNull(at: index)
        case .integer(let value): try bind(integer: value, at: index)
        case .real(let value): try bind(double: value, at: index)
        case .text(let value): try bind(text: value, at: index)
        case .blob(let value):
            let result = value.withUnsafeBytes { bytes in bindResult(bytes, at: index) }
            try check(result, "bind")
        }
    }

    /// Binds the parameters from the first on. Too many are an error; those left out stay as they were.
    public mutating func bind(_ values: [SQLiteValue]) throws(SQLiteError) {
        for (index, value) in values.enumerated() { try bind(value, at: index + 1) }
    }

    /// Sets all parameters to null.
    public mutating func clearBindings() {
        sqlite3_clear_bindings(handle)
    }

    // MARK: Running

    /// Runs on to the next row: true if there is one, false at the end.
    public mutating func step() throws(SQLiteError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let result: throw error(result, "step")
        }
    }

    /// Makes the statement ready to run again; the parameters stay bound.
    public mutating func reset() {
        // Its result repeats the error of the last step, which has been thrown there.
        sqlite3_reset(handle)
    }

    // MARK: Columns

    /// How many columns a row has; 0 for a statement that returns none.
    public var columnCount: Int { Int(sqlite3_column_count(handle)) }

    /// The name of a column, as its `AS` gives it; nil beyond the last.
    public func columnName(at index: Int) -> String? {
        sqlite3_column_name(handle, Int32(clamping: index)).map { String(cString: $0) }
    }

    /// Whether the column is null. Columns count from 0; one beyond the last is null.
    public func isNull(at index: Int) -> Bool {
        sqlite3_column_type(handle, Int32(clamping: index)) == SQLITE_NULL
    }

    /// The column as an integer; null and text that is no number read as 0.
    public func integer(at index: Int) -> Int64 {
        sqlite3_column_int64(handle, Int32(clamping: index))
    }

    /// The column as a double; null and text that is no number read as 0.
    public func double(at index: Int) -> Double {
        sqlite3_column_double(handle, Int32(clamping: index))
    }

    /// The column as text (bytes that are not UTF-8 are repaired), nil if it is null.
    public func text(at index: Int) -> String? {
        let index = Int32(clamping: index)
        // In this order: the text may first have to be converted, which sets the count.
        guard let start = sqlite3_column_text(handle, index) else { return nil }
        let count = Int(sqlite3_column_bytes(handle, index))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// Lends the column's bytes (a blob's, or a text's UTF-8); empty if it is null. They must not leave `body`.
    public func withBytes<Result>(
        at index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        let index = Int32(clamping: index)
        let start = sqlite3_column_blob(handle, index)
        let count = Int(sqlite3_column_bytes(handle, index))
        return try body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
    }

    /// The column as it is stored.
    public func value(at index: Int) -> SQLiteValue {
        switch sqlite3_column_type(handle, Int32(clamping: index)) {
        case SQLITE_INTEGER: .integer(integer(at: index))
        case SQLITE_FLOAT: .real(double(at: index))
        case SQLITE_TEXT: .text(text(at: index) ?? "")
        case SQLITE_BLOB: .blob(withBytes(at: index) { Array($0) })
        default: .null
        }
    }

    // MARK: Errors

    private func check(_ result: Int32, _ operation: String) throws(SQLiteError) {
        guard result == SQLITE_OK else { throw error(result, operation) }
    }

    private func error(_ result: Int32, _ operation: String) -> SQLiteError {
        SQLiteError(
            result, on: sqlite3_db_handle(handle), operation: operation,
            subject: sqlite3_sql(handle).map { String(cString: $0) } ?? "")
    }
}
