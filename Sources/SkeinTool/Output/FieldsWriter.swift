import SkeinBSON

/// Chosen fields of each event, separated by tabs. A tab, line break or backslash in a value is escaped, so a line
/// always has as many columns as there are fields; what an event does not have is empty.
final class FieldsWriter: EventWriter {
    private let sink: OutputSink
    private let paths: [String]

    init(_ sink: OutputSink, paths: [String]) {
        self.sink = sink
        self.paths = paths
    }

    func write(_ event: Event) throws(ToolFailure) {
        try sink.writeLine(paths.map { text($0, event) }.joined(separator: "\t"))
    }

    private func text(_ path: String, _ event: Event) -> String {
        if let element = event.field(path) { return FieldText.of(element, escapesBackslash: true) }
        // What every event has without it standing there. Times of today are exact to a quarter of a microsecond.
        if path == "duration" {
            return event.duration.map { FieldText.number(($0 * 1e6).rounded() / 1e6) } ?? ""
        }
        return ""
    }
}
