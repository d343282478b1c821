/// What came of the requests, seen from outside.
struct DriveResult {
    struct Line {
        var count = 0
        var statuses: [Int: Int] = [:]
        var nanoseconds: [Int64] = []
    }

    private(set) var lines: [Traffic.Kind: Line] = [:]
    /// Requests that got no answer, or one with an unexpected status; the first few in words.
    private(set) var surprises = 0
    private(set) var examples: [String] = []

    var count: Int { lines.values.reduce(0) { $0 + $1.count } }

    mutating func take(
        _ request: Traffic.Request, _ status: Result<Int, some Error>, nanoseconds: Int64
    ) {
        lines[request.kind, default: Line()].count += 1
        lines[request.kind]?.nanoseconds.append(nanoseconds)
        switch status {
        case .success(let status):
            lines[request.kind]?.statuses[status, default: 0] += 1
            if status != request.kind.expectedStatus {
                surprise("\(request.target.prefix(100)): status \(status)")
            }
        case .failure(let error): surprise("\(error)")
        }
    }

    private mutating func surprise(_ text: String) {
        surprises += 1
        if examples.count < 5 { examples.append(text) }
    }

    /// A table of kinds, statuses and times.
    var table: TextTable {
        var table = TextTable(
            columns: ["requests", "count", "status", "median", "p99", "slowest"], rightAligned: [1, 3, 4, 5])
        for kind in Traffic.Kind.allCases {
            guard let line = lines[kind] else { continue }
            let times = line.nanoseconds.sorted()
            let at = { (share: Double) in
                Milliseconds.text(Double(times[min(times.count - 1, Int(Double(times.count) * share))]) / 1e9)
            }
            let statuses = line.statuses.sorted { $0.key < $1.key }.map { status, count in
                line.statuses.count == 1 ? "\(status)" : "\(status): \(count)"
            }
            table.rows.append([
                kind.rawValue, "\(line.count)", statuses.joined(separator: ", "), at(0.5), at(0.99), at(1),
            ])
        }
        return table
    }
}
