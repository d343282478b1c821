import SkeinBSON
import SkeinWire

/// One line an event: time, type, duration, error, fields, where it came from.
final class LineWriter: EventWriter {
    private let sink: OutputSink
    private let layout: Layout
    /// The type's column, as wide as types were so far, within reason.
    private var typeColumns = 12
    private static let mostTypeColumns = 32

    init(_ sink: OutputSink, _ layout: Layout) {
        self.sink = sink
        self.layout = layout
    }

    func write(_ event: Event) throws(ToolFailure) {
        try sink.writeLine(layout.text(of: line(event)))
    }

    private func line(_ event: Event) -> StyledLine {
        var line = StyledLine()
        line.append(event.envelope.time.map { Moment.text($0) } ?? "no time", .dim)
        line.pad(to: 25, atLeast: 1)
        let start = line.width
        line.append(event.type, event.isFailure ? .red : .bold)
        typeColumns = min(max(typeColumns, line.width - start), Self.mostTypeColumns)
        line.pad(to: start + typeColumns, atLeast: 1)
        line.append(" ")
        if let level = event.envelope.level {
            line.append(LevelName.of(level), LevelName.style(level))
            line.pad(to: start + typeColumns + 10, atLeast: 1)
        } else {
            let duration = event.duration.map { Quantity.duration($0) } ?? ""
            line.pad(to: start + typeColumns + 9 - TextWidth.of(duration))
            line.append(duration + " ", .cyan)
        }
        if let service = event.service { line.append(" " + service, .green) }
        if let (type, message) = event.error {
            line.append(" " + [type, message].filter { !$0.isEmpty }.joined(separator: ": "), .red)
        }
        appendFields(of: event, to: &line)
        if event.isTruncated { line.append(" " + Event.truncatedNote, .yellow) }
        if let id = event.id { line.append(" id=" + id, .dim) }
        if let host = event.host {
            let pid = event.view?.first("pid")?.integer.map { "[\($0)]" } ?? ""
            line.append(" " + host + pid, .dim)
        }
        return line
    }

    private func appendFields(of event: Event, to line: inout StyledLine) {
        var shown: Set<String> = []
        if event.isRecord, let body = event.body {
            shown = ["name", "level", "msg"]
            let part = { (key: String) in body.first(key).map { FieldText.of($0) } ?? "" }
            let name = part("name")
            line.append((name.isEmpty ? "" : " " + name + ":") + " " + part("msg"))
        }
        guard let body = event.view?.first("body") else { return }
        guard let fields = body.document else {
            line.append(" body=" + FieldText.of(body, quotes: true))
            return
        }
        FieldWalk.leaves(of: fields) { path, element in
            if !shown.contains(path) {
                line.append(" " + path + "=", .blue)
                line.append(FieldText.of(element, quotes: true))
            }
            return true
        }
    }
}
