import SkeinBSON
import SkeinJournal
import SkeinPlatform
import SkeinShipping
import SkeinWire
import SkeinZeroMQ
import Synchronization

/// Sends events on to another collector, acknowledged where that one has a deliver port. Its shipper has a thread of its own.
final class ForwardOutlet: RunningOutlet {
    let name: String
    private let endpoint: Endpoint
    private let journal: ForwardJournal
    private let collectorID: String
    private let curve: (keys: CurveKeyPair, server: CurveKey)?
    private let warner: Warner
    private let shipper: Mutex<Shipper>
    /// Set when it was told to end; no new shipper is made from then on.
    private let isStopped = Mutex(false)

    /// Starts sending.
    /// - Parameters:
    ///   - upstream: ids of the collectors that deliver to this one, so that a loop is found.
    init(
        name: String, settings: OutletConfiguration.Forward, source: OutletSource, journal: BatchJournal,
        file: OutletCheckpointFile, curve: (keys: CurveKeyPair, server: CurveKey)?, routing: Routing,
        upstream: [String], warner: Warner,
        onProgress: @escaping @Sendable () -> Void
    ) throws {
        self.name = name
        self.warner = warner
        self.curve = curve
        collectorID = journal.id.description
        endpoint = try Endpoint(settings.endpoint)
        let resumed = file.load()?.checkpoint
        let isKnown = resumed?.journal == collectorID
        let known = isKnown ? resumed?.details["id"]?.intValue.map { UInt64(bitPattern: $0) } : nil
        let id = known ?? KernelRandom.word()
        if isKnown, let resumed {
            // What is remembered of an acknowledgement goes over a cursor that did not hear of it.
            let place = JournalPosition(sequence: resumed.sequence, offset: resumed.offset)
            if place <= journal.durablePosition { try source.resume(at: place) }
        }
        let writer = UnsafeTransfer(file)
        let journalID = collectorID
        let keep: @Sendable (JournalPosition, OutletCounters) -> Void = { position, counters in
            let checkpoint = OutletCheckpoint(
                journal: journalID, sequence: position.sequence, offset: position.offset, counters: counters,
                details: ["id": .int64(Int64(bitPattern: id))])
            if let error = writer.value.overwrite(checkpoint) {
                warner.warn("outlet \(name)", "\(name): cannot write \(writer.value.path): \(error)")
            }
            onProgress()
        }
        let counters = resumed?.counters ?? OutletCounters()
        // Before anything is sent under the id, it must be known after a restart.
        if known == nil {
            try file.replace(
                OutletCheckpoint(
                    journal: journalID, sequence: source.position.sequence, offset: source.position.offset,
                    counters: counters, details: ["id": .int64(Int64(bitPattern: id))]), notes: [])
        }
        let shippable = ForwardJournal(
            journal: journal, source: source, outletID: id, isResumed: known != nil, routing: routing,
            counters: counters, keep: keep)
        self.journal = shippable
        shipper = Mutex(try Self.makeShipper(shippable, endpoint, curve, name, collectorID, upstream, warner))
    }

    private static func makeShipper(
        _ journal: ForwardJournal, _ endpoint: Endpoint, _ curve: (keys: CurveKeyPair, server: CurveKey)?,
        _ name: String, _ collectorID: String, _ upstream: [String],
        _ warner: Warner
    ) throws(ShippingError) -> Shipper {
        var configuration = Shipper.Configuration(
            endpoint: endpoint, service: "skeind", host: HostName.current, pid: getpid())
        configuration.curve = curve
        configuration.path = [collectorID] + upstream.prefix(63)
        return try Shipper(shipping: journal, configuration: configuration) { text in
            warner.warn("outlet \(name)", "\(name): \(text)")
        }
    }

    /// A shipper says at its greeting who is behind it, so another one takes its place.
    func follow(upstream: [String]) {
        let thread = try? SystemThread(name: "skein-forward") { [self] in
            isStopped.withLock { isStopped in
                guard !isStopped else { return }
                shipper.withLock { $0 }.shutdown(timeout: .zero)
                do {
                    let next = try Self.makeShipper(
                        journal, endpoint, curve, name, collectorID, upstream, warner)
                    shipper.withLock { $0 = next }
                } catch {
                    warner.warn("outlet \(name)", "\(name): \(error)")
                }
            }
        }
        thread?.detach()
    }

    func route(_ routing: Routing) {
        journal.source.route(routing)
        journal.shared.withLock { $0.routing = routing }
    }

    func retire(at position: JournalPosition) {
        journal.source.retire(at: position)
        journal.shared.withLock { $0.retireAt = position }
    }

    var ruleCounts: [RuleCount]? { journal.shared.withLock { $0.routing }.counts }

    func wake() {
        journal.wake()
    }

    func lag(behind position: JournalPosition) -> String? {
        if journal.shared.withLock({ $0.position }) >= position { return nil }
        wake()
        let statistics = shipper.withLock { $0 }.statistics
        return statistics.isConnected ? "is behind" : "\(endpoint) does not answer"
    }

    func rotate() -> UInt64 { 0 }
    func hasRotated(_ number: UInt64) -> Bool { true }
    var oldestArrival: Int64? { journal.shared.withLock { $0.oldestArrival } }

    func stop(by deadline: Int64) {
        isStopped.withLock { $0 = true }
        // It blocks until the deadline at the latest, so the outlets' ends go on side by side.
        let shipper = shipper.withLock { $0 }
        let thread = try? SystemThread(name: "skein-stop") {
            let time = max(0, deadline - SystemClock.monotonicNanoseconds())
            // Nobody waits long for another end that is away: the journal keeps what is left.
            let limit: Int64 = shipper.statistics.isConnected ? .max : 1_000_000_000
            shipper.shutdown(timeout: .nanoseconds(min(time, limit)))
        }
        thread?.detach()
    }

    func waitForEnd(until deadline: Int64) -> Bool {
        let shipper = shipper.withLock { $0 }
        while !shipper.hasEnded {
            if SystemClock.monotonicNanoseconds() >= deadline { return false }
            usleep(2_000)
        }
        journal.source.close()
        return true
    }

    var status: BSONDocument {
        let shared = journal.shared.withLock { $0 }
        let statistics = shipper.withLock { $0 }.statistics
        var counters = shared.counters
        counters.read += shared.inFlight
        var document: BSONDocument = ["kind": "forward"]
        for (key, value) in counters.document { document.append(key, value) }
        document.append("in_flight", .int64(Int64(bitPattern: counters.inFlight)))
        // A shipper that has no connection reads nothing, and so says nothing of what waits.
        let bytes = statistics.isConnected ? shared.backlogBytes : journal.source.backlogBytes
        let oldest = statistics.isConnected ? shared.oldestArrival : journal.source.oldestArrival
        document.append("backlog_bytes", .int64(Int64(bytes)))
        document.append("oldest", oldest.map { .double(Double($0) * 1e-9) } ?? .null)
        document.append("problem", statistics.isConnected ? .null : .string("\(endpoint) does not answer"))
        document.append("backlog", journal.source.status)
        document.append("condition_overruns", journal.source.conditionOverruns)
        document.append("endpoint", .string("\(endpoint)"))
        document.append("transport", .string(statistics.transport.rawValue))
        document.append("collector", statistics.collector.map { .string($0) } ?? .null)
        document.append("reconnects", .int64(Int64(statistics.reconnects)))
        return document
    }
}
