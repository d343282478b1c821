/// The messages of the deliver protocol (`Docs/WireFormat.md`, Deliver): each is one BSON document, and for
/// ``batch(_:)`` a second frame, the payload.
public enum DeliverMessage: Hashable, Sendable {
    /// The version of the protocol that this code speaks.
    public static let version: Int32 = 1
    /// The largest frame a collector takes: a record of the largest event (16 MiB) fits.
    public static let maximumBytes = 16 << 20 | 4 << 10
    /// The largest payload of a batch of several records; one record alone may fill the message.
    public static let maximumPayloadBytes = 1 << 20
    /// What every record in a payload begins with (`Docs/Journal.md`, Records).
    public static let recordHeaderBytes = 32
    /// The largest header anybody needs to look at.
    public static let maximumHeaderBytes = 64 << 10

    // From the producer.
    /// Opens or resumes a stream.
    case hello(Hello)
    /// Announces the records in the second frame.
    case batch(Batch)
    /// A stream ends: all is acknowledged, nothing follows.
    case bye(Bye)
    /// Asks whether the collector is there.
    case ping
    // From the collector.
    /// Answers HELLO: how far the stream is held, and its window.
    case welcome(Welcome)
    /// Records are durable.
    case acknowledge(Acknowledge)
    /// The collector does not go on as asked, and why.
    case refuse(Refuse)
    /// Answers BYE, or tells that the collector drains.
    case goodbye(Goodbye)
    /// Answers PING.
    case pong(Pong)
    /// An `op` that this version does not have.
    case unknown(op: String)

    /// Opens or resumes a stream.
    public struct Hello: Hashable, Sendable {
        /// The protocol's version that the producer speaks.
        public var version: Int32
        /// The stream to open or resume.
        public var stream: StreamIdentity
        /// The lowest number not yet acknowledged.
        public var first: UInt64
        /// Whether the stream's journal outlives its process.
        public var durable: Bool
        /// The service of the producer, for people; empty if it has none.
        public var service: String
        /// The host of the producer, for people.
        public var host: String
        /// The process id of the producer, for people.
        public var pid: Int32
        /// Ids of the collectors behind the sender, the nearest first.
        public var path: [String]
        /// The collector said that it does not know the stream; the producer knows, and goes on from `first`.
        public var anew: Bool
        /// Its numbers rise and are not consecutive: what is missing between them was never there.
        public var sparse: Bool

        /// A greeting in this version of the protocol, unless another is given.
        public init(
            version: Int32 = DeliverMessage.version, stream: StreamIdentity, first: UInt64, durable: Bool,
            service: String = "", host: String = "", pid: Int32 = 0, path: [String] = [], anew: Bool = false,
            sparse: Bool = false
        ) {
            self.version = version
            self.stream = stream
            self.first = first
            self.durable = durable
            self.service = service
            self.host = host
            self.pid = pid
            self.path = path
            self.anew = anew
            self.sparse = sparse
        }
    }

    /// The header of records `first` … `last`; the payload follows as a second frame.
    public struct Batch: Hashable, Sendable {
        /// The stream that the records are of.
        public var stream: StreamIdentity
        /// The number of the first record.
        public var first: UInt64
        /// The number of the last record.
        public var last: UInt64
        /// How many records; fewer than the range holds means that some are missing for good.
        public var count: Int

        /// The header of `count` records with numbers in `first` … `last`.
        public init(stream: StreamIdentity, first: UInt64, last: UInt64, count: Int) {
            self.stream = stream
            self.first = first
            self.last = last
            self.count = count
        }
    }

    /// Everything up to `last` is acknowledged and nothing follows.
    public struct Bye: Hashable, Sendable {
        /// The stream that ends.
        public var stream: StreamIdentity
        /// The stream's last number.
        public var last: UInt64

        /// The end of a stream after the number `last`.
        public init(stream: StreamIdentity, last: UInt64) {
            self.stream = stream
            self.last = last
        }
    }

    /// The answer to HELLO.
    public struct Welcome: Hashable, Sendable {
        /// The protocol's version that the collector speaks.
        public var version: Int32
        /// The stream that was greeted.
        public var stream: StreamIdentity
        /// Everything up to here is durable.
        public var ack: UInt64
        /// Bytes that may be unacknowledged.
        public var window: Int
        /// The collector's id.
        public var collector: String

        /// An answer in this version of the protocol, unless another is given.
        public init(
            version: Int32 = DeliverMessage.version, stream: StreamIdentity, ack: UInt64, window: Int,
            collector: String
        ) {
            self.version = version
            self.stream = stream
            self.ack = ack
            self.window = window
            self.collector = collector
        }
    }

    /// Everything up to `ack` is durable.
    public struct Acknowledge: Hashable, Sendable {
        /// The stream that is acknowledged.
        public var stream: StreamIdentity
        /// The highest number that is durable.
        public var ack: UInt64
        /// Bytes that may be unacknowledged from now on.
        public var window: Int

        /// Everything up to `ack` is durable, and `window` bytes may be unacknowledged.
        public init(stream: StreamIdentity, ack: UInt64, window: Int) {
            self.stream = stream
            self.ack = ack
            self.window = window
        }
    }

    /// The collector does not go on as asked.
    public struct Refuse: Hashable, Sendable {
        /// Absent if the message was not about a stream, or none could be read in it.
        public var stream: StreamIdentity?
        /// Why, for a program to branch on.
        public var reason: RefuseReason
        /// `invalid`: the record; `gap`: the number the next batch must reach down to.
        public var at: UInt64?
        /// `invalid`: how many records are meant, the last of them at `at`; absent: one.
        public var count: Int?
        /// `full`: milliseconds to wait.
        public var retryMilliseconds: Int32?
        /// For a person.
        public var message: String?

        /// A refusal; what its reason does not need stays nil.
        public init(
            stream: StreamIdentity?, reason: RefuseReason, at: UInt64? = nil, count: Int? = nil,
            retryMilliseconds: Int32? = nil, message: String? = nil
        ) {
            self.stream = stream
            self.reason = reason
            self.at = at
            self.count = count
            self.retryMilliseconds = retryMilliseconds
            self.message = message
        }
    }

    /// With a stream: the answer to BYE. Without: the collector drains; come back later.
    public struct Goodbye: Hashable, Sendable {
        /// The stream that has ended; nil: the collector drains.
        public var stream: StreamIdentity?

        /// The answer to BYE, or with nil the word that the collector drains.
        public init(stream: StreamIdentity?) {
            self.stream = stream
        }
    }

    /// The answer to PING.
    public struct Pong: Hashable, Sendable {
        /// The collector's id.
        public var collector: String

        /// An answer by the collector of that id.
        public init(collector: String) {
            self.collector = collector
        }
    }
}
