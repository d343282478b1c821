/// A logger, for who has no logging library.
///
/// ```swift
/// let logger = EventLogger("shop.cart", metadata: ["region": "eu"])
/// logger.info("put in cart", ["item": "tea", "count": 2])
/// struct OutOfStock: Error {}
/// logger.error("cannot reserve", error: OutOfStock(), ["item": "tea"])
/// ```
/// Messages and metadata are only built if the record is taken. A value, cheap to copy; make as many as there are parts of a program.
///
/// Cost: 3 ns or less for a record that nobody takes; else that of the handler. Threads: any.
public struct EventLogger: Sendable {
    /// Stands in its records as `name`.
    public let name: String
    /// The lowest level that it lets out; the handlers have levels of their own.
    public var level: LogLevel
    /// What every record of it carries.
    public var metadata: LogMetadata
    /// Where its records go, if not where the task and the process say.
    public var handler: (any LogRecordHandler)?

    /// - Parameter name: by custom dotted, from the large to the small: `shop.cart`.
    public init(
        _ name: String, level: LogLevel = .all, metadata: LogMetadata = [:],
        handler: (any LogRecordHandler)? = nil
    ) {
        self.name = name
        self.level = level
        self.metadata = metadata
        self.handler = handler
    }

    /// Whether a record of a level would be taken: for what is done only to be logged.
    @inlinable
    public func isEnabled(_ level: LogLevel) -> Bool {
        level >= self.level && isTaken(level)
    }

    @usableFromInline
    func isTaken(_ level: LogLevel) -> Bool {
        guard let handler else { return LogSystem.takes(level) }
        return level >= handler.level
    }

    /// Makes a record of any level.
    @inlinable
    public func log(
        _ level: LogLevel, _ message: @autoclosure () -> LogMessage, error: (any Error)? = nil,
        _ metadata: @autoclosure () -> LogMetadata = [:], file: String = #filePath, fileID: String = #fileID,
        function: String = #function, line: Int = #line
    ) {
        guard isEnabled(level) else { return }
        emit(level, message(), error, metadata(), file, fileID, function, line)
    }

    @usableFromInline
    func emit(
        _ level: LogLevel, _ message: LogMessage, _ error: (any Error)?, _ metadata: LogMetadata,
        _ file: String, _ fileID: String, _ function: String, _ line: Int
    ) {
        var record = LogRecord(
            level: level, message, logger: name, error: error, file: file, fileID: fileID,
            function: function, line: line)
        if self.metadata.isEmpty {
            if !metadata.isEmpty { record.metadata = metadata }
        } else {
            record.metadata = JoinedMetadata(first: self.metadata, second: metadata)
        }
        guard let handler else { return LogSystem.handle(record) }
        LogSystem.handle(record, with: handler)
    }
}
