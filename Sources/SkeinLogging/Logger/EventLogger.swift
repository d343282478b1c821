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
    public var level: LogLevel {
        didSet { settle() }
    }
    /// What every record of it carries.
    public var metadata: LogMetadata
    /// Where its records go, if not where the task and the process say.
    public var handler: (any LogRecordHandler)? {
        get { own?.handler }
        set {
            own = newValue.map { HandlerBox.of($0) }
            settle()
        }
    }
    private var own: HandlerBox?
    /// The same, for who only looks.
    private var place: Unmanaged<HandlerBox>?
    // What every call looks at first: plain words, for which no reference is counted.
    @usableFromInline var floor = LogLevel.all
    @usableFromInline var destination = Destination.system

    @usableFromInline
    enum Destination: UInt8, Sendable {
        /// Where the task and the process say.
        case system
        /// A handler of its own; one that needs a pipeline.
        case own, ownPipeline
    }

    /// - Parameter name: by custom dotted, from the large to the small: `shop.cart`.
    public init(
        _ name: String, level: LogLevel = .all, metadata: LogMetadata = [:],
        handler: (any LogRecordHandler)? = nil
    ) {
        self.name = name
        self.level = level
        self.metadata = metadata
        own = handler.map { HandlerBox.of($0) }
        settle()
    }

    private mutating func settle() {
        destination = own.map { $0.needsPipeline ? .ownPipeline : .own } ?? .system
        place = own.map { Unmanaged.passUnretained($0) }
        floor = max(level, own?.level ?? .all)
    }

    /// Whether a record of a level would be taken: for what is done only to be logged.
    @inlinable
    public func isEnabled(_ level: LogLevel) -> Bool {
        guard level >= floor, destination != .system || !LogSystem.isIdle else { return false }
        return Self.isTaken(level, by: destination)
    }

    @usableFromInline
    static func isTaken(_ level: LogLevel, by destination: Destination) -> Bool {
        switch destination {
        case .system: LogSystem.takes(level)
        case .own: true
        case .ownPipeline: EventSystem.isActive
        }
    }

    /// Makes a record of any level.
    @inlinable
    public func log(
        _ level: LogLevel, _ message: @autoclosure () -> LogMessage, error: (any Error)? = nil,
        _ metadata: @autoclosure () -> LogMetadata = [:], file: StaticString = #filePath,
        fileID: StaticString = #fileID, function: StaticString = #function, line: Int = #line
    ) {
        guard isEnabled(level) else { return }
        emit(level, message(), error, metadata(), file, fileID, function, line)
    }

    @usableFromInline
    func emit(
        _ level: LogLevel, _ message: LogMessage, _ error: (any Error)?, _ metadata: LogMetadata,
        _ file: StaticString, _ fileID: StaticString, _ function: StaticString, _ line: Int
    ) {
        let source = LogSource(literal: file, fileID, function, line)
        if self.metadata.isEmpty && metadata.isEmpty {
            hand(level, message, error, NoMetadata(), source)
        } else if self.metadata.isEmpty {
            hand(level, message, error, metadata, source)
        } else {
            hand(level, message, error, JoinedMetadata(first: self.metadata, second: metadata), source)
        }
    }

    @inline(__always)
    private func hand(
        _ level: LogLevel, _ message: LogMessage, _ error: (any Error)?, _ metadata: some LogMetadataSource,
        _ source: LogSource
    ) {
        let record = LogRecord(
            level: level, message, logger: name, details: metadata, error: error, source: source)
        guard let place else { return LogSystem.handle(record) }
        // Kept by this logger for as long as it is being called.
        place._withUnsafeGuaranteedRef { LogSystem.handle(record, with: $0) }
    }
}
