import SkeinBSON
import SkeinWire

/// From events that come in to what is shown: filter, gather, write.
final class EventPipeline {
    /// What becomes of events that pass the filter.
    enum Output {
        case each(any EventWriter)
        /// Gathered by id; each group is handed on whole.
        case groups(EventGatherer, any GroupWriter)
    }

    let selection: EventSelection
    private var output: Output
    private let console: Console
    /// Events shown, or about to be.
    private(set) var taken = 0
    private var lastLook: Int64 = 0

    init(_ selection: EventSelection, _ output: Output, _ console: Console) {
        self.selection = selection
        self.output = output
        self.console = console
    }

    /// Whether something may have to be shown although nothing comes.
    var needsIdling: Bool { if case .groups = output { true } else { false } }

    /// Takes an event that is as the conditions of the selection say.
    /// - Parameter fallback: the time of an event that has none.
    func take(
        _ bytes: UnsafeRawBufferPointer, _ envelope: EventEnvelope, fallback: Double? = nil
    ) throws(ToolFailure) {
        guard selection.takes(bytes, envelope, fallback: fallback) else { return }
        taken += 1
        let event = Event(checked: bytes, envelope)
        switch output {
        case .each(let writer): try writer.write(event)
        case .groups(var gatherer, let writer):
            // Taken out meanwhile, so that the gatherer is not copied.
            output = .each(NoWriter.shared)
            let released = gatherer.take(event, now: console.now())
            output = .groups(gatherer, writer)
            for group in released { try writer.write(group) }
        }
    }

    /// Looks, at most five times a second, whether the time of a group has come; then hands everything to the reader of
    /// the output.
    func idle() throws(ToolFailure) {
        let now = console.now()
        if case .groups(var gatherer, let writer) = output, abs(now - lastLook) >= 200_000_000 {
            lastLook = now
            let released = gatherer.due(now: now)
            output = .groups(gatherer, writer)
            for group in released { try writer.write(group) }
        }
        try console.output.flush()
    }

    /// Shows what is left.
    func finish() throws(ToolFailure) {
        if case .groups(var gatherer, let writer) = output {
            let released = gatherer.finish()
            output = .groups(gatherer, writer)
            for group in released { try writer.write(group) }
        }
        try console.output.flush()
    }
}

/// A way to show groups.
protocol GroupWriter: AnyObject {
    func write(_ group: EventGroup) throws(ToolFailure)
}

/// Stands in while the real output is in use.
private final class NoWriter: EventWriter {
    nonisolated(unsafe) static let shared = NoWriter()
    func write(_ event: Event) throws(ToolFailure) {}
}

/// The events of a group one after the other, and what separates groups.
final class PlainGroupWriter: GroupWriter {
    private let writer: any EventWriter
    private let sink: OutputSink
    private let separator: String?

    init(_ writer: any EventWriter, _ sink: OutputSink, separator: String?) {
        self.writer = writer
        self.sink = sink
        self.separator = separator
    }

    func write(_ group: EventGroup) throws(ToolFailure) {
        for kept in group.events {
            try kept.withEvent { event throws(ToolFailure) in try writer.write(event) }
        }
        if let separator { try sink.writeLine(separator) }
    }
}

/// Groups as waterfalls.
final class TreeWriter: GroupWriter {
    private let sink: OutputSink
    private let waterfall: Waterfall

    init(_ sink: OutputSink, _ layout: Layout) {
        self.sink = sink
        waterfall = Waterfall(layout)
    }

    func write(_ group: EventGroup) throws(ToolFailure) {
        for line in waterfall.lines(of: group) { try sink.writeLine(line) }
        try sink.writeLine("")
    }
}
