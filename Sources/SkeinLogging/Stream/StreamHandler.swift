/// Records become lines: on standard error, in a file, in whatever takes lines.
///
/// ```swift
/// let lines = StreamHandler(level: .warning)                            // standard error, for people
/// let json = StreamHandler(to: DescriptorSink.standardOutput, formatter: JSONLineFormatter())
/// withLogHandler(MultiplexHandler([lines, json])) { EventLogger("import").warning("line skipped", ["line": 17]) }
/// ```
/// Cost: the formatting and a system call, some microseconds: for what people read, not for what a query asks.
public struct StreamHandler: LogRecordHandler {
    /// The lowest that becomes a line.
    public let level: LogLevel
    private let sink: any LogSink
    private let formatter: any LogFormatter

    /// - Parameters:
    ///   - sink: where lines go.
    ///   - level: the lowest that becomes a line.
    ///   - formatter: makes the lines.
    public init(
        to sink: any LogSink = DescriptorSink.standardError, level: LogLevel = .all,
        formatter: any LogFormatter = LineFormatter()
    ) {
        self.sink = sink
        self.level = level
        self.formatter = formatter
    }

    @discardableResult
    public func handle(_ record: LogRecord) -> Bool {
        var line = ""
        formatter.format(record, into: &line)
        line += "\n"
        line.withUTF8 { sink.write(UnsafeRawBufferPointer($0)) }
        return true
    }

    public func flush() { sink.flush() }

    public func close() { sink.close() }
}
