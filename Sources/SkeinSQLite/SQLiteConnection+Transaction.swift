import CSkeinSQLite

extension SQLiteConnection {
    /// When a transaction takes its locks.
    public enum Transaction: Sendable {
        /// With the first statement that needs one. A write after a read may then fail with `busy` at once.
        case deferred
        /// The writer's lock at once: waiting for it happens here, within the busy timeout.
        case immediate
        /// The writer's lock at once, and without WAL nobody reads meanwhile.
        case exclusive

        var begin: String {
            switch self {
            case .deferred: "BEGIN DEFERRED"
            case .immediate: "BEGIN IMMEDIATE"
            case .exclusive: "BEGIN EXCLUSIVE"
            }
        }
    }

    /// Runs `body` inside a transaction: committed when it returns, rolled back when it throws.
    ///
    /// Transactions do not nest; an inner one fails with SQLite's own message.
    /// - Throws: what `body` throws, or a ``SQLiteError`` of BEGIN or COMMIT. After a failed COMMIT the
    ///   transaction is rolled back, so that the connection is always usable afterwards.
    public func transaction<Result: ~Copyable>(
        _ kind: Transaction = .immediate, _ body: () throws -> Result
    ) throws -> Result {
        try execute(kind.begin)
        do {
            let result = try body()
            try execute("COMMIT")
            return result
        } catch {
            // A full disk or an I/O error has already rolled back by itself.
            if isInTransaction { try? execute("ROLLBACK") }
            throw error
        }
    }
}
