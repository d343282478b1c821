import SkeinJournal
import SkeinPlatform
import SkeinWire
import SkeinZeroMQ

/// What runs on the inlets' thread: takes events in, checks them, journals them, has them synced, acknowledges, and
/// answers on the control port. Everything in it belongs to that thread.
final class InletLoop {
    /// What it works with.
    struct Parts {
        var configuration: CollectorConfiguration
        var collectorID: String
        var journal: BatchJournal
        var syncer: JournalSyncer
        var rejected: RejectedStore
        var outlets: OutletSet
        var spools: SpoolWatch
        var warner: Warner
        var wakeUp: WakeUp
        var started: Int64
        var requests: Collector.Requests
        var notices: DropNotices
        /// What processors answered.
        var answers: AnswerQueue
        /// Where ids of collectors that deliver to this one are kept, and those known from an earlier life.
        var upstreamFile: UpstreamFile
        var upstream: [String: Int64]
        /// Says who may connect, where there are keys.
        var authoriser: ZAPAuthoriser?
    }

    let parts: Parts
    let sockets: InletSockets
    var journal: BatchJournal { parts.journal }
    let ledger: HopLedger
    let statistics = EventStatistics()
    var session: CollectorSession<[UInt8]>
    /// Rows of the journal's table by their streams, and whether they are spools'.
    var streams: [StreamIdentity: (index: UInt32?, isDurable: Bool)] = [:]
    var envelope = EventEnvelope()
    var connections = ConnectionCounts()
    var distlog = DistlogCounts()
    /// What the ledger has of the session's counts already.
    var counted = CollectorCounts()
    /// Ids of collectors that deliver to this one, and of those behind them.
    var upstream: [String]
    /// Those that were heard of in this life.
    var heardUpstream: [String] = []
    /// When each was heard of last, Unix nanoseconds.
    var upstreamTimes: [String: Int64]
    /// When these were written down, monotonic nanoseconds.
    var upstreamWritten: Int64 = 0

    // Syncing.
    /// When the oldest event that no sync covers was journaled, monotonic nanoseconds.
    var unsyncedSince: Int64?
    /// A sync was asked for, whatever is due.
    var isSyncUrgent = false
    var syncUnderWay: SyncMark?
    /// Up to which answer it covers.
    var answersUnderWay: UInt64 = 0
    var answerIntake: AnswerIntake
    var mustRollBack = false
    var retryRollBackAt: Int64 = 0

    /// When to try again to journal what was let go, monotonic nanoseconds.
    var retryLetGoAt: Int64 = 0

    // Control.
    var pendingAnswers: [PendingAnswer] = []

    private var poller = ZMQPoller()
    private var items:
        (control: ZMQPoller.Item, collect: ZMQPoller.Item, deliver: ZMQPoller.Item, wakeUp: ZMQPoller.Item)
    private var monitors: [ZMQPoller.Item] = []
    private var nextTick: Int64 = 0
    private var nextForgetting: Int64 = 0

    init(_ parts: Parts, sockets: InletSockets) {
        self.parts = parts
        self.sockets = sockets
        upstream = parts.upstream.keys.sorted()
        upstreamTimes = parts.upstream
        let journal = parts.journal
        ledger = HopLedger { journal.counter($0) }
        answerIntake = AnswerIntake(parts, ledger: ledger, statistics: statistics)
        let now = SystemClock.monotonicNanoseconds()
        session = CollectorSession(
            Self.sessionConfiguration(parts), streams: Self.heldStreams(journal), now: now)
        items = (
            poller.add(sockets.control, for: .readable), poller.add(sockets.collect, for: .readable),
            poller.add(sockets.deliver, for: .readable), poller.add(parts.wakeUp)
        )
        monitors = [
            poller.add(sockets.controlMonitor), poller.add(sockets.collectMonitor),
            poller.add(sockets.deliverMonitor),
        ]
        nextForgetting = now + 60_000_000_000
    }

    private static func sessionConfiguration(_ parts: Parts) -> CollectorSession<[UInt8]>.Configuration {
        var configuration = CollectorSession<[UInt8]>.Configuration(collector: parts.collectorID)
        configuration.syncInterval = parts.configuration.journal.syncInterval
        return configuration
    }

    // MARK: The loop

    /// Once around: waits for something to do, at most until something is due, and does it.
    func step() {
        do {
            try poller.wait(for: timeout())
        } catch {
            parts.warner.warn("poll", "\(error)")
        }
        let now = SystemClock.monotonicNanoseconds()
        if poller.isReady(items.wakeUp) { parts.wakeUp.drain() }
        if poller.isReady(items.deliver) { receiveDeliveries(limit: 64) }
        if poller.isReady(items.collect) { receiveEvents(limit: 8192) }
        if poller.isReady(items.control) { receiveRequests(limit: 64) }
        if monitors.contains(where: { poller.isReady($0) }) { watchConnections() }
        takeAnswers()
        journalLetGo(now)
        keepSynced(now)
        answerPending(now)
        if now >= nextTick {
            nextTick = now + 250_000_000
            tick(now)
        }
    }

    /// How long nothing is due.
    private func timeout() -> Duration {
        let now = SystemClock.monotonicNanoseconds()
        var until = max(nextTick, now)
        if let unsyncedSince, syncUnderWay == nil {
            until = min(until, unsyncedSince + parts.configuration.journal.syncInterval.wholeNanoseconds)
        }
        for answer in pendingAnswers { until = min(until, answer.deadline) }
        return .nanoseconds(max(0, until - now))
    }

    private func tick(_ now: Int64) {
        journal.signOfLife(SystemClock.wallNanoseconds())
        let tick = session.tick(now: now)
        for stream in tick.forgotten { streams[stream] = nil }
        send(tick.answers)
        tellOfDrops(now)
        parts.outlets.reap()
        if !heardUpstream.isEmpty, now - upstreamWritten >= 3_600_000_000_000 { writeUpstream(now) }
        if now >= nextForgetting {
            nextForgetting = now + 60_000_000_000
            let wall = SystemClock.wallNanoseconds()
            journal.forgetStreams(
                anonymousBefore: wall - session.configuration.anonymousRetention.wholeNanoseconds,
                durableBefore: wall - session.configuration.durableRetention.wholeNanoseconds)
        }
    }

    private func watchConnections() {
        do {
            while let event = try sockets.controlMonitor.next() {
                connections.note(event, "control", parts.warner)
            }
            while let event = try sockets.collectMonitor.next() {
                connections.note(event, "collect", parts.warner)
            }
            while let event = try sockets.deliverMonitor.next() {
                connections.note(event, "deliver", parts.warner)
            }
        } catch {
            parts.warner.warn("monitor", "\(error)")
        }
    }

    // MARK: Ending

    /// Takes what libzmq has received already and says goodbye. Nothing new can connect after it.
    /// - Parameter deadline: monotonic nanoseconds.
    func drain(by deadline: Int64) {
        sockets.unbindInlets()
        while SystemClock.monotonicNanoseconds() < deadline {
            let hasMore = receiveDeliveries(limit: 64) || receiveEvents(limit: 8192)
            if session.isSyncDue(now: SystemClock.monotonicNanoseconds()) { syncAndWait(by: deadline) }
            if !hasMore { break }
        }
        takeAnswers()
        tellOfDrops(SystemClock.monotonicNanoseconds(), all: true)
        syncAndWait(by: deadline)
        send(session.drain())
    }

    /// Makes everything durable and acknowledges it.
    private func syncAndWait(by deadline: Int64) {
        for _ in 0..<2 {
            isSyncUrgent = true
            keepSynced(SystemClock.monotonicNanoseconds())
            guard parts.syncer.waitUntilIdle(deadline) else { return }
            keepSynced(SystemClock.monotonicNanoseconds())
            guard parts.syncer.waitUntilIdle(deadline) else { return }
        }
        keepSynced(SystemClock.monotonicNanoseconds())
    }

    /// Ends what waits, and drops the poller, which must go before its sockets.
    func close() {
        for pending in pendingAnswers { pending.reply(ControlAnswer.error("the collector ends")) }
        pendingAnswers = []
        poller.removeAll()
    }
}

/// What became of connections, for STATUS.
struct ConnectionCounts {
    var accepted: [String: Int] = [:]
    var closed: [String: Int] = [:]
    var failedHandshakes: [String: Int] = [:]

    mutating func note(_ event: ZMQMonitorEvent, _ port: String, _ warner: Warner) {
        switch event.kind {
        case .accepted: accepted[port, default: 0] += 1
        case .disconnected: closed[port, default: 0] += 1
        case .handshakeProtocolError(let error): fail(port, "\(error)", warner)
        case .handshakeRefused(let status):
            fail(port, "its key is not among the clients' (status \(status))", warner)
        case .handshakeFailed: fail(port, "it speaks no ZeroMQ, or went away", warner)
        case .acceptFailed(let code):
            warner.warn("accept", "\(port): cannot accept: \(SystemError(code: code))")
        default: break
        }
    }

    private mutating func fail(_ port: String, _ reason: String, _ warner: Warner) {
        failedHandshakes[port, default: 0] += 1
        warner.warn("handshake \(port)", "\(port): a connection failed in its handshake: \(reason)")
    }
}
