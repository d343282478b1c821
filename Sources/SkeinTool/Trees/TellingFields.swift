import SkeinBSON

/// The few fields of an event that tell most, for a row that has little room.
enum TellingFields {
    /// Keys by which a person knows what an event was about, in the order in which they are wanted. The last step
    /// of a path counts.
    private static let wanted = [
        "method", "path", "url", "uri", "route", "status", "query", "statement", "sql", "q", "name",
        "package", "key",
        "command", "row_count", "rows", "count", "hit", "size", "user",
    ]

    /// Up to `limit` fields, the most telling first.
    static func of(_ event: Event, limit: Int) -> [(name: String, value: String)] {
        guard let body = event.body else { return [] }
        if event.isRecord {
            let message = body.first("msg").map { FieldText.of($0) } ?? ""
            return message.isEmpty ? [] : [("", message)]
        }
        var found: [(rank: Int, name: String, value: String)] = []
        var seen = 0
        FieldWalk.leaves(of: body) { path, element in
            seen += 1
            let last = path.split(separator: ".").last.map(String.init) ?? path
            let rank =
                wanted.firstIndex(of: last) ?? (isBulky(element) ? wanted.count + 1000 : wanted.count + seen)
            if !path.hasPrefix("_trimmed") {
                found.append((rank, path, FieldText.of(element, quotes: true)))
            }
            return seen < 200
        }
        return found.sorted { $0.rank < $1.rank }.prefix(limit).map { ($0.name, $0.value) }
    }

    private static func isBulky(_ element: BSONElement) -> Bool {
        element.document != nil || element.value.count > 120
    }
}
