import SkeinPlatform

/// The collector's side of the deliver protocol, for all producers and streams: a pure state machine.
///
/// It has no clock, socket or journal: the time is passed in (nanoseconds of a clock that never goes back), and what
/// is to be done comes back as values. `Peer` is whatever finds the way back to a connection; a ROUTER's routing id.
/// Not thread-safe: it belongs to the thread of the deliver socket. Costs about a microsecond a message.
///
/// The way of a batch:
/// 1. ``receive(_:payloadBytes:from:now:)`` answers ``CollectorReply/take(_:)`` with the number above which records
///    are to be taken. The caller walks the payload, checks it, and journals them.
/// 2. ``stored(_:through:duplicates:now:)`` says so; or ``full(_:now:)``, ``malformed(_:_:now:)``.
/// 3. When ``isSyncDue(now:)``, the caller takes ``beginSync()`` *before* it calls fdatasync, and tells the result with
///    ``endSync(_:now:)``, which acknowledges, or ``failSync(now:)``, which takes everything unacknowledged back.
///
/// What it holds true:
/// 1. Nothing is acknowledged that was not stored before a sync began that succeeded.
/// 2. The numbers taken of a stream rise without overlap: a record is taken at most once.
/// 3. A number is passed over only if the producer said that it has nothing there; those are counted.
/// 4. An answer goes to the connection that the stream's last accepted frame came from.
/// 5. What strangers say grows nothing without bound: at most ``Configuration/maximumStreams`` are known.
public struct CollectorSession<Peer: Hashable & Sendable>: Sendable {
    /// Who the collector is, how much it takes, and its patience.
    public struct Configuration: Sendable {
        /// This collector's id, at most 64 bytes.
        public var collector: String
        /// Bytes that all producers together may have unacknowledged.
        public var windowBudget = 128 << 20
        /// No stream's window is below this: a batch of ordinary size.
        public var windowMinimum = 512 << 10
        /// The longest a stored record waits for a sync.
        public var syncInterval: Duration = .milliseconds(100)
        /// How often a stream that waits for a sync is told that it was not forgotten.
        public var lifeSignInterval: Duration = .seconds(1)
        /// What a producer is told to wait when there is no room.
        public var retry: Duration = .seconds(1)
        /// How many streams are known at most. For one more an idle one is forgotten, or its HELLO is refused.
        public var maximumStreams = 65_536
        /// How long a silent stream of an anonymous journal is remembered.
        public var anonymousRetention: Duration = .seconds(24 * 3600)
        /// How long a silent stream of a spool is remembered.
        public var durableRetention: Duration = .seconds(90 * 24 * 3600)
        /// How long a stream that ended by BYE is remembered, so that a late resend is still known.
        public var endedRetention: Duration = .seconds(600)

        /// The defaults, for the collector of that id (at most 64 bytes).
        public init(collector: String) {
            self.collector = collector
        }
    }

    /// As given to the initialiser.
    public let configuration: Configuration
    var streams: [StreamIdentity: CollectorStream<Peer>] = [:]
    var peers: [Peer: CollectorPeer] = [:]
    /// Streams with records that are stored and not synced.
    var unsynced: Set<StreamIdentity> = []
    var oldestUnsynced: Int64?
    /// Streams that hold more than is durable: what `unsynced` has, and what a sync under way will make durable.
    var pending: Set<StreamIdentity> = []
    /// Counts failed syncs: a mark from before one means nothing any more.
    var syncEpoch = 0
    /// Streams that sent a batch lately, by when the last came; what windows are divided by.
    var busyCount = 1
    var busyCounted: Int64 = 0
    var nextExpiry: Int64 = 0
    var nextMakingRoom: Int64 = 0
    var forgotten: [StreamIdentity] = []
    var isSyncUrgent = false
    var isDraining = false

    /// What happened so far.
    public internal(set) var counts = CollectorCounts()

    /// - Parameters:
    ///   - streams: what the journal's recovery found; everything it holds of them is durable.
    ///   - now: the time that their silence is counted from.
    public init(_ configuration: Configuration, streams: [HeldStream] = [], now: Int64) {
        self.configuration = configuration
        for held in streams {
            self.streams[held.identity] = CollectorStream(
                highest: held.highest, isDurable: held.isDurable, hasEnded: held.hasEnded,
                lastHeard: now - held.idle.wholeNanoseconds)
        }
    }

    // MARK: What comes in

    /// A message came.
    /// - Parameter payloadBytes: the length of the second frame; nil if there was none. With any other number of
    ///   frames call ``nonsense(from:_:)``.
    public mutating func receive(
        _ message: DeliverMessage, payloadBytes: Int?, from peer: Peer, now: Int64
    ) -> CollectorReply<Peer> {
        peers[peer]?.lastHeard = now
        if case .batch(let batch) = message {
            guard let payloadBytes else { return .answers(nonsense(from: peer, "BATCH without a payload")) }
            return take(batch, payloadBytes, from: peer, now)
        }
        guard payloadBytes == nil else { return .answers(nonsense(from: peer, "a payload without BATCH")) }
        switch message {
        case .hello(let hello):
            return .answers([CollectorAnswer(greet(hello, from: peer, now), to: peer)])
        case .bye(let bye):
            return .answers([CollectorAnswer(farewell(bye, from: peer, now), to: peer)])
        case .ping:
            let pong = DeliverMessage.Pong(collector: configuration.collector)
            return .answers([CollectorAnswer(.pong(pong), to: peer)])
        case .unknown(let op):
            return .answers(nonsense(from: peer, "an operation that version 1 does not have: \(op)"))
        case .batch, .welcome, .acknowledge, .refuse, .goodbye, .pong:
            return .answers(nonsense(from: peer, "a message that only a collector sends"))
        }
    }

    /// Something came that is no message: bad frames, or a header that cannot be read.
    public mutating func nonsense(from peer: Peer, _ what: String) -> [CollectorAnswer<Peer>] {
        counts.protocolErrors += 1
        return [
            CollectorAnswer(
                .refuse(DeliverMessage.Refuse(stream: nil, reason: .protocolError, message: what)), to: peer)
        ]
    }

    /// An answer could not be sent since the connection is gone. Its streams are greeted again on a new one.
    public mutating func gone(_ peer: Peer) {
        guard let state = peers.removeValue(forKey: peer) else { return }
        for stream in state.streams { streams[stream]?.peer = nil }
    }

    // MARK: What became of a batch

    /// The records of a batch that were to be taken are in the journal, though not synced.
    /// - Parameters:
    ///   - number: everything of the batch up to here; its `last` if nothing stopped it.
    ///   - duplicates: how many of its records were at or below the number that was held.
    ///   - received: how many were walked, duplicates included.
    public mutating func stored(
        _ offer: BatchOffer<Peer>, through number: UInt64, received: Int, duplicates: Int, now: Int64
    ) {
        counts.received += UInt64(received)
        counts.duplicate += UInt64(duplicates)
        guard var state = streams[offer.batch.stream], number > state.highest else { return }
        if !state.isSparse {
            counts.lostUpstream.addSaturating(
                (number - state.highest).subtractingClamped(received - duplicates))
        }
        state.highest = number
        state.unsyncedBytes += offer.payloadBytes
        state.lastHeard = now
        state.setback = nil
        streams[offer.batch.stream] = state
        markUnsynced(offer.batch.stream, now)
        if state.unsyncedBytes >= window(now) / 2 { isSyncUrgent = true }
    }

    /// There was no room for a batch, or for its rest. The producer sends again from what is durable.
    public mutating func full(_ offer: BatchOffer<Peer>, message: String? = nil, now: Int64)
        -> [CollectorAnswer<Peer>]
    {
        counts.refusedFull += 1
        streams[offer.batch.stream]?.setback = now
        return [CollectorAnswer(refuseFull(offer.batch.stream, message), to: offer.peer)]
    }

    /// The payload is not what the header says: nothing of it was taken.
    public mutating func malformed(_ offer: BatchOffer<Peer>, _ what: String) -> [CollectorAnswer<Peer>] {
        counts.protocolErrors += 1
        return [
            CollectorAnswer(
                .refuse(
                    DeliverMessage.Refuse(stream: offer.batch.stream, reason: .protocolError, message: what)),
                to: offer.peer)
        ]
    }

    /// Records of a batch were put into `rejected/`; the others go on.
    /// - Parameters:
    ///   - number: the last of them.
    ///   - count: how many they are.
    public mutating func invalid(
        _ offer: BatchOffer<Peer>, number: UInt64, count: Int = 1, reason: String
    ) -> [CollectorAnswer<Peer>] {
        counts.invalid += UInt64(max(1, count))
        return [
            CollectorAnswer(
                .refuse(
                    DeliverMessage.Refuse(
                        stream: offer.batch.stream, reason: .invalid, at: number,
                        count: count > 1 ? count : nil, message: reason)),
                to: offer.peer)
        ]
    }

    // MARK: Syncs

    /// Whether stored records should be synced now: half a window is in, or the oldest waited long enough.
    public func isSyncDue(now: Int64) -> Bool {
        guard let oldestUnsynced else { return false }
        return isSyncUrgent || now >= oldestUnsynced + configuration.syncInterval.wholeNanoseconds
    }

    /// What a sync that begins after this call makes durable. Several may be under way, in order.
    public mutating func beginSync() -> SyncMark {
        let mark = SyncMark(
            epoch: syncEpoch,
            highest: unsynced.map { stream in (stream, streams[stream]?.highest ?? 0) })
        // What is stored from now on belongs to the next one.
        for stream in unsynced { streams[stream]?.unsyncedBytes = 0 }
        unsynced.removeAll(keepingCapacity: true)
        oldestUnsynced = nil
        isSyncUrgent = false
        return mark
    }

    /// A sync succeeded: acknowledges what its mark covers.
    public mutating func endSync(_ mark: SyncMark, now: Int64) -> [CollectorAnswer<Peer>] {
        // A failed sync since then took back what the mark is about; the same numbers may stand elsewhere now.
        guard mark.epoch == syncEpoch else { return [] }
        var answers: [CollectorAnswer<Peer>] = []
        let window = window(now)
        for (stream, highest) in mark.highest {
            guard var state = streams[stream], highest > state.durable else { continue }
            state.durable = highest
            state.lastAnswer = now
            if state.durable == state.highest { pending.remove(stream) }
            streams[stream] = state
            guard let peer = state.peer else { continue }
            answers.append(
                CollectorAnswer(
                    .acknowledge(
                        DeliverMessage.Acknowledge(stream: stream, ack: state.durable, window: window)),
                    to: peer))
        }
        return answers
    }

    /// A sync failed: what was stored and not acknowledged will not be, and is asked for again. The caller must see to it
    /// that the journal never shows those records to anybody.
    public mutating func failSync(now: Int64) -> [CollectorAnswer<Peer>] {
        var answers: [CollectorAnswer<Peer>] = []
        for stream in pending {
            guard let state = streams[stream], state.highest > state.durable else { continue }
            streams[stream]?.highest = state.durable
            streams[stream]?.unsyncedBytes = 0
            streams[stream]?.setback = now
            counts.refusedFull += 1
            guard let peer = state.peer else { continue }
            answers.append(CollectorAnswer(refuseFull(stream, "the journal's disk failed"), to: peer))
        }
        unsynced.removeAll()
        pending.removeAll()
        oldestUnsynced = nil
        isSyncUrgent = false
        syncEpoch += 1
        return answers
    }

    // MARK: Time

    /// Does what is due: signs of life, and forgetting.
    public mutating func tick(now: Int64) -> CollectorTick<Peer> {
        var tick = CollectorTick<Peer>()
        if now >= nextExpiry {
            nextExpiry = now + 60_000_000_000
            expire(now)
        }
        swap(&tick.forgotten, &forgotten)
        let interval = configuration.lifeSignInterval.wholeNanoseconds
        let window = window(now)
        for stream in pending {
            guard let state = streams[stream], now >= state.lastAnswer + interval else { continue }
            streams[stream]?.lastAnswer = now
            guard let peer = state.peer else { continue }
            tick.answers.append(
                CollectorAnswer(
                    .acknowledge(
                        DeliverMessage.Acknowledge(stream: stream, ack: state.durable, window: window)),
                    to: peer))
        }
        return tick
    }

    /// Tells every producer to come back later, and greets no more.
    public mutating func drain() -> [CollectorAnswer<Peer>] {
        isDraining = true
        return peers.keys.map { peer in
            CollectorAnswer(.goodbye(DeliverMessage.Goodbye(stream: nil)), to: peer)
        }
    }

    // MARK: What is known

    /// Every stream that is known, in no order.
    public var knownStreams: [KnownStream] {
        streams.map { stream, state in
            KnownStream(
                identity: stream, highest: state.highest, durable: state.durable, isDurable: state.isDurable,
                hasEnded: state.hasEnded, isConnected: state.peer != nil, service: state.service,
                host: state.host,
                pid: state.pid,
                lastHeard: max(state.lastHeard, state.peer.flatMap { peers[$0]?.lastHeard } ?? 0))
        }
    }

    /// The highest number held of a stream, synced or not; nil if the stream is not known.
    public func highest(of stream: StreamIdentity) -> UInt64? {
        streams[stream]?.highest
    }
}
