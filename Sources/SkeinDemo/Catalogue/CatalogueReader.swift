import Skein
import SkeinSQLite

/// One read-only connection to the catalogue and its questions. One thread at a time.
final class CatalogueReader: @unchecked Sendable {
    // Sendable: CatalogueDatabase lends it to one thread at a time, and SQLite lets a connection move between threads.
    private let connection: SQLiteConnection

    init(path: String) throws {
        connection = try SQLiteConnection(path: path, access: .readOnly)
    }

    struct Listing {
        var name: String
        var version: String
        var summary: String
    }

    /// Packages whose name or description has the text, the best matches first, and how many there are in all.
    func search(_ text: String, limit: Int) throws -> (total: Int, packages: [Listing]) {
        let escaped = String(
            text.flatMap { (character: Character) -> [Character] in
                "\\%_".contains(character) ? ["\\", character] : [character]
            })
        let (inside, prefix) = (SQLiteValue("%" + escaped + "%"), SQLiteValue(escaped + "%"))
        let packages = try query(
            """
            SELECT name, version, summary FROM package
            WHERE name LIKE ?1 ESCAPE '\\' OR summary LIKE ?1 ESCAPE '\\' OR description LIKE ?1 ESCAPE '\\'
            ORDER BY name = ?2 DESC, name LIKE ?3 ESCAPE '\\' DESC, name LIMIT ?4
            """, [inside, SQLiteValue(text), prefix, SQLiteValue(limit)]
        ) { row in
            Listing(
                name: row.text(at: 0) ?? "", version: row.text(at: 1) ?? "", summary: row.text(at: 2) ?? "")
        }
        guard packages.count == limit else { return (packages.count, packages) }
        let total = try query(
            """
            SELECT count(*) FROM package
            WHERE name LIKE ?1 ESCAPE '\\' OR summary LIKE ?1 ESCAPE '\\' OR description LIKE ?1 ESCAPE '\\'
            """, [inside]
        ) { row in Int(row.integer(at: 0)) }
        return (total.first ?? packages.count, packages)
    }

    /// Everything about one package; nil if it is not installed.
    func package(_ name: String) throws -> BSONDocument? {
        let found = try query(
            """
            SELECT name, version, architecture, section, priority, installed_kib, maintainer, summary, description
            FROM package WHERE name = ?1
            """, [SQLiteValue(name)]
        ) { row -> BSONDocument in
            var document = BSONDocument()
            let names = ["name", "version", "architecture", "section", "priority"]
            for (index, name) in names.enumerated() {
                document.append(name, .string(row.text(at: index) ?? ""))
            }
            document.append("installed_kib", .int64(row.integer(at: 5)))
            for (index, name) in ["maintainer", "summary", "description"].enumerated() {
                document.append(name, .string(row.text(at: index + 6) ?? ""))
            }
            return document
        }
        return found.first
    }

    /// For each of the packages that is installed, what it needs: of each group of alternatives the one that is
    /// installed, under its own name or as something another package provides.
    func dependencies(of names: [String]) throws -> [(package: String, needs: [String])] {
        let list = SQLiteValue(Self.jsonArray(names))
        let known = try query(
            "SELECT name FROM package WHERE name IN (SELECT value FROM json_each(?1)) ORDER BY name", [list]
        ) { row in row.text(at: 0) ?? "" }
        let edges = try query(
            """
            SELECT d.package, d.position, d.name, p.name, min(v.package) FROM dependency AS d
            LEFT JOIN package AS p ON p.name = d.name LEFT JOIN provision AS v ON v.name = d.name
            WHERE d.package IN (SELECT value FROM json_each(?1))
            GROUP BY d.package, d.position, d.alternative ORDER BY d.package, d.position, d.alternative
            """, [list]
        ) { row in
            (
                package: row.text(at: 0) ?? "", position: row.integer(at: 1), name: row.text(at: 2) ?? "",
                found: row.text(at: 3) ?? row.text(at: 4)
            )
        }
        var needs: [String: [String]] = [:]
        var rest = edges[...]
        while let first = rest.first {
            let group = rest.prefix { $0.package == first.package && $0.position == first.position }
            rest = rest.dropFirst(group.count)
            // None installed (dpkg was forced): the first one is named, and is missing.
            let chosen = group.lazy.compactMap(\.found).first ?? first.name
            if needs[first.package]?.contains(chosen) != true {
                needs[first.package, default: []].append(chosen)
            }
        }
        return known.map { ($0, needs[$0] ?? []) }
    }

    /// Runs one query in a `.sql` context of its own.
    private func query<Row>(
        _ sql: StaticString, _ values: [SQLiteValue],
        _ row: (borrowing SQLiteStatement) throws(SQLiteError) -> Row
    ) throws -> [Row] {
        try withContext(".sql") { context in
            let text = sql.description
            if context.isRecording {
                context["query"] = text.split { $0 == " " || $0 == "\n" }.joined(separator: " ")
            }
            return try connection.withTimeLimit(.seconds(5)) {
                let rows = try context.time("time") { try connection.query(text, values, row) }
                context["rows"] = rows.count
                return rows
            }
        }
    }

    private static func jsonArray(_ names: [String]) -> String {
        // Names of packages have no character that JSON escapes; what is no name matches none.
        "[" + names.filter(PackageStatusParser.isName).map { "\"\($0)\"" }.joined(separator: ",") + "]"
    }
}
