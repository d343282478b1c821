import SkeinPlatform

/// One log record: what was said, by whom, where in the program, and with what.
///
/// ```swift
/// let record = LogRecord(level: .info, "cart is full", logger: "shop.cart", metadata: ["items": 30] as LogMetadata)
/// LogSystem.handle(record)
/// ```
/// Who logs uses an ``EventLogger`` or an adapter, which make records; who writes a ``LogRecordHandler`` reads them.
///
/// Cost: no allocation. A handler that keeps a record for later, or hands it to another task, keeps ``kept()``.
public struct LogRecord: Sendable {
    /// How much it matters.
    public var level: LogLevel
    /// What it says; formatted when it is read.
    public var message: LogMessage
    /// The name of the logger; may be empty.
    public var logger: String
    /// What it carries besides.
    public var metadata: (any LogMetadataSource)? {
        get { details is NoMetadata ? nil : details }
        set { details = newValue ?? NoMetadata() }
    }
    /// The error that it tells of.
    public var error: (any Error)?
    /// Where in the program it was made.
    public var source: LogSource
    /// ``metadata``, or `NoMetadata`.
    private(set) var details: any LogMetadataSource
    /// Empty: the one that asks.
    private var threadName = ""
    package var origin: RecordOrigin?
    /// Its place in the task that it was made in; set by ``kept()``.
    package var task: TaskStamp?

    /// A record that is made here.
    public init(
        level: LogLevel, _ message: LogMessage, logger: String = "",
        metadata: (any LogMetadataSource)? = nil, error: (any Error)? = nil,
        file: StaticString = #filePath, fileID: StaticString = #fileID, function: StaticString = #function,
        line: Int = #line
    ) {
        self.init(
            level: level, message, logger: logger, metadata: metadata, error: error,
            source: LogSource(file: file, fileID: fileID, function: function, line: line))
    }

    /// A record of another library's, or of another language's.
    public init(
        level: LogLevel, _ message: LogMessage, logger: String = "",
        metadata: (any LogMetadataSource)? = nil, error: (any Error)? = nil, source: LogSource
    ) {
        self.level = level
        self.message = message
        self.logger = logger
        details = metadata ?? NoMetadata()
        self.error = error
        self.source = source
    }

    /// A record of another library's, or of another language's. No allocation.
    public init(
        level: LogLevel, _ message: LogMessage, logger: String = "",
        metadata: (any LogMetadataSource)? = nil, error: (any Error)? = nil, file: String, module: String,
        function: String, line: Int
    ) {
        self.init(
            level: level, message, logger: logger, metadata: metadata, error: error,
            source: LogSource(file: file, module: module, function: function, line: line))
    }

    init(
        level: LogLevel, _ message: LogMessage, logger: String, details: any LogMetadataSource,
        error: (any Error)?, source: LogSource
    ) {
        self.level = level
        self.message = message
        self.logger = logger
        self.details = details
        self.error = error
        self.source = source
    }

    /// The formatted message. Costs the formatting, each time.
    public var text: String { message.description }

    /// The full path of the source file; of a foreign record whatever it had.
    public var file: String { source.file }
    /// The line in the file; 0 if it is not known.
    public var line: Int { source.line }
    /// The function it was made in.
    public var function: String { source.function }
    /// The module it was made in.
    public var module: String { source.module }

    /// The thread it was made on: `main`, its name, or `thread-` and its number in the system.
    public var thread: String {
        get { threadName.isEmpty ? CurrentThread.name : threadName }
        set { threadName = newValue }
    }

    /// When it was made, in Unix seconds; now, if it was not ``kept()``.
    public var time: Double { origin?.time ?? RecordPlace.now }

    /// The error as text: its type, then its description; of a foreign record the traceback that came with it.
    public var exception: String? {
        guard let error else { return nil }
        if let foreign = error as? LoggedException { return foreign.text }
        return "\(Swift.type(of: error)): \(error)"
    }

    /// The record as it must be to be handled later, or elsewhere: with the time, the thread and the tree of now. 100 ns.
    public func kept() -> LogRecord {
        var record = self
        if origin == nil { record.origin = .current }
        record.noteMaker()
        return record
    }

    /// Notes the thread and the task, in place.
    mutating func noteMaker() {
        if threadName.isEmpty { threadName = CurrentThread.name }
        if task == nil { task = TaskStamp.current }
    }
}

/// An error of which only the text is known: a traceback out of another language, a message out of a file.
public struct LoggedException: Error, Hashable, CustomStringConvertible {
    /// The text as it came.
    public let text: String

    /// Takes any text.
    public init(_ text: String) { self.text = text }

    public var description: String { text }
}
