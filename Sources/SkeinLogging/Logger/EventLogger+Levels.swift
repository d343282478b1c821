// One function for each level that has a name.

extension EventLogger {
    /// Level 5: every step.
    @inlinable
    public func trace(
        _ message: @autoclosure () -> LogMessage, error: (any Error)? = nil,
        _ metadata: @autoclosure () -> LogMetadata = [:], file: StaticString = #filePath,
        fileID: StaticString = #fileID, function: StaticString = #function, line: Int = #line
    ) {
        guard isEnabled(.trace) else { return }
        emit(.trace, message(), error, metadata(), file, fileID, function, line)
    }

    /// Level 10: what helps to find a mistake.
    @inlinable
    public func debug(
        _ message: @autoclosure () -> LogMessage, error: (any Error)? = nil,
        _ metadata: @autoclosure () -> LogMetadata = [:], file: StaticString = #filePath,
        fileID: StaticString = #fileID, function: StaticString = #function, line: Int = #line
    ) {
        guard isEnabled(.debug) else { return }
        emit(.debug, message(), error, metadata(), file, fileID, function, line)
    }

    /// Level 20: what is usual, and worth knowing.
    @inlinable
    public func info(
        _ message: @autoclosure () -> LogMessage, error: (any Error)? = nil,
        _ metadata: @autoclosure () -> LogMetadata = [:], file: StaticString = #filePath,
        fileID: StaticString = #fileID, function: StaticString = #function, line: Int = #line
    ) {
        guard isEnabled(.info) else { return }
        emit(.info, message(), error, metadata(), file, fileID, function, line)
    }

    /// Level 25: what is unusual, and no fault.
    @inlinable
    public func notice(
        _ message: @autoclosure () -> LogMessage, error: (any Error)? = nil,
        _ metadata: @autoclosure () -> LogMetadata = [:], file: StaticString = #filePath,
        fileID: StaticString = #fileID, function: StaticString = #function, line: Int = #line
    ) {
        guard isEnabled(.notice) else { return }
        emit(.notice, message(), error, metadata(), file, fileID, function, line)
    }

    /// Level 30: what may become a fault.
    @inlinable
    public func warning(
        _ message: @autoclosure () -> LogMessage, error: (any Error)? = nil,
        _ metadata: @autoclosure () -> LogMetadata = [:], file: StaticString = #filePath,
        fileID: StaticString = #fileID, function: StaticString = #function, line: Int = #line
    ) {
        guard isEnabled(.warning) else { return }
        emit(.warning, message(), error, metadata(), file, fileID, function, line)
    }

    /// Level 40: something failed.
    @inlinable
    public func error(
        _ message: @autoclosure () -> LogMessage, error: (any Error)? = nil,
        _ metadata: @autoclosure () -> LogMetadata = [:], file: StaticString = #filePath,
        fileID: StaticString = #fileID, function: StaticString = #function, line: Int = #line
    ) {
        guard isEnabled(.error) else { return }
        emit(.error, message(), error, metadata(), file, fileID, function, line)
    }

    /// Level 50: the program cannot go on as it should.
    @inlinable
    public func critical(
        _ message: @autoclosure () -> LogMessage, error: (any Error)? = nil,
        _ metadata: @autoclosure () -> LogMetadata = [:], file: StaticString = #filePath,
        fileID: StaticString = #fileID, function: StaticString = #function, line: Int = #line
    ) {
        guard isEnabled(.critical) else { return }
        emit(.critical, message(), error, metadata(), file, fileID, function, line)
    }
}
