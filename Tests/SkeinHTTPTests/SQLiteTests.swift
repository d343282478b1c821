import Foundation
import SkeinSQLite
import Testing

@Suite struct SQLiteTests {
    @Test func `every storage class survives a round trip`() throws {
        let connection = try SQLiteConnection(path: ":memory:")
        let values: [SQLiteValue] = [
            nil, 0, .integer(.min), .integer(.max), 1.5, .real(-0.0), .real(.infinity), "", "héllo",
            .text("a\0b"), .blob([]), .blob([0, 255, 1]),
        ]
        try connection.execute("CREATE TABLE t (v)")
        for value in values { try connection.run("INSERT INTO t VALUES (?1)", [value]) }
        let read = try connection.query("SELECT v FROM t ORDER BY rowid") { row in row.value(at: 0) }
        #expect(read == values)
        let types = try connection.query("SELECT typeof(v) FROM t ORDER BY rowid") { row in row.text(at: 0) }
        #expect(
            types == [
                "null", "integer", "integer", "integer", "real", "real", "real", "text", "text", "text",
                "blob",
                "blob",
            ])
    }

    @Test func `a statement runs again after a reset and keeps what is bound`() throws {
        let connection = try SQLiteConnection(path: ":memory:")
        var statement = try connection.prepare("SELECT ?1 + :more AS sum")
        #expect(statement.parameterCount == 2)
        let more = statement.parameter(named: ":more") ?? 0
        #expect(more == 2)
        #expect(statement.parameter(named: ":less") == nil)
        try statement.bind(40, at: 1)
        try statement.bind(2, at: more)
        for _ in 0..<2 {
            #expect(try statement.step() == true)
            #expect(statement.integer(at: 0) == 42)
            #expect(statement.columnName(at: 0) == "sum")
            #expect(try statement.step() == false)
            statement.reset()
        }
        statement.clearBindings()
        #expect(try statement.step() == true)
        #expect(statement.isNull(at: 0) == true)
        #expect(statement.columnCount == 1)
        // Beyond the columns there is nothing, and it is not a trap.
        #expect(statement.text(at: 7) == nil)
        #expect(statement.text(at: -1) == nil)
        #expect(statement.columnName(at: .max) == nil)
    }

    @Test func `an error names the SQL, the message and the extended code`() throws {
        let connection = try SQLiteConnection(path: ":memory:")
        try connection.execute("CREATE TABLE t (k TEXT UNIQUE)")
        try connection.run("INSERT INTO t VALUES ('x')")
        let error = #expect(throws: SQLiteError.self) {
            try connection.run("INSERT INTO t VALUES (?1)", ["x"])
        }
        #expect(error?.code == .constraint)
        #expect(error?.extendedCode == 2067)
        #expect(
            error?.description
                == "SQLite could not step `INSERT INTO t VALUES (?1)`: UNIQUE constraint failed: t.k (code 2067)"
        )
        #expect(throws: SQLiteError.self) {
            _ = try connection.query("SELECT nam FROM t") { row in row.columnCount }
        }
    }

    @Test(arguments: ["", " -- nothing", "SELECT 1; SELECT 2", "SELECT 1; junk"])
    func `what is not exactly one statement is not prepared`(sql: String) throws {
        let connection = try SQLiteConnection(path: ":memory:")
        #expect(throws: SQLiteError.self) { _ = try connection.prepare(sql).columnCount }
    }

    @Test func `SQL with a NUL is refused, not cut there`() throws {
        let connection = try SQLiteConnection(path: ":memory:")
        #expect(throws: SQLiteError.self) { _ = try connection.prepare("SELECT 1\0 + 1").columnCount }
        #expect(throws: SQLiteError.self) { try connection.execute("SELECT 1\0 + 1") }
    }

    @Test func `a statement may be followed by blanks, comments and semicolons`() throws {
        let connection = try SQLiteConnection(path: ":memory:")
        #expect(try connection.prepare("SELECT 1 ; -- one\n /* two */ ;; ").columnCount == 1)
    }

    @Test func `a double-quoted word is never a string`() throws {
        let connection = try SQLiteConnection(path: ":memory:")
        #expect(throws: SQLiteError.self) { _ = try connection.prepare("SELECT \"word\"").columnCount }
    }

    @Test func `a parameter that does not exist is an error`() throws {
        let connection = try SQLiteConnection(path: ":memory:")
        for index in [0, 2, -1, Int.max] {
            let error = #expect(throws: SQLiteError.self) {
                var statement = try connection.prepare("SELECT ?1")
                try statement.bind("x", at: index)
            }
            #expect(error?.code == .range)
        }
    }

    @Test func `a transaction commits as a whole or not at all`() throws {
        struct Interrupted: Error {}
        let connection = try SQLiteConnection(path: ":memory:")
        try connection.execute("CREATE TABLE t (v)")
        let answer = try connection.transaction { () throws in
            try connection.run("INSERT INTO t VALUES (1)")
            #expect(connection.isInTransaction == true)
            return connection.lastInsertedRow
        }
        #expect(answer == 1)
        #expect(throws: Interrupted.self) {
            try connection.transaction { () throws in
                try connection.run("INSERT INTO t VALUES (2)")
                throw Interrupted()
            }
        }
        #expect(connection.isInTransaction == false)
        #expect(try connection.query("SELECT count(*) FROM t") { row in row.integer(at: 0) } == [1])
        // Inside one, another cannot begin; the outer is rolled back by the error that passes through.
        #expect(throws: SQLiteError.self) {
            try connection.transaction { () throws in try connection.transaction { () throws in } }
        }
        #expect(connection.isInTransaction == false)
    }

    @Test func `a read-only connection refuses to write and to make a file`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a.db"
        let missing = #expect(throws: SQLiteError.self) {
            _ = try SQLiteConnection(path: path, access: .readOnly).isReadOnly
        }
        #expect(missing?.code == .cannotOpen)
        #expect(missing?.description.contains(path) == true)
        do {
            let writer = try SQLiteConnection(path: path)
            try writer.execute("CREATE TABLE t (v); INSERT INTO t VALUES ('kept')")
            #expect(writer.isReadOnly == false)
        }
        let reader = try SQLiteConnection(path: path, access: .readOnly)
        #expect(reader.isReadOnly == true)
        let refused = #expect(throws: SQLiteError.self) { try reader.run("INSERT INTO t VALUES (1)") }
        #expect(refused?.code == .readOnly)
        #expect(try reader.query("SELECT v FROM t") { row in row.text(at: 0) } == ["kept"])
    }

    @Test func `a path with a NUL or in the form of a URI is only a name`() throws {
        let folder = try TemporaryFolder()
        #expect(throws: SQLiteError.self) { _ = try SQLiteConnection(path: folder.path + "/a\0b").isReadOnly }
        let name = "file:x.db?mode=memory"
        let connection = try SQLiteConnection(path: folder.path + "/" + name)
        try connection.execute("CREATE TABLE t (v)")
        #expect(FileManager.default.fileExists(atPath: folder.path + "/" + name))
    }

    @Test func `the busy timeout bounds the wait for another writer`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a.db"
        let holder = try SQLiteConnection(path: path)
        try holder.execute("CREATE TABLE t (v); BEGIN IMMEDIATE")
        let other = try SQLiteConnection(path: path, busyTimeout: .milliseconds(50))
        let began = ContinuousClock.now
        let error = #expect(throws: SQLiteError.self) { try other.transaction { () throws in } }
        #expect(error?.code == .busy)
        #expect(ContinuousClock.now - began >= .milliseconds(40))
        try holder.execute("COMMIT")
        try other.transaction { () throws in }
    }

    @Test func `a query beyond its time limit is interrupted, and the connection goes on`() throws {
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        let connection = try SQLiteConnection(path: ":memory:")
        let error = #expect(throws: SQLiteError.self) {
            try connection.withTimeLimit(.milliseconds(20)) {
                // The inner, longer limit does not lift the outer one.
                try connection.withTimeLimit(.seconds(60)) {
                    _ = try connection.query(endless) { row in row.integer(at: 0) }
                }
            }
        }
        #expect(error?.code == .interrupted)
        #expect(try connection.query("SELECT 1") { row in row.integer(at: 0) } == [1])
    }

    @Test func `Python reads what was written, and the other way round`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a.db"
        let connection = try SQLiteConnection(path: path)
        try connection.execute("PRAGMA journal_mode = WAL; CREATE TABLE t (name TEXT, n INTEGER, b BLOB)")
        try connection.run(
            "INSERT INTO t VALUES (?1, ?2, ?3)", ["snøfnugg", .integer(.max), .blob([1, 0, 2])])
        let script = """
            import sqlite3, sys
            c = sqlite3.connect(sys.argv[1])
            print(c.execute("SELECT name, n, b FROM t").fetchall())
            c.execute("INSERT INTO t VALUES ('from python', 7, NULL)")
            c.commit()
            """
        let outcome = try OutsideProgram.python(script, path)
        #expect(outcome.errors == "")
        #expect(outcome.output == "[('snøfnugg', 9223372036854775807, b'\\x01\\x00\\x02')]\n")
        let rows = try connection.query("SELECT * FROM t WHERE n = 7") { row in
            [row.value(at: 0), row.value(at: 1), row.value(at: 2)]
        }
        #expect(rows == [["from python", 7, nil]])
    }
}
