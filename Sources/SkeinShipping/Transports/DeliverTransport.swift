import SkeinJournal
import SkeinPlatform
import SkeinWire
import SkeinZeroMQ

/// Acknowledged: drives a ``ProducerSession`` over a DEALER socket. Runs go over the wire as they lie in the journal.
final class DeliverTransport: Transport {
    let kind = Endpoint.Transport.deliver
    private let endpoint: Endpoint
    private let configuration: Shipper.Configuration
    private let context: ZMQContext
    private let journal: any ShippableJournal
    private let warn: (String) -> Void
    private var session: ProducerSession
    private var link: Link?
    private var shipments: [StreamIdentity: (lane: Lane, shipment: Shipment)] = [:]
    private var leftovers = 0
    private var statistics = ShipperStatistics()
    private(set) var finding: Finding?
    /// Handshakes in a row that ended without a reason.
    private var failedHandshakes = 0

    init(
        _ endpoint: Endpoint, _ configuration: Shipper.Configuration, _ context: ZMQContext,
        _ journal: any ShippableJournal, now: Int64, warn: @escaping (String) -> Void
    ) {
        self.endpoint = endpoint
        self.configuration = configuration
        self.context = context
        self.journal = journal
        self.warn = warn
        var settings = ProducerSession.Configuration(
            service: configuration.service, host: configuration.host, pid: configuration.pid,
            path: configuration.path, seed: KernelRandom.word())
        settings.silence = configuration.silence
        session = ProducerSession(settings)
        perform(session.start(now: now), now)
    }

    var isConnected: Bool { session.isConnected }
    var nextDeadline: Int64? { session.nextDeadline }

    // MARK: In

    func receive(now: Int64) {
        while let outcome = link?.nextOutcome() { take(outcome, now) }
        // A peer that talks without end must not keep us from sending.
        for _ in 0..<1000 {
            guard let actions = receiveOne(now) else { break }
            perform(actions, now)
        }
        perform(session.tick(now: now), now)
        if leftovers > 0 { endLeftovers(now) }
    }

    private func take(_ outcome: ZMQConnectionWatch.Outcome, _ now: Int64) {
        switch outcome {
        case .ready:
            failedHandshakes = 0
            perform(session.connected(now: now), now)
        case .wrongKind:
            if endpoint.transport == .find {
                finding = .otherKind
            } else {
                warn(
                    "\(endpoint) is not a deliver port: a ZeroMQ socket of another kind answers there, so nothing is sent. "
                        + "For a collect port write \(endpoint.with("push")) or \(endpoint.address)")
            }
            perform(
                session.refusedAtHandshake("a socket of another kind", now: now), now, saysRefusals: false)
        case .refused(let reason):
            perform(session.refusedAtHandshake(reason, now: now), now)
        case .unreachable:
            warn("nobody listens at \(endpoint); records are kept in the journal until somebody does")
            perform(session.disconnected(now: now), now)
        case .handshakeFailed:
            // A socket of another kind can be quicker to close than we are to read what it is.
            failedHandshakes += 1
            if failedHandshakes >= 2 {
                if endpoint.transport == .find { finding = .otherKind } else { warn(Self.noSocket(endpoint)) }
            }
            perform(session.disconnected(now: now), now)
        case .disconnected:
            perform(session.disconnected(now: now), now)
        }
    }

    static func noSocket(_ endpoint: Endpoint) -> String {
        "what listens at \(endpoint) is no ZeroMQ socket, or goes away at once; records are kept in the journal"
    }

    /// Takes one message; nil if there is none.
    private func receiveOne(_ now: Int64) -> [ProducerAction]? {
        guard let link else { return nil }
        do throws(ZMQError) {
            guard let message = try link.socket.receive() else { return nil }
            if message.hasMore {
                try link.socket.discardRest()
                return session.receivedNonsense("a message of several frames", now: now)
            }
            let decoded = message.withBytes { bytes -> Result<DeliverMessage, DeliverMessageError> in
                do throws(DeliverMessageError) {
                    return .success(try DeliverMessage(decoding: bytes))
                } catch {
                    return .failure(error)
                }
            }
            switch decoded {
            case .success(let message): return session.received(message, now: now)
            case .failure(let error): return session.receivedNonsense("\(error)", now: now)
            }
        } catch {
            return session.disconnected(now: now)
        }
    }

    // MARK: Out

    func send(_ lanes: [Lane], now: Int64) -> SendOutcome {
        var outcome = SendOutcome()
        for lane in lanes { outcome.add(send(lane, now), of: lane) }
        return outcome
    }

    /// Sends from one lane; not without end, so that the others and what comes in have their turn.
    private func send(_ lane: Lane, _ now: Int64) -> LaneOutcome {
        var bytes = 0
        while bytes < 8 << 20 {
            guard let run = lane.peek(maximumBytes: configuration.batchBytes, now: now) else {
                return bytes > 0 ? .sent : .drained
            }
            if shipments[run.stream] == nil { begin(run, lane, now) }
            // Read again after a rewind, and on its way already.
            if run.last <= session.sent(of: run.stream) {
                lane.taken()
                continue
            }
            if run.bytes.count > DeliverMessage.maximumBytes {
                guard giveUp(run, lane, now) else { return .blocked }
                continue
            }
            guard session.allowance(for: run.stream, now: now) != nil, send(run, lane, now) else {
                return .blocked
            }
            bytes += run.bytes.count
        }
        return .more
    }

    private func begin(_ run: ShippableRun, _ lane: Lane, _ now: Int64) {
        // The first run of a stream whose numbers have gaps may begin anywhere, and nothing is before it.
        let isNew = run.isSparse && !run.isResumed
        let first = isNew ? 1 : min(lane.firstUnacknowledged(of: run.stream) ?? run.first, run.first)
        shipments[run.stream] = (
            lane,
            Shipment(
                first: first, isResumed: run.isResumed, isSparse: run.isSparse,
                endsWithShipper: run.endsWithShipper)
        )
        if run.isResumed { leftovers += 1 }
        let marks = journal.marks()
        perform(
            session.offer(
                run.stream, first: first, durable: run.isDurable, resumed: run.isResumed,
                written: lane.index < marks.count ? marks[lane.index] : 0, sparse: run.isSparse, now: now),
            now)
    }

    private func send(_ run: ShippableRun, _ lane: Lane, _ now: Int64) -> Bool {
        guard let link else { return false }
        let batch = session.batch(run.stream, first: run.first, last: run.last, count: run.count)
        do throws(ZMQError) {
            guard try link.socket.send(DeliverMessage.batch(batch).encoded(), more: true) else {
                link.wantsWritable = true
                return false
            }
            // Below this size a copy costs less than the bookkeeping, and pins no segment.
            let owner = run.owner
            let isTaken =
                run.bytes.count < 4096
                ? try link.socket.send(run.bytes)
                : try link.socket.send(zeroCopy: run.bytes) { withExtendedLifetime(owner) {} }
            guard isTaken else {
                // The connection broke between the two frames; the monitor will say so.
                return false
            }
        } catch {
            perform(session.disconnected(now: now), now)
            return false
        }
        link.wantsWritable = false
        session.sent(batch, bytes: run.bytes.count, now: now)
        statistics.batchesSent += 1
        statistics.bytesSent += UInt64(run.bytes.count)
        shipments[run.stream]?.shipment.sent(run)
        lane.taken()
        return true
    }

    /// Passes over a record that no message can hold, once everything before it is acknowledged.
    private func giveUp(_ run: ShippableRun, _ lane: Lane, _ now: Int64) -> Bool {
        guard session.isSettled(run.stream) else { return false }
        statistics.dropped["too_large", default: 0] += UInt64(run.count)
        journal.count(.tooLarge, UInt64(run.count))
        warn(
            "a record of \(run.bytes.count) bytes is larger than a collector takes; it is dropped and counted"
        )
        lane.taken()
        lane.acknowledge(through: run.last, of: run.stream, now: now)
        return true
    }

    // MARK: The session's wishes

    private func perform(_ actions: [ProducerAction], _ now: Int64, saysRefusals: Bool = true) {
        for action in actions {
            switch action {
            case .openSocket:
                do throws(ZMQError) {
                    link = try Link(
                        .dealer, to: endpoint, in: context, configuration: configuration, reconnects: false)
                } catch {
                    warn("\(error)")
                    perform(session.disconnected(now: now), now)
                }
            case .closeSocket:
                link = nil
            case .send(let message):
                guard let link else { continue }
                // What is not taken is missed: silence will end the connection.
                _ = try? link.socket.send(message.encoded())
            case .acknowledged(let stream, let number):
                acknowledged(stream, number, now)
            case .resend(let stream, _):
                shipments[stream]?.lane.rewind()
            case .invalid(let stream, let number, let count):
                invalid(stream, number, count)
            case .ended(let stream):
                if shipments.removeValue(forKey: stream)?.shipment.isResumed == true { leftovers -= 1 }
            case .warn(let warning):
                say(warning, saysRefusals: saysRefusals)
            }
        }
    }

    private func acknowledged(_ stream: StreamIdentity, _ number: UInt64, _ now: Int64) {
        statistics.lastAcknowledgement = now
        guard let (lane, shipment) = shipments[stream] else { return }
        lane.acknowledge(through: number, of: stream, now: now)
        let records = UInt64(shipments[stream]?.shipment.acknowledged(number) ?? 0)
        statistics.acknowledged += records
        if shipment.isResumed { statistics.acknowledgedOfEarlier += records }
        journal.count(.acknowledged, records)
    }

    private func invalid(_ stream: StreamIdentity, _ number: UInt64, _ count: Int) {
        guard let news = shipments[stream]?.shipment.refused(number, count: count), news > 0 else { return }
        statistics.dropped["invalid", default: 0] += UInt64(news)
        statistics.refusals[RefuseReason.invalid.rawValue, default: 0] += UInt64(news)
        journal.count(.invalid, UInt64(news))
        warn("\(endpoint) put a record aside as invalid; it is counted")
    }

    private func say(_ warning: ProducerWarning, saysRefusals: Bool) {
        switch warning {
        case .noConnection:
            warn("no connection to \(endpoint) within 5 seconds; records are kept in the journal")
        case .silent:
            warn("\(endpoint) does not answer; the connection is made anew, records are kept in the journal")
        case .refused(let reason, let message):
            guard saysRefusals else { return }
            statistics.refusals[reason.rawValue, default: 0] += 1
            let words = message.isEmpty ? "" : ": \(message)"
            warn("\(endpoint) refuses this sender (\(reason)\(words)); it is tried again with growing pauses")
        case .forgotten(let stream):
            warn("\(endpoint) does not know stream \(stream) any more; what it had of it may be stored twice")
        }
    }

    // MARK: The end

    /// Says farewell to streams of earlier openings that are acknowledged to their end.
    private func endLeftovers(_ now: Int64) {
        for (stream, (lane, shipment)) in shipments
        where shipment.isResumed && session.isSettled(stream) && lane.isComplete(stream) {
            perform(session.finish(stream, now: now), now)
        }
    }

    func finish(now: Int64) -> Bool {
        let ending = shipments.filter { $0.value.shipment.endsWithShipper }.keys
        for stream in ending where session.isSettled(stream) {
            perform(session.finish(stream, now: now), now)
        }
        return ending.isEmpty || !session.isConnected
    }

    func close(linger: Duration) {
        perform(session.stop(), 0)
    }

    func watch(_ poller: inout ZMQPoller) {
        link?.watch(&poller, forReading: true)
    }

    func report(_ statistics: inout ShipperStatistics) {
        statistics.collector = session.collector
        statistics.inFlightBytes = session.inFlightBytes
        statistics.reconnects += session.reconnects
        statistics.add(self.statistics)
    }
}
