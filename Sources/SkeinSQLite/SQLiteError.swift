import CSkeinSQLite

/// Why a call of SQLite failed: what was attempted, on what, and what SQLite said.
///
/// `description` holds the SQL's text (cut at 200 characters) or the path, never a bound value.
public struct SQLiteError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A primary result code of SQLite. It can grow: switch with a `default`.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// SQLite's number, for example 19 for `SQLITE_CONSTRAINT`.
        public let rawValue: Int32
        /// A code by SQLite's number, known or not.
        public init(rawValue: Int32) { self.rawValue = rawValue }

        /// A mistake in the SQL, or a table or column that does not exist.
        public static let error = Code(rawValue: SQLITE_ERROR)
        /// Another connection held the lock for longer than the busy timeout.
        public static let busy = Code(rawValue: SQLITE_BUSY)
        /// A table is locked by a statement of this very connection.
        public static let locked = Code(rawValue: SQLITE_LOCKED)
        /// A write to what was opened for reading only.
        public static let readOnly = Code(rawValue: SQLITE_READONLY)
        /// The time limit passed.
        public static let interrupted = Code(rawValue: SQLITE_INTERRUPT)
        /// The system failed to read or write the file.
        public static let inputOutput = Code(rawValue: SQLITE_IOERR)
        /// The file is a database, and damaged.
        public static let corrupt = Code(rawValue: SQLITE_CORRUPT)
        /// The disk, or the database's page limit.
        public static let full = Code(rawValue: SQLITE_FULL)
        /// The file cannot be opened or made.
        public static let cannotOpen = Code(rawValue: SQLITE_CANTOPEN)
        /// A constraint of a table was violated; ``SQLiteError/extendedCode`` says of which kind.
        public static let constraint = Code(rawValue: SQLITE_CONSTRAINT)
        /// A text or blob over SQLite's limit of length.
        public static let tooBig = Code(rawValue: SQLITE_TOOBIG)
        /// A call that SQLite's interface does not allow there, or SQL with a NUL.
        public static let misuse = Code(rawValue: SQLITE_MISUSE)
        /// A parameter's number that the statement does not have.
        public static let range = Code(rawValue: SQLITE_RANGE)
        /// The file is something else than a database.
        public static let notADatabase = Code(rawValue: SQLITE_NOTADB)
    }

    /// The primary code: what kind of failure.
    public let code: Code
    /// SQLite's extended result code, for example 2067 for a violated UNIQUE constraint.
    public let extendedCode: Int32
    /// SQLite's own sentence, for example `no such column: nam`.
    public let message: String
    /// What was attempted: `open`, `prepare`, `bind`, `step`, `execute`.
    public let operation: String
    /// On what: the path of the database, or the text of the SQL.
    public let subject: String

    init(extendedCode: Int32, message: String, operation: String, subject: String) {
        self.code = Code(rawValue: extendedCode & 0xFF)
        self.extendedCode = extendedCode
        self.message = message
        self.operation = operation
        self.subject = subject
    }

    /// The error of the call that just failed on `connection`, which may be nil when opening ran out of memory.
    init(_ result: Int32, on connection: OpaquePointer?, operation: String, subject: String) {
        let text = connection.flatMap { sqlite3_errmsg($0) } ?? sqlite3_errstr(result)
        self.init(
            extendedCode: result, message: text.map { String(cString: $0) } ?? "unknown error",
            operation: operation, subject: subject)
    }

    public var description: String {
        let shown = subject.count > 200 ? subject.prefix(200) + "…" : subject[...]
        return "SQLite could not \(operation) `\(shown)`: \(message) (code \(extendedCode))"
    }
}
