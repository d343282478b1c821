public import SkeinWire

/// A journal as a ``Shipper`` sees it: lanes that are read in order and acknowledged.
///
/// An app's ``MappedJournal`` is one (``MappedShippable``); a collector adapts its own for a forward outlet.
/// Everything but ``marks()`` is called on the shipper's thread.
public protocol ShippableJournal: Sendable {
    /// The lanes, each to be read by one reader. Called once.
    func makeLanes() throws -> [any ShippableLane]

    /// Called each time around, at least once a second while the shipper runs: for housekeeping.
    func tend()

    /// What to call, on any thread, when a lane passes the place its reader asked for
    /// (``ShippableLane/armWakeUp(afterBytes:)``). nil when the shipper ends.
    func setWakeUp(_ wakeUp: (@Sendable () -> Void)?)

    /// For each lane how far it is written now, as ``ShippableLane/hasPassed(_:)`` understands it. Any thread.
    func marks() -> [UInt64]

    /// Counts what became of records, where the journal keeps counters.
    func count(_ outcome: ShippingOutcome, _ records: UInt64)
}

/// What became of records.
public enum ShippingOutcome: Hashable, Sendable {
    /// They are where they were to go.
    case acknowledged
    /// The other end will never take them.
    case invalid
    /// They are larger than any message may be.
    case tooLarge
}

/// One order of records and a durable cursor in it.
public protocol ShippableLane: AnyObject {
    /// The next records of one stream: at most so many bytes with headers, but at least one record.
    /// - Returns: nil when nothing more can be read now.
    func next(maximumBytes: Int) throws -> ShippableRun?

    /// Goes on reading behind what is acknowledged.
    func rewind()

    /// Everything of a stream up to a number is done with. The cursor moves as far as everything before it is, and
    /// durably, where the journal is. May be called again after it threw.
    func acknowledge(through number: UInt64, of stream: StreamIdentity) throws

    /// The lowest number of a stream that is not acknowledged; nil if the lane does not know the stream.
    func firstUnacknowledged(of stream: StreamIdentity) -> UInt64?

    /// Whether everything up to a mark (``ShippableJournal/marks()``) is acknowledged.
    func hasPassed(_ mark: UInt64) -> Bool

    /// Whether a stream is acknowledged to its end and gets no more records.
    func isComplete(_ stream: StreamIdentity) -> Bool

    /// Asks for one call of the wake-up when more than so many bytes can be read.
    /// - Returns: false if that is so already, and no call will come.
    func armWakeUp(afterBytes bytes: Int) -> Bool

    /// Bytes of records, with their headers, behind the cursor.
    var backlogBytes: Int { get }
}

/// Records of one stream, contiguous and whole, as they go over the wire.
public struct ShippableRun: Sendable {
    /// The stream that all of them are of.
    public let stream: StreamIdentity
    /// Numbers of the first and last record, and how many there are.
    public let first: UInt64
    /// The number of the last record.
    public let last: UInt64
    /// How many records there are.
    public let count: Int
    /// The records with headers and padding.
    public nonisolated(unsafe) let bytes: UnsafeRawBufferPointer  // read-only as long as `owner` lives
    /// Keeps `bytes` readable: they are given back when its last reference goes, on any thread.
    public let owner: any AnyObject & Sendable
    /// Whether the stream's journal outlives its process.
    public let isDurable: Bool
    /// Whether an earlier process may have sent records of the stream.
    public let isResumed: Bool
    /// Whether the stream's numbers rise without being consecutive.
    public let isSparse: Bool
    /// Whether no record of the stream follows once the shipper has ended: the collector is then told to forget it.
    public let endsWithShipper: Bool

    /// A run by its parts. `bytes` must stay readable and unchanged as long as `owner` lives.
    public init(
        stream: StreamIdentity, first: UInt64, last: UInt64, count: Int, bytes: UnsafeRawBufferPointer,
        owner: any AnyObject & Sendable, isDurable: Bool, isResumed: Bool, isSparse: Bool = false,
        endsWithShipper: Bool = true
    ) {
        self.stream = stream
        self.first = first
        self.last = last
        self.count = count
        self.bytes = bytes
        self.owner = owner
        self.isDurable = isDurable
        self.isResumed = isResumed
        self.isSparse = isSparse
        self.endsWithShipper = endsWithShipper
    }
}
