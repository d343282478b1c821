import SkeinBSON

/// A daemon's answer to STATUS for people. Understands what every version of a daemon says, also an old Ziggy's, and shows
/// what it does not know as it is.
struct StatusReport {
    private(set) var lines: [StyledLine] = []
    private let now: Double
    /// The part of the answer that is being shown.
    private var section = ""

    /// Rows of a table before the rest is only counted.
    static let mostRows = 30
    private static let mostDepth = 6

    /// - Parameter now: Unix seconds, to say how long ago things were.
    init(_ answer: BSONDocument, now: Double) {
        self.now = now
        head(answer)
        table(answer["hosts"]?.documentValue, "hosts")
        table(answer["events"]?.documentValue, "types")
        let known: Set = ["last", "lag", "hosts", "events", "version", "id", "pid", "uptime"]
        for (key, value) in answer where !known.contains(key) {
            put("")
            show(SafeText.of(key), value, indentation: 0)
        }
    }

    private mutating func head(_ answer: BSONDocument) {
        var line = StyledLine()
        line.append("skeind", .bold)
        if let version = answer["version"]?.stringValue { line.append(" " + SafeText.of(version), .bold) }
        if let id = answer["id"]?.stringValue { line.append("  id " + SafeText.of(id), .dim) }
        if let pid = answer["pid"]?.intValue { line.append("  pid \(pid)", .dim) }
        if let uptime = answer["uptime"]?.doubleValue { line.append("  up " + Quantity.duration(uptime)) }
        if line.width > 6 { lines.append(line) }
        guard let last = answer["last"]?.doubleValue else { return put("no event yet") }
        let lag = answer["lag"]?.doubleValue.map { ", lag " + Quantity.duration($0) } ?? ""
        put("last event \(Moment.text(last)) (\(ago(last)))\(lag)")
    }

    /// Hosts or types: name, count where there is one, how long ago the last was.
    private mutating func table(_ document: BSONDocument?, _ title: String) {
        guard let document, !document.isEmpty else { return }
        struct Row {
            var name: String
            var count: Int64?
            var last: Double?
        }
        let rows = document.map { key, value in
            Row(
                name: SafeText.of(key), count: value.documentValue?["count"]?.intValue,
                last: value.documentValue?["last"]?.doubleValue)
        }
        .sorted { ($0.count ?? 0, $0.last ?? 0, $1.name) > ($1.count ?? 0, $1.last ?? 0, $0.name) }
        put("")
        var heading = StyledLine()
        heading.append(title, .bold)
        heading.append("  \(Quantity.count(rows.count))", .dim)
        lines.append(heading)
        let shown = rows.prefix(Self.mostRows)
        let hasCounts = shown.contains { $0.count != nil }
        let column = min(shown.map { TextWidth.of($0.name) }.max() ?? 0, 60) + 4
        for row in shown {
            var line = StyledLine()
            line.append("  " + row.name)
            let count = row.count.map { Quantity.count(Int($0)) } ?? ""
            if hasCounts { line.pad(to: column + 13 - count.utf8.count, atLeast: 1) }
            line.append(count)
            line.pad(to: hasCounts ? column + 13 : column - 2)
            line.append("  " + (row.last.map { ago($0) } ?? ""), .dim)
            lines.append(line)
        }
        if rows.count > shown.count {
            put("  … and \(Quantity.count(rows.count - shown.count)) more (--json has all)")
        }
    }

    private mutating func show(_ name: String, _ value: BSONValue, indentation: Int) {
        if indentation == 0 { section = name }
        let margin = String(repeating: "  ", count: indentation)
        switch value {
        case .document(let document) where indentation < Self.mostDepth:
            var line = StyledLine()
            line.append(margin + name, indentation == 0 ? .bold : .plain)
            if document.isEmpty { line.append("  none", .dim) }
            lines.append(line)
            let column = (document.keys.map { TextWidth.of(SafeText.of($0)) }.max() ?? 0) + 2
            for (key, inner) in document {
                let key = SafeText.of(key)
                if case .document = inner {
                    show(key, inner, indentation: indentation + 1)
                } else if case .array = inner {
                    show(key, inner, indentation: indentation + 1)
                } else {
                    var line = StyledLine()
                    line.append(margin + "  " + key)
                    line.pad(to: margin.utf8.count + 2 + column)
                    line.append(text(inner, key: key))
                    lines.append(line)
                }
            }
        case .array(let values) where indentation < Self.mostDepth:
            var line = StyledLine()
            line.append(margin + name, indentation == 0 ? .bold : .plain)
            if values.isEmpty { line.append("  none", .dim) }
            lines.append(line)
            for (_, inner) in values.prefix(Self.mostRows) {
                if let document = inner.documentValue {
                    let parts = document.map { SafeText.of($0.key) + " " + text($0.value, key: $0.key) }
                    put(margin + "  " + parts.joined(separator: ", "))
                } else {
                    put(margin + "  " + text(inner, key: ""))
                }
            }
            let rest = values.count - Self.mostRows
            if rest > 0 { put(margin + "  … and \(Quantity.count(rest)) more (--json has all)") }
        default:
            put(margin + name + "  " + text(value, key: name))
        }
    }

    private func text(_ value: BSONValue, key: String) -> String {
        if case .double(let number) = value {
            // Times are told as such by being times.
            return (1e9..<1e10).contains(number) ? ago(number) : FieldText.number(number)
        }
        if let number = value.intValue, number.magnitude < 1 << 53 {
            // A port is a name, not a quantity.
            if section == "ports" { return String(number) }
            let isBytes = key.lowercased().hasSuffix("bytes") || key == "budget"
            return isBytes ? Quantity.bytes(Int(number)) : Quantity.count(Int(number))
        }
        let document = BSONDocument([("", value)])
        return document.withView { $0.first("").map { FieldText.of($0) } ?? "" }
    }

    private func ago(_ time: Double) -> String {
        let elapsed = now - time
        return elapsed >= 0 ? Quantity.duration(elapsed) + " ago" : "in " + Quantity.duration(-elapsed)
    }

    private mutating func put(_ text: String) {
        var line = StyledLine()
        line.append(text)
        lines.append(line)
    }
}
