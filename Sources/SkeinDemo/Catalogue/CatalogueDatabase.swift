import Skein
import SkeinPlatform
import SkeinSQLite
import Synchronization

/// The catalogue's SQLite file: made anew at each start, then only read.
final class CatalogueDatabase: Sendable {
    let path: String
    /// How many packages there are.
    let packages: Int
    private let idle = Mutex<[CatalogueReader]>([])

    /// Makes the file out of the machine's package database, in one transaction.
    init(path: String, statusFile: String) throws {
        self.path = path
        packages = try withContext("startup") { context in
            context["status_file"] = statusFile
            for suffix in ["", "-journal", "-wal", "-shm"] { unlink(path + suffix) }
            let connection = try SQLiteConnection(path: path)
            // It can be made again at any time, so nothing is synced.
            try connection.execute("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;" + Self.schema)
            let counts = try context.time("load_time") {
                try connection.transaction { () throws in try Self.load(statusFile, into: connection) }
            }
            context["packages"] = counts.packages
            context["not_installed"] = counts.notInstalled
            context["nameless"] = counts.nameless
            context["stray_lines"] = counts.strayLines
            context["cut_fields"] = counts.cut
            return counts.packages
        }
    }

    /// Lends a reader: a connection that only one thread uses at a time.
    func read<Result>(_ body: (CatalogueReader) throws -> Result) throws -> Result {
        let kept = idle.withLock { $0.popLast() }
        let reader = if let kept { kept } else { try CatalogueReader(path: path) }
        defer { idle.withLock { if $0.count < 16 { $0.append(reader) } } }
        return try body(reader)
    }

    private static let schema = """
        CREATE TABLE package (
            name TEXT PRIMARY KEY, version TEXT NOT NULL, architecture TEXT NOT NULL, section TEXT NOT NULL,
            priority TEXT NOT NULL, installed_kib INTEGER NOT NULL, maintainer TEXT NOT NULL,
            summary TEXT NOT NULL, description TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE dependency (
            package TEXT NOT NULL, position INTEGER NOT NULL, alternative INTEGER NOT NULL, name TEXT NOT NULL,
            version_constraint TEXT NOT NULL, PRIMARY KEY (package, position, alternative)) WITHOUT ROWID;
        CREATE TABLE provision (
            name TEXT NOT NULL, package TEXT NOT NULL, PRIMARY KEY (name, package)) WITHOUT ROWID;
        """

    private static func load(
        _ statusFile: String, into connection: borrowing SQLiteConnection
    ) throws -> PackageStatusParser.Counts {
        // Several architectures of one package are one entry here: the first.
        var package = try connection.prepare(
            "INSERT OR IGNORE INTO package VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)")
        var dependency = try connection.prepare("INSERT OR IGNORE INTO dependency VALUES (?1,?2,?3,?4,?5)")
        var provision = try connection.prepare("INSERT OR IGNORE INTO provision VALUES (?1,?2)")
        return try StatusFile.read(statusFile) { entry in
            try package.run([
                .text(entry.name), .text(entry.version), .text(entry.architecture), .text(entry.section),
                .text(entry.priority), .integer(Int64(entry.installedKiB)), .text(entry.maintainer),
                .text(entry.summary), .text(entry.description),
            ])
            for (position, alternatives) in entry.dependencies.enumerated() {
                for (index, one) in alternatives.enumerated() {
                    try dependency.run([
                        .text(entry.name), .integer(Int64(position)), .integer(Int64(index)), .text(one.name),
                        .text(one.constraint),
                    ])
                }
            }
            for name in entry.provides { try provision.run([.text(name), .text(entry.name)]) }
        }
    }
}

extension SQLiteStatement {
    /// Runs to the end with these parameters, ready for the next time.
    fileprivate mutating func run(_ values: [SQLiteValue]) throws(SQLiteError) {
        try bind(values)
        while try step() {}
        reset()
    }
}
