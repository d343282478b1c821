import SkeinPlatform
import SkeinWire
import SkeinZeroMQ
import Synchronization

/// The shipper's thread: takes what came in, sends what is there, sleeps until something happens.
///
/// How it sleeps, so that who appends pays nothing and an idle process is left alone:
/// - *Gathering*: it has just sent something. It asks to be woken only for a whole batch, and looks again after a few
///   milliseconds: steady traffic costs nobody a wake-up.
/// - *Asleep*: a gathering brought nothing. It asks to be woken by the next record, and otherwise looks after the time
///   each second (a sign of life, a PING).
/// - *Blocked*: the other end is away or takes no more. It waits for that end, and for segments to prepare.
final class ShipperLoop {
    private let shared: ShipperShared
    private let journal: any ShippableJournal
    private let held: (any HeldDetail)?
    private let configuration: Shipper.Configuration
    private let sayWarning: @Sendable (String) -> Void
    private let warnings = Warnings()
    private var context: ZMQContext?
    private var listener: ReleaseListener?
    private var lanes: [Lane] = []
    private var transport: (any Transport)?
    /// When the next transport is to be tried, if there is none.
    private var nextTransport: Int64 = 0
    /// The last attempt at a plain endpoint found a socket that is no ROUTER.
    private var triesPush = false
    private var findingPause: Int64 = 100_000_000
    /// What transports counted that are gone.
    private var past = ShipperStatistics()
    private var lastReport: Int64 = .min
    private var poller = ZMQPoller()

    /// Collects what transports and lanes have to say, for the gate.
    private final class Warnings {
        var gate = WarningGate()
        var now: Int64 = 0
        /// A plain endpoint was told to be a collect port: once is enough.
        var hasToldOfCollect = false

        func add(_ text: String) { gate.add(text, now: now) }
    }

    init(
        _ shared: ShipperShared, _ journal: any ShippableJournal, _ held: (any HeldDetail)?,
        _ configuration: Shipper.Configuration, _ onWarning: @escaping @Sendable (String) -> Void
    ) {
        self.shared = shared
        self.journal = journal
        self.held = held
        self.configuration = configuration
        sayWarning = onWarning
    }

    func run() {
        ForkGate.enter()
        defer { ForkGate.leave() }
        let shared = shared
        journal.setWakeUp { shared.wakeIfListening() }
        while true {
            let now = SystemClock.monotonicNanoseconds()
            warnings.now = now
            if lanes.isEmpty { openLanes() }
            if transport == nil && now >= nextTransport { openTransport(now) }
            transport?.receive(now: now)
            let outcome = transport?.send(lanes, now: now) ?? .blocked(lanes)
            for lane in lanes { lane.settle(now: now) }
            journal.tend()
            held?.tend(now: now)
            listen(now)
            follow(transport?.finding, now)
            answerFlushes(now)
            if let end = ending(now) {
                close(end: end, now: now)
                return
            }
            report(now, isQuiet: !outcome.hasMore)
            if let warning = warnings.gate.next(now: now) { sayWarning(warning) }
            sleep(outcome, now)
        }
    }

    // MARK: Beginnings

    private func openLanes() {
        do {
            lanes = try journal.makeLanes().enumerated().map { index, lane in
                Lane(lane, index: index) { [warnings] in warnings.add($0) }
            }
        } catch {
            warnings.add("reading the journal: \(error)")
        }
    }

    private func listen(_ now: Int64) {
        guard let held, let source = configuration.releases, held.isListening else { return }
        do throws(ZMQError) {
            let context: ZMQContext
            if let made = self.context { context = made } else { context = try ZMQContext() }
            self.context = context
            let listener =
                listener
                ?? ReleaseListener(source, held, curve: configuration.curve) { [warnings] in
                    warnings.add($0)
                }
            self.listener = listener
            listener.tend(context, now: now)
        } catch {
            warnings.add("\(error)")
        }
    }

    private func openTransport(_ now: Int64) {
        let warn: (String) -> Void = { [warnings] in warnings.add($0) }
        let endpoint = configuration.endpoint
        if endpoint.transport == .file {
            transport = FileTransport(endpoint, configuration, journal, warn: warn)
            return
        }
        do throws(ZMQError) {
            let context: ZMQContext
            if let made = self.context { context = made } else { context = try ZMQContext() }
            self.context = context
            if endpoint.transport == .push || triesPush {
                transport = PushTransport(endpoint, configuration, context, journal, now: now, warn: warn) {
                    [warnings] text in
                    if !warnings.hasToldOfCollect { warnings.add(text) }
                    warnings.hasToldOfCollect = true
                }
            } else {
                transport = DeliverTransport(endpoint, configuration, context, journal, now: now, warn: warn)
            }
        } catch {
            warnings.add("\(error)")
            nextTransport = now + 1_000_000_000
        }
    }

    /// A plain endpoint turned out to be something else, or may do so now: tries the other way.
    private func follow(_ finding: Finding?, _ now: Int64) {
        guard let finding, let transport else { return }
        if configuration.endpoint.transport != .find {
            // libzmq gives up on a socket of the wrong kind; another may take its place.
            if transport.kind == .push && finding != .gone { replace(now, after: 1_000_000_000) }
            return
        }
        if transport.kind == .deliver {
            triesPush = true
            replace(now, after: 0)
        } else {
            triesPush = false
            findingPause =
                transport.report().acknowledged > 0 ? 100_000_000 : min(findingPause * 2, 10_000_000_000)
            replace(now, after: findingPause)
        }
    }

    private func replace(_ now: Int64, after pause: Int64) {
        guard let transport else { return }
        past.add(transport.report())
        transport.close(linger: .zero)
        self.transport = nil
        nextTransport = now + pause
        for lane in lanes { lane.rewind() }
    }

    // MARK: Requests

    private func answerFlushes(_ now: Int64) {
        let open = shared.requests.withLock { requests in requests.flushes.filter { !$0.isDone } }
        for flush in open where hasPassed(flush.marks) {
            _ = (transport as? FileTransport)?.finish(now: 0)
            // Who waited may look at the statistics next.
            report(now, isQuiet: true)
            shared.requests.update { requests in
                for index in requests.flushes.indices where requests.flushes[index].number == flush.number {
                    requests.flushes[index].isDone = true
                }
            }
        }
    }

    private func hasPassed(_ marks: [UInt64]) -> Bool {
        lanes.indices.allSatisfy { index in
            // Lanes beyond the marks are of earlier openings, and get nothing more.
            index < marks.count ? lanes[index].hasPassed(marks[index]) : lanes[index].backlogBytes == 0
        }
    }

    /// The deadline of a shutdown, once it is time to end: everything is done, or the time is over.
    private func ending(_ now: Int64) -> Int64? {
        guard let deadline = shared.requests.withLock({ $0.shutdown }) else { return nil }
        if now >= deadline { return deadline }
        guard lanes.allSatisfy({ $0.backlogBytes == 0 }) else { return nil }
        return transport?.finish(now: now) ?? true ? deadline : nil
    }

    private func close(end: Int64, now: Int64) {
        journal.setWakeUp(nil)
        let left = max(0, min(end - now, 2_000_000_000))
        if let transport {
            past.add(transport.report())
            past.collector = transport.report().collector
            transport.close(linger: .nanoseconds(left))
        }
        past.transport = transport?.kind ?? configuration.endpoint.transport
        past.backlogBytes = lanes.reduce(0) { $0 + $1.backlogBytes }
        transport = nil
        listener?.close()
        lanes = []
        // With the sockets closed this lasts as long as they linger.
        ForkGate.pausing { context?.terminate() }
        shared.statistics.withLock { $0 = past }
        shared.requests.update { $0.hasEnded = true }
    }

    // MARK: Sleep

    private func sleep(_ outcome: SendOutcome, _ now: Int64) {
        if outcome.hasMore { return }
        if outcome.hasSent {
            wait(now, for: configuration.gathering.wholeNanoseconds, wakesAfter: configuration.batchBytes)
        } else {
            shared.asleep.flag.store(true, ordering: .relaxed)
            wait(now, for: 1_000_000_000, wakesAfter: 0)
            shared.asleep.flag.store(false, ordering: .relaxed)
        }
    }

    /// Waits for the sockets, a wake-up, or the next time something is due.
    /// - Parameter wakesAfter: how many bytes of records should end the wait, in a lane that is not blocked.
    private func wait(_ now: Int64, for limit: Int64, wakesAfter bytes: Int) {
        var end = now + limit
        for deadline in [
            transport?.nextDeadline, transport == nil ? nextTransport : nil, warnings.gate.nextDeadline,
            shared.requests.withLock({ $0.shutdown }), listener?.nextDeadline,
        ] {
            if let deadline { end = min(end, deadline) }
        }
        for lane in lanes { if let deadline = lane.nextDeadline, deadline > now { end = min(end, deadline) } }
        shared.isListening.store(true, ordering: .sequentiallyConsistent)
        defer { shared.isListening.store(false, ordering: .relaxed) }
        for lane in lanes where !lane.isBlocked && !lane.isPaused(now: now) {
            if !lane.armWakeUp(afterBytes: bytes) { return }
        }
        poller.removeAll()
        let woken = poller.add(shared.wakeUp)
        transport?.watch(&poller)
        listener?.watch(&poller)
        let left = max(0, end - SystemClock.monotonicNanoseconds())
        do throws(ZMQError) {
            _ = try ForkGate.pausing { () throws(ZMQError) in try poller.wait(for: .nanoseconds(left)) }
        } catch {
            warnings.add("\(error)")
        }
        if poller.isReady(woken) { shared.wakeUp.drain() }
        poller.removeAll()
    }

    // MARK: Accounts

    private func report(_ now: Int64, isQuiet: Bool) {
        guard isQuiet || now >= lastReport + 50_000_000 else { return }
        lastReport = now
        var statistics = past
        transport?.report(&statistics)
        statistics.transport = isFound ? transport?.kind ?? .find : .find
        statistics.isConnected = transport?.isConnected ?? false
        statistics.backlogBytes = lanes.reduce(0) { $0 + $1.backlogBytes }
        shared.statistics.withLock { $0 = statistics }
    }

    /// Whether it is known how records travel.
    private var isFound: Bool {
        configuration.endpoint.transport != .find || transport?.isConnected ?? false
    }
}

extension Transport {
    /// What it counted, alone.
    func report() -> ShipperStatistics {
        var statistics = ShipperStatistics()
        report(&statistics)
        return statistics
    }
}
