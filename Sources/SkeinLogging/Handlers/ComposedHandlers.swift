// Handlers made of handlers.

/// Hands each record to several handlers, each of which takes what its level lets in.
///
/// ```swift
/// LogSystem.bootstrap(MultiplexHandler([ContextHandler(), StreamHandler(level: .warning)]))
/// ```
public struct MultiplexHandler: LogRecordHandler {
    /// In the order in which they are asked.
    public let handlers: [any LogRecordHandler]

    /// None is a handler that takes nothing.
    public init(_ handlers: [any LogRecordHandler]) { self.handlers = handlers }

    /// The lowest of theirs.
    public var level: LogLevel {
        var lowest = LogLevel.off
        for handler in handlers { lowest = min(lowest, handler.level) }
        return lowest
    }

    /// Taken if any of them takes it; all are asked.
    @discardableResult
    public func handle(_ record: LogRecord) -> Bool {
        var isTaken = false
        for handler in handlers where handler.offer(record) { isTaken = true }
        return isTaken
    }

    public func flush() { for handler in handlers { handler.flush() } }

    public func close() { for handler in handlers { handler.close() } }
}

/// Another handler, for the records of a level that a closure lets in.
public struct FilteredHandler: LogRecordHandler {
    private let target: any LogRecordHandler
    private let lowest: LogLevel
    private let isIncluded: @Sendable (LogRecord) -> Bool

    /// - Parameters:
    ///   - level: the lowest let in; the target's own level applies, too.
    ///   - isIncluded: asked for each record at or above both.
    public init(
        _ target: any LogRecordHandler, level: LogLevel = .all,
        where isIncluded: @escaping @Sendable (LogRecord) -> Bool = { _ in true }
    ) {
        self.target = target
        lowest = level
        self.isIncluded = isIncluded
    }

    /// The higher of its own and the target's.
    public var level: LogLevel { max(lowest, target.level) }

    @discardableResult
    public func handle(_ record: LogRecord) -> Bool { isIncluded(record) && target.offer(record) }

    public func flush() { target.flush() }

    public func close() { target.close() }
}

extension LogRecordHandler {
    /// This handler, for the records that a closure lets in.
    ///
    /// ```swift
    /// let own = ContextHandler().filtered(level: .info) { $0.logger.hasPrefix("shop") }
    /// LogSystem.bootstrap(own)
    /// ```
    public func filtered(
        level: LogLevel = .all, where isIncluded: @escaping @Sendable (LogRecord) -> Bool = { _ in true }
    ) -> FilteredHandler {
        FilteredHandler(self, level: level, where: isIncluded)
    }
}

/// Takes records and forgets them: bound to a block, its records go no further.
public struct NullHandler: LogRecordHandler {
    /// The lowest that is swallowed.
    public let level: LogLevel

    /// - Parameter level: the lowest that is swallowed.
    public init(level: LogLevel = .all) { self.level = level }

    @discardableResult
    public func handle(_ record: LogRecord) -> Bool { true }
}
