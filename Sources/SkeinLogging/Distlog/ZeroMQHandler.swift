import SkeinPlatform

/// Sends records to Distlog's daemon, or to a collect port of Skein's: over PUSH, as its own handler does.
///
/// ```swift
/// let handler = try ZeroMQHandler(endpoint: "tcp://localhost:5010", system: .test, serializer: PickleRecordSerializer())
/// withLogHandler(handler) {
///     withTask("answer") { _ in EventLogger("shop").info("a record of two frames: TLP, and a pickle") }
/// }
/// handler.close()
/// ```
/// A record is serialized where it is made (about 4 µs) and put into a bounded queue; a thread of the handler's own sends. It never
/// blocks and never throws: what finds the queue full is dropped and counted. PUSH has no acknowledgement: what libzmq took may
/// still be lost with the connection. To deliver without loss, let records become events (``ContextHandler``).
///
/// In the child of a fork it begins anew with an empty queue and a connection of its own.
public final class ZeroMQHandler: LogRecordHandler {
    /// The first letter of the topic: what kind of system the records come from.
    public enum System: Character, Sendable, CaseIterable {
        /// `T`.
        case test = "T"
        /// `S`.
        case staging = "S"
        /// `P`.
        case production = "P"
    }

    /// What became of records.
    public struct Statistics: Sendable, Hashable {
        /// Handed to libzmq for a connection that stands.
        public var sent: UInt64 = 0
        /// In the queue.
        public var waiting = 0
        /// Dropped, since the queue was full.
        public var droppedQueueFull: UInt64 = 0
        /// Dropped: they came after the end, or could not be sent before it.
        public var droppedClosed: UInt64 = 0
        /// Dropped by the serializer, or larger than the whole queue.
        public var droppedUnserializable: UInt64 = 0

        /// Nothing so far.
        public init() {}
    }

    public let level: LogLevel
    private let serializer: any RecordSerializer
    private let topic: [UInt8]
    private let line: PushLine

    /// Connects; whether anybody is there shows later.
    ///
    /// - Parameters:
    ///   - endpoint: of libzmq, such as `tcp://localhost:5010`.
    ///   - system: the first letter of the topic.
    ///   - serializer: how records are written; gives the third letter.
    ///   - level: the lowest that is sent.
    ///   - capacity: records that may wait, 1 to 1,000,000.
    ///   - capacityBytes: their bytes, at least 1,024.
    /// - Throws: ``LoggingError`` with code `endpoint` for an endpoint that libzmq does not know, `setting` for a number out of its range
    ///   or an encoding that is not ASCII.
    public init(
        endpoint: String, system: System = .production,
        serializer: any RecordSerializer = JSONRecordSerializer(),
        level: LogLevel = .all, capacity: Int = 10_000, capacityBytes: Int = 16 << 20
    ) throws(LoggingError) {
        guard let letter = serializer.encoding.asciiValue else {
            throw LoggingError(
                .setting, "encoding \(serializer.encoding) of the serializer: a letter of ASCII is needed")
        }
        guard (1...1_000_000).contains(capacity) else {
            throw LoggingError(.setting, "capacity \(capacity): 1 to 1000000 records may wait")
        }
        guard capacityBytes >= 1_024 else {
            throw LoggingError(.setting, "capacityBytes \(capacityBytes): at least 1024 are needed")
        }
        self.level = level
        self.serializer = serializer
        topic = Array("\(system.rawValue)L".utf8) + [letter]
        line = PushLine(endpoint, capacity: capacity, bytes: capacityBytes)
        try line.check()
    }

    deinit { line.abandon() }

    @discardableResult
    public func handle(_ record: LogRecord) -> Bool {
        let attributes = RecordAttributes.document(record, record.task ?? TaskStamp.current)
        guard let bytes = serializer.serialize(attributes) else {
            line.countUnserializable()
            return false
        }
        return line.enqueue([topic, bytes])
    }

    /// Waits until everything that waits has been handed to libzmq, 2 seconds at most.
    public func flush() { line.flush(by: SystemClock.monotonicNanoseconds() + 2_000_000_000) }

    /// Sends what waits, for 2 seconds at most, and ends. What is left then, and what comes later, is dropped and counted.
    public func close() { line.close(by: SystemClock.monotonicNanoseconds() + 2_000_000_000) }

    /// What became of the records so far.
    public var statistics: Statistics { line.statistics }
}
