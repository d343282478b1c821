internal import SkeinJournal
internal import SkeinPlatform
internal import SkeinShipping
internal import SkeinWire
internal import Synchronization

/// Keeps events in a journal and ships them to an endpoint: acknowledged (`deliver://`), as a Ziggy daemon takes them
/// (`push://`), or into a file (`file://`).
///
/// The usual recorder; ``EventPipeline/Configuration/init(endpoint:service:spool:)`` makes one. Made by hand, it can be one
/// of several:
///
/// ```swift
/// let recorder = try ShippingRecorder(.init(endpoint: "push://127.0.0.1:3514"))
/// let pipeline = try EventPipeline(.init(recorder: recorder))
/// ```
/// With a spool, what has closed survives the death of the process at any instant, and is shipped by the next one that opens
/// the spool: whatever dead processes left in its folder, and for each context that was open then an event with
/// `error: {type: "abandoned"}`. One thread of its own, with a spool a second one for as long as others' journals are
/// delivered; closing a context never waits for them.
public final class ShippingRecorder: EventRecorder {
    let journal: MappedJournal
    private let recovery: JournalRecovery
    /// What its pipelines hold back.
    let held: HeldRelay
    private let shipper: Shipper
    private let adopter: SpoolAdopter?
    private let configuration: EventPipeline.Configuration
    /// This is the child of a fork: journal, shipper and adopter are the parent's.
    private let isForgotten = Atomic<Bool>(false)

    /// Opens the journal and starts the shipper. Only what concerns journal and endpoint is used of the configuration.
    /// - Throws: ``EventConfigurationError`` for a bad endpoint, or a spool that cannot be used.
    public convenience init(_ configuration: EventPipeline.Configuration) throws(EventConfigurationError) {
        try configuration.check()
        try self.init(checked: configuration)
    }

    init(checked configuration: EventPipeline.Configuration) throws(EventConfigurationError) {
        self.configuration = configuration
        let endpoint: Endpoint
        do {
            endpoint = try Endpoint(configuration.endpoint)
        } catch {
            throw EventConfigurationError(
                code: .invalidValue, message: "endpoint is \"\(configuration.endpoint)\": \(error)")
        }
        var releases: ReleaseSource?
        do throws(ShippingError) {
            if configuration.releaseAcrossServices {
                if let text = configuration.releaseEndpoint {
                    releases = try ReleaseSource(text)
                } else {
                    releases = ReleaseSource(beside: endpoint)
                }
            }
        } catch {
            throw EventConfigurationError(
                code: .invalidValue,
                message: "releaseEndpoint is \"\(configuration.releaseEndpoint ?? "")\": \(error)")
        }
        let host = configuration.host ?? HostName.current
        do {
            var settings = MappedJournal.Configuration(
                folder: configuration.spool, shards: configuration.shards,
                segmentBytes: configuration.segmentBytes, budgetBytes: configuration.journalBytes,
                slots: configuration.openContextSlots, endpoint: configuration.endpoint)
            settings.host = host
            settings.service = configuration.service ?? ""
            journal = try MappedJournal(settings)
        } catch {
            throw EventConfigurationError(
                code: .spool,
                message: configuration.spool.map { "spool \"\($0)\" cannot be used: \(error)" }
                    ?? "the journal in memory cannot be made: \(error)")
        }
        if journal.recovered.damagedRecords > 0 {
            configuration.onWarning(
                "the journal \(journal.folder ?? "") is damaged: \(journal.recovered.damagedRecords) records of an earlier "
                    + "process cannot be read; the others are shipped")
        }
        recovery = JournalRecovery(journal, host: host)
        held = HeldRelay()
        do {
            var shipping = Shipper.Configuration(
                endpoint: endpoint, service: configuration.service ?? "", host: host, pid: getpid())
            shipping.releases = releases
            shipper = try Shipper(
                journal: journal, recovery: recovery, tellsLosses: true, held: held,
                configuration: shipping,
                onWarning: configuration.onWarning)
        } catch {
            throw EventConfigurationError(code: .resources, message: "the shipper could not start: \(error)")
        }
        adopter = Self.adopter(configuration, journal, to: endpoint, host: host)
        ForkGuard.recorders.add(Unmanaged.passUnretained(self).toOpaque())
    }

    /// In the child of a fork, in the atfork handler: lets go of what is the parent's. Takes no lock and allocates nothing.
    func forgetAfterFork() {
        isForgotten.store(true, ordering: .relaxed)
        journal.abandonAfterFork()
        shipper.forgetAfterFork()
        adopter?.forgetAfterFork()
    }

    /// In the child of a fork: one to the same endpoint, on anonymous memory.
    func successorAfterFork() -> ShippingRecorder? {
        var configuration = configuration
        configuration.spool = nil
        do {
            return try ShippingRecorder(checked: configuration)
        } catch {
            configuration.onWarning("the child of a fork records nothing: \(error)")
            return nil
        }
    }

    /// Delivers what other dead processes left in the spool, one journal after the other, and is gone when that is done.
    private static func adopter(
        _ configuration: EventPipeline.Configuration, _ journal: MappedJournal, to endpoint: Endpoint,
        host: String
    ) -> SpoolAdopter? {
        guard let spool = configuration.spool, journal.folder != nil else { return nil }
        var settings = SpoolAdopter.Configuration(folder: spool)
        settings.fallback = endpoint
        settings.maximumAtOnce = 1
        settings.interval = nil
        settings.host = host
        do {
            return try SpoolAdopter(settings, onWarning: configuration.onWarning)
        } catch {
            configuration.onWarning("\(error); what others left in the spool waits for the next start")
            return nil
        }
    }

    deinit {
        ForkGuard.recorders.remove(Unmanaged.passUnretained(self).toOpaque())
        end(timeout: .zero)
    }

    /// Ends everything within the time: at once, so that neither waits for the other. The journal is closed in order, and the
    /// next process does not take this one for dead.
    private func end(timeout: Duration) {
        guard !isForgotten.load(ordering: .relaxed) else { return }
        let adopter = adopter
        let isStopping = try? SystemThread(name: "skein-adopter-end") { adopter?.stop(timeout: timeout) }
        shipper.shutdown(timeout: timeout)
        if let isStopping { isStopping.join() } else { adopter?.stop(timeout: .zero) }
        if shipper.hasEnded { journal.close(clean: true) }
    }

    @inline(__always)
    func notify() { shipper.notify() }

    /// Appends an event that somebody else encoded.
    public func record(_ event: UnsafeRawBufferPointer) {
        guard let base = event.baseAddress, !journal.shards.isEmpty else { return }
        let shard = journal.shards[ThreadState.current.pointee.ordinal % journal.shards.count]
        let number = shard.append(
            kind: .event, flags: 0, arrival: SystemClock.wallNanoseconds(), capacity: event.count, slot: nil
        ) { target in
            target.copyMemory(from: base, byteCount: event.count)
            return event.count
        }
        if number == 0 {
            let counter: PipelineCounter = event.count > shard.maximumPayload ? .tooLarge : .journalFull
            journal.counter(counter.index).pointee.add(1, ordering: .relaxed)
        } else {
            shipper.notify()
        }
    }

    /// As ``flush(timeout:)``, blocking the calling thread.
    func flushBlocking(timeout: Duration) -> Bool {
        shipper.flush(timeout: timeout)
    }

    public func flush(timeout: Duration) async -> Bool {
        await onThread { $0.shipper.flush(timeout: timeout) }
    }

    public func shutdown(timeout: Duration) async {
        _ = await onThread {
            $0.end(timeout: timeout)
            return true
        }
    }

    /// Waiting for the shipper blocks, so it is done on a thread of its own, off the cooperative pool.
    private func onThread(_ body: @escaping @Sendable (ShippingRecorder) -> Bool) async -> Bool {
        await withCheckedContinuation { continuation in
            do {
                try SystemThread(name: "skein-flush") { continuation.resume(returning: body(self)) }
                    .detach()
            } catch {
                continuation.resume(returning: false)
            }
        }
    }

    /// Everything told apart by the journal's counters and the shipper's.
    public var statistics: RecorderStatistics {
        guard !isForgotten.load(ordering: .relaxed) else { return RecorderStatistics() }
        let shipped = shipper.statistics
        var statistics = RecorderStatistics()
        statistics.recorded = journal.shards.reduce(0) { $0 + $1.lastNumber }
        // What an earlier opening of the spool had left is not among what this one recorded.
        statistics.delivered = shipped.acknowledged - min(shipped.acknowledged, shipped.acknowledgedOfEarlier)
        for (reason, count) in shipped.dropped where count > 0 { statistics.dropped[reason] = count }
        let gone = statistics.delivered + statistics.dropped.values.reduce(0, +)
        statistics.inFlight = statistics.recorded > gone ? statistics.recorded - gone : 0
        statistics.bytes = journal.usage.bytes
        statistics.isConnected = shipped.isConnected
        statistics.earlier = earlier(shipped)
        return statistics
    }

    private func earlier(_ shipped: ShipperStatistics) -> EarlierStatistics {
        var ledger = recovery.earlier
        var earlier = EarlierStatistics()
        earlier.delivered = shipped.acknowledgedOfEarlier
        earlier.abandoned = UInt64(recovery.abandoned)
        if let adopted = adopter?.status {
            ledger.add(adopted.earlier)
            earlier.delivered += adopted.delivered
            earlier.abandoned += adopted.abandoned
        }
        earlier.created = ledger.created
        earlier.dropped = ledger.dropped
        return earlier
    }
}
