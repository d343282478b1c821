import SkeinBSON
import SkeinWire

/// Draws a group of events as a waterfall: a row an event, indented under its parent, with a bar on a time axis that all
/// rows share, its duration, what failed, and its most telling fields.
struct Waterfall {
    private let layout: Layout
    private static let pipeBarColumns = 32
    private static let pipeFields = 8
    private static let mostLabelColumns = 60

    init(_ layout: Layout) {
        self.layout = layout
    }

    /// The lines of a group, the headline first.
    func lines(of group: EventGroup) -> [String] {
        let facts = group.events.map { $0.withEvent { Facts($0) } }
        let tree = EventTree(group.events.map { $0.withEvent { EventTree.Node($0) } })
        let axis = Axis(facts)
        let labels = tree.rows.map { label($0, facts) }
        let wanted = min((labels.map(\.width).max() ?? 0), Self.mostLabelColumns)
        let labelColumns = layout.width.map { min(wanted, max(12, $0 * 2 / 5)) } ?? wanted
        let barColumns =
            layout.width.map { max(8, min(40, ($0 - labelColumns - 12) / 2)) } ?? Self.pipeBarColumns

        var lines = [layout.text(of: headline(group, facts, axis))]
        for index in tree.rows.indices {
            let row = tree.rows[index]
            var line = labels[index].limited(to: labelColumns, mark: layout.mark)
            line.pad(to: labelColumns, atLeast: 1)
            line.pad(to: labelColumns + 1)
            if let event = row.event {
                draw(facts[event], group.events[event], axis, barColumns: barColumns, on: &line)
            }
            lines.append(layout.text(of: line))
        }
        if group.omitted > 0 {
            lines.append("  … and \(Quantity.plural(group.omitted, "more event")) of this id, not shown")
        }
        return lines
    }

    /// What the drawing needs of each event, read once.
    private struct Facts {
        var type: String
        var id: String
        var service: String
        var host: String
        var start: Double?
        var end: Double?
        var error: String?
        var isFailure: Bool
        var level: Int32?

        init(_ event: Event) {
            type = event.type
            id = event.id ?? "-"
            service = event.service ?? ""
            host = event.host ?? ""
            start = event.envelope.start ?? event.envelope.end
            end = event.envelope.end ?? event.envelope.start
            error = event.error.map { type, message in
                [type, message].filter { !$0.isEmpty }.joined(separator: ": ")
            }
            isFailure = event.isFailure
            level = event.envelope.level
        }
    }

    /// The span of time that the bars stand for.
    private struct Axis {
        let start: Double
        let length: Double

        init(_ facts: [Facts]) {
            let starts = facts.compactMap(\.start)
            let ends = facts.compactMap(\.end)
            start = starts.min() ?? 0
            length = max((ends.max() ?? start) - start, 0)
        }

        /// The cells of a bar, at least one.
        func cells(_ from: Double, _ to: Double, columns: Int) -> Range<Int> {
            guard length > 0, length.isFinite else { return 0..<columns }
            let scale = Double(columns) / length
            let first = min(max(((from - start) * scale).rounded(), 0), Double(columns - 1))
            let last = min(max(((to - start) * scale).rounded(), first + 1), Double(columns))
            return Int(first)..<Int(last)
        }
    }

    // MARK: Parts of a row

    private func headline(_ group: EventGroup, _ facts: [Facts], _ axis: Axis) -> StyledLine {
        var line = StyledLine()
        line.append(facts.first.map(\.id) ?? "-", .bold)
        if facts.contains(where: { $0.start != nil }) {
            line.append("  " + Moment.text(axis.start), .dim)
            line.append("  " + Quantity.duration(axis.length), .cyan)
        }
        line.append("  " + Quantity.plural(facts.count + group.omitted, "event"))
        let failures = facts.count { $0.isFailure }
        if failures > 0 { line.append(", " + Quantity.plural(failures, "error"), .red) }
        let services = Set(facts.map(\.service)).filter { !$0.isEmpty }.sorted()
        if !services.isEmpty { line.append("  " + services.prefix(6).joined(separator: ", "), .green) }
        let hosts = Set(facts.map(\.host)).filter { !$0.isEmpty }.sorted()
        if !hosts.isEmpty { line.append("  " + hosts.prefix(6).joined(separator: ", "), .dim) }
        return line
    }

    private func label(_ row: EventTree.Row, _ facts: [Facts]) -> StyledLine {
        var line = StyledLine()
        line.append("  ")
        for (level, continues) in row.continues.enumerated() {
            let isOwn = level == row.continues.count - 1
            if layout.isASCII {
                line.append(isOwn ? (continues ? "|-" : "`-") : (continues ? "| " : "  "), .dim)
            } else {
                line.append(isOwn ? (continues ? "├ " : "└ ") : (continues ? "│ " : "  "), .dim)
            }
        }
        guard let index = row.event else {
            if case .notSeen(let name) = row.note { line.append("(\(name) not seen)", .yellow) }
            return line
        }
        let fact = facts[index]
        let parent = row.parent.map { facts[$0] }
        // The service is named where it changes, and at the top if there are several.
        let isNamed =
            parent.map { $0.service != fact.service } ?? facts.contains { $0.service != fact.service }
        if !fact.service.isEmpty, isNamed { line.append(fact.service + " ", .green) }
        let isRelative = parent.map { fact.type.hasPrefix($0.type + ".") } ?? false
        let shown = isRelative ? String(fact.type.dropFirst(parent?.type.count ?? 0)) : fact.type
        line.append(shown, fact.isFailure ? .red : row.depth == 0 ? .bold : .plain)
        if row.note == .cycle { line.append(" (its own ancestor)", .yellow) }
        return line
    }

    private func draw(
        _ fact: Facts, _ kept: KeptEvent, _ axis: Axis, barColumns: Int, on line: inout StyledLine
    ) {
        let barStart = line.width
        if let start = fact.start, let end = fact.end {
            let cells = axis.cells(start, end, columns: barColumns)
            let isShort = (end - start) * Double(barColumns) < axis.length * 0.5
            let (rest, full) = layout.isASCII ? (".", "=") : ("·", isShort ? "▏" : "█")
            line.append(String(repeating: rest, count: cells.lowerBound), .dim)
            line.append(String(repeating: full, count: cells.count), fact.isFailure ? .red : .cyan)
            line.append(String(repeating: rest, count: max(0, barColumns - cells.upperBound)), .dim)
            let text = fact.level == nil ? Quantity.duration(end - start) : ""
            line.pad(to: barStart + barColumns + 9 - TextWidth.of(text), atLeast: 1)
            line.append(text)
        } else {
            line.pad(to: barStart + barColumns + 2)
            line.append("no time", .yellow)
        }
        if let level = fact.level { line.append("  " + LevelName.of(level), LevelName.style(level)) }
        if let error = fact.error { line.append("  " + (layout.isASCII ? "! " : "✗ ") + error, .red) }
        kept.withEvent { event in
            if event.isTruncated { line.append("  " + Event.truncatedNote, .yellow) }
            for (name, value) in TellingFields.of(event, limit: Self.pipeFields) {
                line.append("  ")
                if !name.isEmpty { line.append(name + "=", .blue) }
                line.append(value)
            }
        }
    }
}
