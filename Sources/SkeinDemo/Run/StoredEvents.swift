import SkeinBSON
import SkeinPlatform

/// One event as the collector's files have it: the part that the summary needs.
struct StoredEvent {
    var id: String
    var type: String
    var service: String
    var isRoot: Bool
    var seconds: Double
    var status: Int?
    var error: String?
    var path: String

    /// Nil for what is no event of this demo.
    init?(_ document: BSONDocument, since start: Double) {
        guard let id = document["id"]?.stringValue, let type = document["type"]?.stringValue,
            let began = document["start"]?.doubleValue, let ended = document["end"]?.doubleValue,
            began >= start
        else { return nil }
        self.id = id
        self.type = type
        service = document["service"]?.stringValue ?? ""
        isRoot = document["parent"] == nil
        seconds = ended - began
        status = document[path: "body.response.status"]?.intValue.map { Int($0) }
        error = document[path: "error.type"]?.stringValue
        path = document[path: "body.path"]?.stringValue ?? ""
    }
}

/// What the tool says is stored. The demo reads no file of the collector by itself: it uses what a person would use.
struct StoredEvents {
    private(set) var events: [StoredEvent] = []

    /// Runs `skein view --json` over the files and reads its lines as they come.
    init(tool: String, logPath: String, since start: Double) throws {
        let arguments = ["view", "--json"] + Self.selection(logPath: logPath, since: start)
        let process: ChildProcess
        do {
            process = try ChildProcess(path: tool, arguments: arguments, output: .pipe)
        } catch {
            throw DemoError.failed("cannot start \(tool): \(error)")
        }
        defer { process.end(grace: .seconds(1)) }
        let reader = LineReader(process.output)
        let deadline = SystemClock.monotonicNanoseconds() + 120_000_000_000
        reading: while true {
            switch reader.next(until: deadline) {
            case .line(let line):
                guard let document = try? ExtendedJSON.decode(line) else {
                    throw DemoError.failed(
                        "`skein \(arguments.joined(separator: " "))` printed what is no JSON: \(line.prefix(80))"
                    )
                }
                if let event = StoredEvent(document, since: start) { events.append(event) }
            case .end: break reading
            case .late:
                throw DemoError.failed(
                    "`skein \(arguments.joined(separator: " "))` took longer than two minutes")
            }
        }
        guard let end = process.wait(until: deadline), end == .exited(0) else {
            throw DemoError.failed("`skein \(arguments.joined(separator: " "))` did not end well")
        }
    }

    /// What makes the tool show this run's requests, and read nothing older.
    static func selection(logPath: String, since start: Double) -> [String] {
        ["--log-path", logPath, "--type-name", "request*", "--start-date", minute(of: start)]
    }

    /// `20261120 23:05`, UTC.
    static func minute(of seconds: Double) -> String {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        let two = { (number: Int32) in (number < 10 ? "0" : "") + "\(number)" }
        return
            "\(parts.tm_year + 1900)\(two(parts.tm_mon + 1))\(two(parts.tm_mday)) \(two(parts.tm_hour)):\(two(parts.tm_min))"
    }

    /// The requests that came from outside.
    var roots: [StoredEvent] {
        events.filter { $0.isRoot && $0.type == "request" && $0.service == "storefront" }
    }

    /// The slowest of those that asked for dependencies and went well.
    var slow: StoredEvent? {
        roots.filter { $0.error == nil && $0.path.hasPrefix("/depends/") }.max { $0.seconds < $1.seconds }
    }

    /// A request that failed in both services.
    var failing: StoredEvent? {
        let failedInside = Set(events.filter { $0.service == "catalogue" && $0.error != nil }.map(\.id))
        return roots.first { $0.error != nil && failedInside.contains($0.id) }
            ?? roots.first { $0.error != nil }
    }

    /// By type and service: how many, how many failed, how long.
    var typeTable: TextTable {
        var table = TextTable(
            columns: ["type", "service", "events", "failed", "median", "slowest"], rightAligned: [2, 3, 4, 5])
        let groups = Dictionary(grouping: events) { [$0.type, $0.service] }
        for (key, group) in groups.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let times = group.map(\.seconds).sorted()
            table.rows.append(
                key + [
                    "\(group.count)", "\(group.count { $0.error != nil })",
                    Milliseconds.text(times[times.count / 2]),
                    Milliseconds.text(times[times.count - 1]),
                ])
        }
        return table
    }

    /// How the requests from outside ended.
    var outcomeTable: TextTable {
        var table = TextTable(columns: ["status", "error", "requests"], rightAligned: [2])
        let groups = Dictionary(grouping: roots) { [$0.status.map(String.init) ?? "none", $0.error ?? "–"] }
        for (key, group) in groups.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            table.rows.append(key + ["\(group.count)"])
        }
        return table
    }
}
