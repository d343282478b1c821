public import SkeinLogging
internal import SkeinPlatform

/// A log handler that keeps its records, with questions a test asks of them.
///
/// ```swift
/// let logs = RecordingHandler()
/// withLogHandler(logs) { EventLogger("import").warning("line skipped", ["line": 17]) }
/// assert(logs.contains("line skipped", level: .warning, metadata: ["line": 17]))
/// assert(logs.records("line*").count == 1)
/// ```
/// Bound to a block it is nobody else's: tests may run in parallel, each with its own.
public final class RecordingHandler: LogRecordHandler {
    /// The lowest that is kept.
    public let level: LogLevel
    private let kept = Monitor<[LogRecord]>([])

    /// - Parameter level: the lowest that is kept.
    public init(level: LogLevel = .all) { self.level = level }

    @discardableResult
    public func handle(_ record: LogRecord) -> Bool {
        let record = record.kept()
        kept.update { $0.append(record) }
        return true
    }

    /// All records so far, in the order of arrival.
    public var records: [LogRecord] { kept.withLock { $0 } }

    /// All messages so far.
    public var messages: [String] { records.map(\.text) }

    /// The records of a message, or of all that begin with what stands before a `*`; at a level, or of a logger, if they are given.
    public func records(
        _ message: String = "*", level: LogLevel? = nil, logger: String? = nil
    ) -> [LogRecord] {
        records.filter { record in
            let text = record.text
            return (message.hasSuffix("*") ? text.hasPrefix(message.dropLast()) : text == message)
                && (level.map { $0 == record.level } ?? true) && (logger.map { $0 == record.logger } ?? true)
        }
    }

    /// Whether there is such a record that carries these pairs, too, and perhaps others. Numbers of one value are equal, whatever their
    /// type.
    public func contains(
        _ message: String = "*", level: LogLevel? = nil, logger: String? = nil, metadata: LogMetadata = [:]
    ) -> Bool {
        let wanted = metadata.document
        return records(message, level: level, logger: logger).contains { record in
            let had = record.metadata?.document ?? BSONDocument()
            return wanted.allSatisfy { key, value in had[key].map { Self.equal($0, value) } ?? false }
        }
    }

    private static func equal(_ left: BSONValue, _ right: BSONValue) -> Bool {
        if left == right { return true }
        guard left.isNumber, right.isNumber else { return false }
        return left.doubleValue == right.doubleValue
    }

    /// Waits until there are as many records as asked for, from whatever thread; at most for the time given.
    /// - Returns: whether there are.
    public func waitForRecords(_ count: Int, timeout: Duration = .seconds(10)) -> Bool {
        let deadline = SystemClock.monotonicNanoseconds() + timeout.wholeNanoseconds
        return kept.wait(until: deadline) { $0.count >= count ? true : nil } ?? false
    }

    /// Forgets all records.
    public func removeAll() { kept.withLock { $0.removeAll() } }
}

extension BSONValue {
    fileprivate var isNumber: Bool {
        switch self {
        case .double, .int32, .int64: true
        default: false
        }
    }
}
