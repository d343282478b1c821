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
    public var metadata: (any LogMetadataSource)?
    /// The error that it tells of.
    public var error: (any Error)?
    /// The full path of the source file (`#filePath`); of a foreign record whatever it had.
    public var file: String
    /// The function it was made in.
    public var function: String
    /// The line in the file; 0 if it is not known.
    public var line: Int
    /// A module, or a `#fileID`, of which it is the first part.
    private var moduleText: String
    private var threadName: String?
    package var origin: RecordOrigin?

    /// - Parameters:
    ///   - fileID: where the module's name comes from, if `module` is not given.
    ///   - module: the module it was made in.
    public init(
        level: LogLevel, _ message: LogMessage, logger: String = "",
        metadata: (any LogMetadataSource)? = nil, error: (any Error)? = nil, file: String = #filePath,
        fileID: String = #fileID, module: String? = nil, function: String = #function, line: Int = #line
    ) {
        self.level = level
        self.message = message
        self.logger = logger
        self.metadata = metadata
        self.error = error
        self.file = file
        self.function = function
        self.line = line
        moduleText = module ?? fileID
    }

    /// The formatted message. Costs the formatting, each time.
    public var text: String { message.description }

    /// The module it was made in.
    public var module: String {
        get { moduleText.utf8.firstIndex(of: 0x2F).map { String(moduleText[..<$0]) } ?? moduleText }
        set { moduleText = newValue }
    }

    /// Whether there is a module's name, with no cost.
    var hasModule: Bool { !moduleText.isEmpty }

    /// Lends the bytes of the module's name: no allocation.
    func withModule<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        var text = moduleText
        return text.withUTF8 { utf8 in
            let count = utf8.firstIndex(of: 0x2F) ?? utf8.count
            return body(UnsafeBufferPointer(rebasing: utf8[..<count]))
        }
    }

    /// The thread it was made on: `main`, its name, or `thread-` and its number in the system.
    public var thread: String {
        get { threadName ?? CurrentThread.name }
        set { threadName = newValue }
    }

    /// When it was made, in Unix seconds; now, if it was not ``kept()``.
    public var time: Double { origin?.time ?? RecordOrigin.now }

    /// The error as text: its type, then its description; of a foreign record the traceback that came with it.
    public var exception: String? {
        guard let error else { return nil }
        if let foreign = error as? LoggedException { return foreign.text }
        return "\(Swift.type(of: error)): \(error)"
    }

    /// The record as it must be to be handled later, or elsewhere: with the time, the thread and the tree of now. 50 to 100 ns.
    public func kept() -> LogRecord {
        guard origin == nil else { return self }
        var record = self
        record.origin = .current
        if threadName == nil { record.threadName = CurrentThread.name }
        return record
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
