import SkeinJournal
import SkeinPlatform
import SkeinZeroMQ

/// Fire and forget: one BSON document a message, to a PULL socket, as a Ziggy daemon takes them.
///
/// The cursor moves when libzmq takes a message, which it does only for a connection that stands (ZMQ_IMMEDIATE), at most
/// 1,000 ahead of the peer. What is on its way when the connection breaks is lost.
final class PushTransport: Transport {
    let kind = Endpoint.Transport.push
    private let endpoint: Endpoint
    private let configuration: Shipper.Configuration
    private let journal: any ShippableJournal
    private let warn: (String) -> Void
    private let sayCollect: (String) -> Void
    private var link: Link?
    private var statistics = ShipperStatistics()
    private(set) var isConnected = false
    private(set) var finding: Finding?
    /// For a plain endpoint: no connection by then means that this is no collect port either.
    private var findingDeadline: Int64?

    init(
        _ endpoint: Endpoint, _ configuration: Shipper.Configuration, _ context: ZMQContext,
        _ journal: any ShippableJournal, now: Int64, warn: @escaping (String) -> Void,
        sayCollect: @escaping (String) -> Void
    ) {
        self.endpoint = endpoint
        self.configuration = configuration
        self.journal = journal
        self.warn = warn
        self.sayCollect = sayCollect
        let isFinding = endpoint.transport == .find
        findingDeadline = isFinding ? now + 5_000_000_000 : nil
        do throws(ZMQError) {
            link = try Link(
                .push, to: endpoint, in: context, configuration: configuration, reconnects: !isFinding)
        } catch {
            warn("\(error)")
            finding = .broken
        }
    }

    var nextDeadline: Int64? { findingDeadline }

    func receive(now: Int64) {
        while let outcome = link?.nextOutcome() {
            switch outcome {
            case .ready:
                isConnected = true
                if findingDeadline != nil {
                    findingDeadline = nil
                    sayCollect(
                        "\(endpoint) is a collect port: records are sent without acknowledgement, and what is on its way when the "
                            + "connection breaks is lost. If that collector has a deliver port, name it: "
                            + "\(endpoint.with("deliver", port: 3515)); if this is meant, write \(endpoint.with("push"))"
                    )
                }
            case .wrongKind:
                isConnected = false
                finding = .otherKind
                warn(
                    endpoint.transport == .find
                        ? "\(endpoint) is neither a deliver port nor a collect port; records are kept in the journal"
                        : "\(endpoint) is not a collect port: a ZeroMQ socket of another kind answers there, so nothing is "
                            + "sent. For a deliver port write \(endpoint.with("deliver")) or \(endpoint.address)"
                )
            case .refused(let reason):
                isConnected = false
                finding = .gone
                warn("\(endpoint) refuses this sender: \(reason)")
            case .unreachable:
                warn("nobody listens at \(endpoint); records are kept in the journal until somebody does")
                if findingDeadline != nil { finding = .gone }
            case .handshakeFailed:
                isConnected = false
                finding = .gone
                warn(DeliverTransport.noSocket(endpoint))
            case .disconnected:
                isConnected = false
                finding = .gone
            }
        }
        if let deadline = findingDeadline, now >= deadline { finding = .gone }
    }

    func send(_ lanes: [Lane], now: Int64) -> SendOutcome {
        // A plain endpoint is a collect port only once its handshake said so.
        guard findingDeadline == nil, let link else { return .blocked(lanes) }
        link.wantsWritable = false
        var outcome = SendOutcome()
        for lane in lanes {
            // All lanes go through one queue.
            outcome.add(link.wantsWritable ? .blocked : send(lane, link, now), of: lane)
        }
        return outcome
    }

    private func send(_ lane: Lane, _ link: Link, _ now: Int64) -> LaneOutcome {
        var bytes = 0
        while bytes < 1 << 20 {
            guard let run = lane.peek(maximumBytes: configuration.batchBytes, now: now) else {
                return bytes > 0 ? .sent : .drained
            }
            let end = send(run, from: lane.offset, link)
            let last = end.offset == run.bytes.count ? run.last : end.last
            if end.offset > lane.offset { lane.acknowledge(through: last, of: run.stream, now: now) }
            bytes += end.offset - lane.offset
            lane.offset = end.offset
            statistics.acknowledged += UInt64(end.count)
            if run.isResumed { statistics.acknowledgedOfEarlier += UInt64(end.count) }
            if end.count > 0 {
                // An old peer has no handshake to tell of: that it takes messages tells as much.
                isConnected = true
                journal.count(.acknowledged, UInt64(end.count))
                statistics.lastAcknowledgement = now
            }
            guard end.offset == run.bytes.count else {
                link.wantsWritable = true
                return .blocked
            }
            lane.taken()
        }
        return .more
    }

    /// Sends a run's events one by one.
    /// - Returns: where the first one begins that was not taken, the number of the last one that was, and how many were.
    private func send(
        _ run: ShippableRun, from start: Int, _ link: Link
    ) -> (offset: Int, last: UInt64, count: Int) {
        var records = RecordCursor(UnsafeRawBufferPointer(rebasing: run.bytes[start...]))
        var offset = start
        var last = run.first - min(run.first, 1)
        var count = 0
        while let record = records.next() {
            if record.kind == .event {
                guard send(record.payload, run, link) else { break }
                count += 1
                statistics.batchesSent += 1
                statistics.bytesSent += UInt64(record.payload.count)
            }
            offset = start + records.offset
            last = record.number
        }
        return (offset, last, count)
    }

    private func send(_ document: UnsafeRawBufferPointer, _ run: ShippableRun, _ link: Link) -> Bool {
        do throws(ZMQError) {
            // A copy is cheaper than the bookkeeping for small ones; large ones are not held twice.
            if document.count < 16 << 10 { return try link.socket.send(document) }
            let owner = run.owner
            return try link.socket.send(zeroCopy: document) { withExtendedLifetime(owner) {} }
        } catch {
            return false
        }
    }

    func finish(now: Int64) -> Bool { true }

    func close(linger: Duration) {
        if let link { try? link.socket.set(.linger(linger)) }
        link = nil
        isConnected = false
    }

    func watch(_ poller: inout ZMQPoller) {
        link?.watch(&poller, forReading: false)
    }

    func report(_ statistics: inout ShipperStatistics) {
        statistics.add(self.statistics)
    }
}
