import SkeinBSON
import SkeinWire

/// An event over many lines: every key in its order, documents indented.
final class PrettyWriter: EventWriter {
    private let sink: OutputSink
    private let layout: Layout
    private static let mostDepth = 32

    init(_ sink: OutputSink, _ layout: Layout) {
        self.sink = sink
        self.layout = layout
    }

    func write(_ event: Event) throws(ToolFailure) {
        var head = StyledLine()
        head.append(event.type, event.isFailure ? .red : .bold)
        if let time = event.envelope.time { head.append("  " + Moment.text(time), .dim) }
        if let duration = event.duration { head.append("  " + Quantity.duration(duration), .cyan) }
        try put(head)
        if let view = event.view { try write(view, indentation: 1) }
        try sink.writeLine("")
    }

    private func write(_ view: BSONView, indentation: Int) throws(ToolFailure) {
        var elements = view.makeElements()
        while let element = elements.nextIfValid() {
            var line = StyledLine()
            line.append(String(repeating: "  ", count: indentation))
            var key = ""
            SafeText.append(element.key, to: &key)
            line.append(key, .blue)
            if let inner = element.document, !inner.isEmpty, indentation < Self.mostDepth,
                element.type == .document || !isShort(inner)
            {
                try put(line)
                try write(inner, indentation: indentation + 1)
                continue
            }
            line.pad(to: 2 * indentation + 12, atLeast: 2)
            line.append(FieldText.of(element), indentation == 1 && key == "error" ? .red : .plain)
            if indentation == 1, key == "start" || key == "end", let time = element.number {
                line.append("  " + Moment.text(time), .dim)
            }
            try put(line)
        }
    }

    /// Whether an array fits a line: values only, and not many.
    private func isShort(_ array: BSONView) -> Bool {
        var elements = array.makeElements()
        var count = 0
        while let element = elements.nextIfValid() {
            count += 1
            if count > 16 || element.document != nil || element.value.count > 64 { return false }
        }
        return true
    }

    /// Pretty is for reading all of it, so nothing is cut: the terminal wraps.
    private func put(_ line: StyledLine) throws(ToolFailure) {
        try sink.writeLine(layout.text(of: line, isCut: false))
    }
}
