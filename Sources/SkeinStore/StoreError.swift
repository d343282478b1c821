public import SkeinSQLite

/// Why the store could not do what was asked: what was attempted, on which file, what came back.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure. It can grow: switch with a `default`.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// Its name.
        public let rawValue: String
        /// A code by its name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The file is something else than a store, or one of a later version.
        public static let notAStore = Code(rawValue: "not_a_store")
        /// SQLite refused: see ``StoreError/cause``.
        public static let database = Code(rawValue: "database")
        /// What is stored contradicts itself.
        public static let damaged = Code(rawValue: "damaged")
        /// The question took longer than it may.
        public static let late = Code(rawValue: "late")
    }

    /// What kind of failure.
    public let code: Code
    /// A sentence for who operates the store.
    public let message: String
    /// What SQLite said, if it did.
    public let cause: SQLiteError?

    public var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
        cause = nil
    }

    init(_ attempt: String, _ path: String, _ cause: SQLiteError) {
        code = cause.code == .interrupted ? .late : .database
        message = "\(attempt) the store \(path): \(cause)"
        self.cause = cause
    }
}
