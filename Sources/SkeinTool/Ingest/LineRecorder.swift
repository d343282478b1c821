import Skein
import SkeinBSON
import SkeinPlatform
import SkeinWire

/// Makes events of lines and hands them to a pipeline, never more than it has room for.
final class LineRecorder {
    private let pipeline: Skein.EventPipeline
    private let format: LineFormat
    private let service: String?
    private let host: String
    private let pid = getpid()
    private let console: Console
    private var builder = BSONBuilder(capacity: 4096)
    private var random = SystemRandomNumberGenerator()

    private(set) var lines: UInt64 = 0
    private(set) var bytes: UInt64 = 0
    /// Lines that are not as `--match` or `--json` want them, and those that were cut.
    private(set) var unmatched: UInt64 = 0
    private(set) var cut: UInt64 = 0

    /// Events and bytes recorded when each mark was set, of those that are not all acknowledged.
    private var marks: [(lines: UInt64, bytes: UInt64)] = []
    private var sizes: UInt64 = 0
    private var done: (lines: UInt64, bytes: UInt64) = (0, 0)

    /// Of the journal's 256 MiB.
    private static let mostBytes: UInt64 = 64 << 20
    private static let markBytes: UInt64 = 1 << 20

    init(
        _ pipeline: Skein.EventPipeline, _ format: LineFormat, service: String?, host: String,
        console: Console
    ) {
        self.pipeline = pipeline
        self.format = format
        self.service = service
        self.host = host
        self.console = console
    }

    /// Records the event of a line.
    func take(_ line: LineSplitter.Line, type: String, file: String?) throws(ToolFailure) {
        try makeRoom()
        let now = Double(console.now()) * 1e-9
        let seconds = UInt64(UInt32(clamping: console.now() / 1_000_000_000))
        let low = random.next()
        builder.removeAll()
        builder.append(
            "id",
            string: TraceID(high: seconds << 32 | random.next() & 0xFFFF_FFFF, low: low | 1).description)
        builder.append("type", string: type)
        builder.append("host", string: host)
        builder.append("pid", int32: pid)
        builder.append("start", double: now)
        builder.append("end", double: now)
        builder.appendDocument("body") { body in
            if format.write(line, into: &body) == .unmatched { unmatched += 1 }
            if let file { body.append("file", string: file) }
        }
        builder.append("span", string: Hex.string(low | 1))
        if let service { builder.append("service", string: service) }
        let event = builder.finish().bytes
        event.withUnsafeBytes { pipeline.recorder.record($0) }
        lines += 1
        bytes += UInt64(line.consumed)
        sizes += UInt64(event.count + 64)
        if line.length > line.bytes.count + 2 { cut += 1 }
    }

    /// Waits until what is recorded and not acknowledged leaves room.
    private func makeRoom() throws(ToolFailure) {
        if sizes - (marks.last?.bytes ?? done.bytes) >= Self.markBytes {
            marks.append((lines, sizes))
            settle()
        }
        while sizes - done.bytes > Self.mostBytes {
            _ = pipeline.flushBlocking(timeout: .milliseconds(200))
            settle()
            if console.isInterrupted() { throw .failed("interrupted while the collector takes nothing") }
        }
    }

    /// Finds out what is acknowledged.
    /// - Returns: how many lines are.
    @discardableResult
    func settle() -> UInt64 {
        let statistics = pipeline.recorder.statistics
        let gone = statistics.delivered + statistics.dropped.values.reduce(0, +)
        while let first = marks.first, first.lines <= gone {
            done = first
            marks.removeFirst()
        }
        if gone >= lines { done = (lines, sizes) }
        return gone
    }

    /// How many events are lost, and why.
    var dropped: [String: UInt64] { pipeline.recorder.statistics.dropped }

    var waiting: UInt64 { pipeline.recorder.statistics.inFlight }
}
