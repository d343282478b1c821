/// Where records go.
///
/// ```swift
/// struct LastError: LogRecordHandler {
///     let level = LogLevel.error
///     let remember: @Sendable (String) -> Void
///     func handle(_ record: LogRecord) -> Bool {
///         remember(record.text)
///         return true
///     }
/// }
/// ```
/// Threads: called on the thread that logs, from any number of them at once. A handler must not block for long, and cannot throw:
/// what it cannot do it counts. What it logs itself does not come back to it (``LogSystem``).
public protocol LogRecordHandler: Sendable {
    /// The lowest level that it takes. Asked before a message is built, so it should cost a nanosecond. It should not change: an
    /// ``EventLogger`` with a handler of its own asks once.
    var level: LogLevel { get }

    /// Takes a record at or above its level. Who has a handler in hand calls ``offer(_:)``, which asks for the level.
    /// - Returns: whether it did: a record that it leaves goes on to those around it.
    @discardableResult
    func handle(_ record: LogRecord) -> Bool

    /// Lets go of what it holds.
    func flush()

    /// Lets go of what it holds, and of its resources. What comes afterwards may be dropped.
    func close()
}

extension LogRecordHandler {
    /// Every record.
    public var level: LogLevel { .all }

    /// Nothing is held.
    public func flush() {}

    /// As ``flush()``.
    public func close() { flush() }

    /// Hands over a record if the handler's level lets it in.
    /// - Returns: whether it was taken.
    @inlinable
    @discardableResult
    public func offer(_ record: LogRecord) -> Bool {
        record.level >= level && handle(record)
    }
}
