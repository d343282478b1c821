/// What a collector knows of one stream.
struct CollectorStream<Peer: Hashable & Sendable>: Sendable {
    /// Everything up to here is stored.
    var highest: UInt64
    /// Everything up to here is synced.
    var durable: UInt64
    /// Whether its journal outlives its process.
    var isDurable: Bool
    var hasEnded: Bool
    var isSparse = false
    /// The connection that greeted it; nil after it broke.
    var peer: Peer?
    var lastHeard: Int64
    var lastBatch: Int64?
    /// When it was last told something about itself.
    var lastAnswer: Int64 = 0
    /// When it was last told to send again, if nothing was stored since.
    var setback: Int64?
    var unsyncedBytes = 0
    var service = ""
    var host = ""
    var pid: Int32 = 0

    init(highest: UInt64, isDurable: Bool, hasEnded: Bool, lastHeard: Int64) {
        self.highest = highest
        durable = highest
        self.isDurable = isDurable
        self.hasEnded = hasEnded
        self.lastHeard = lastHeard
    }
}

/// What a collector knows of one connection on which streams were greeted.
struct CollectorPeer: Sendable {
    var lastHeard: Int64
    var streams: Set<StreamIdentity> = []
}

/// A stream as a collector's journal recovered it.
public struct HeldStream: Hashable, Sendable {
    /// Which stream it is.
    public var identity: StreamIdentity
    /// Everything up to here is in the journal, durably.
    public var highest: UInt64
    /// Whether its journal outlives its process.
    public var isDurable: Bool
    /// Whether it ended by BYE.
    public var hasEnded: Bool
    /// How long nothing was heard of it.
    public var idle: Duration

    /// A stream that is held up to `highest`.
    public init(
        identity: StreamIdentity, highest: UInt64, isDurable: Bool, hasEnded: Bool = false,
        idle: Duration = .zero
    ) {
        self.identity = identity
        self.highest = highest
        self.isDurable = isDurable
        self.hasEnded = hasEnded
        self.idle = idle
    }
}

/// A stream as a collector shows it.
public struct KnownStream: Hashable, Sendable {
    /// Which stream it is.
    public let identity: StreamIdentity
    /// Everything up to here is stored.
    public let highest: UInt64
    /// Everything up to here is synced and acknowledged.
    public let durable: UInt64
    /// Whether its journal outlives its process.
    public let isDurable: Bool
    /// Whether it ended by BYE.
    public let hasEnded: Bool
    /// Whether the connection that greeted it still stands.
    public let isConnected: Bool
    /// The service that its HELLO named; empty if none did.
    public let service: String
    /// The host that its HELLO named; empty if none did.
    public let host: String
    /// The process id that its HELLO named; 0 if none did.
    public let pid: Int32
    /// On the session's clock.
    public let lastHeard: Int64
}

/// A message for one connection.
public struct CollectorAnswer<Peer: Hashable & Sendable>: Hashable, Sendable {
    /// What to send.
    public let message: DeliverMessage
    /// The connection to send it on.
    public let peer: Peer

    init(_ message: DeliverMessage, to peer: Peer) {
        self.message = message
        self.peer = peer
    }
}

/// What to do with a message that came.
public enum CollectorReply<Peer: Hashable & Sendable>: Hashable, Sendable {
    /// Send these. One that would block or has nowhere to go is dropped: the next replaces it.
    case answers([CollectorAnswer<Peer>])
    /// Walk the batch's payload and journal its records above a number.
    case take(BatchOffer<Peer>)
}

/// A batch that may be taken.
public struct BatchOffer<Peer: Hashable & Sendable>: Hashable, Sendable {
    /// The header, as it came.
    public let batch: DeliverMessage.Batch
    /// Records at or below this number are held already.
    public let above: UInt64
    /// Bytes of the payload, which count against the stream's window.
    public let payloadBytes: Int
    /// The connection that it came on.
    public let peer: Peer
}

/// What a sync makes durable if it began after the mark was taken.
public struct SyncMark: Sendable {
    let epoch: Int
    let highest: [(StreamIdentity, UInt64)]

    /// Whether a sync would acknowledge nothing.
    public var isEmpty: Bool { highest.isEmpty }
}

/// What was due.
public struct CollectorTick<Peer: Hashable & Sendable>: Hashable, Sendable {
    /// Messages to send now.
    public var answers: [CollectorAnswer<Peer>] = []
    /// Streams that the journal's table may drop.
    public var forgotten: [StreamIdentity] = []
}

/// What a collector's deliver port has seen. Records unless it says otherwise.
public struct CollectorCounts: Hashable, Sendable {
    /// Records that came, also those that were held already or are invalid.
    public var received: UInt64 = 0
    /// Held already.
    public var duplicate: UInt64 = 0
    /// Put into `rejected/`.
    public var invalid: UInt64 = 0
    /// Passed over, since the producer has them no more and they are not here.
    public var lostUpstream: UInt64 = 0
    /// Batches and greetings refused for want of room.
    public var refusedFull: UInt64 = 0
    /// Batches that began beyond what is held.
    public var gaps: UInt64 = 0
    /// Frames about streams that are not known, or not on that connection.
    public var unknownStreams: UInt64 = 0
    /// Streams that went on though their beginning is not known here: they may double.
    public var resumedUnknown: UInt64 = 0
    /// Messages against the protocol.
    public var protocolErrors: UInt64 = 0
    /// Greetings by a sender that this collector is behind.
    public var loops: UInt64 = 0
    /// Streams that ended by BYE.
    public var ended: UInt64 = 0
    /// Streams forgotten after their silence.
    public var forgotten: UInt64 = 0

    /// All counts zero.
    public init() {}
}
