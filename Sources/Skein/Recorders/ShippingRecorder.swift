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
/// the spool. One thread of its own; closing a context never waits for it.
public final class ShippingRecorder: EventRecorder {
    let journal: MappedJournal
    private let shipper: Shipper

    /// Opens the journal and starts the shipper. Only what concerns journal and endpoint is used of the configuration.
    /// - Throws: ``EventConfigurationError`` for a bad endpoint, or a spool that cannot be used.
    public convenience init(_ configuration: EventPipeline.Configuration) throws(EventConfigurationError) {
        try configuration.check()
        try self.init(checked: configuration)
    }

    init(checked configuration: EventPipeline.Configuration) throws(EventConfigurationError) {
        let endpoint: Endpoint
        do {
            endpoint = try Endpoint(configuration.endpoint)
        } catch {
            throw EventConfigurationError(
                code: .invalidValue, message: "endpoint is \"\(configuration.endpoint)\": \(error)")
        }
        do {
            journal = try MappedJournal(
                MappedJournal.Configuration(
                    folder: configuration.spool, shards: configuration.shards,
                    segmentBytes: configuration.segmentBytes, budgetBytes: configuration.journalBytes,
                    slots: configuration.openContextSlots, endpoint: configuration.endpoint))
        } catch {
            throw EventConfigurationError(
                code: .spool,
                message: configuration.spool.map { "spool \"\($0)\" cannot be used: \(error)" }
                    ?? "the journal in memory cannot be made: \(error)")
        }
        do {
            shipper = try Shipper(
                journal: journal,
                configuration: Shipper.Configuration(
                    endpoint: endpoint, service: configuration.service ?? "",
                    host: configuration.host ?? HostName.current, pid: getpid()),
                onWarning: configuration.onWarning)
        } catch {
            throw EventConfigurationError(code: .resources, message: "the shipper could not start: \(error)")
        }
    }

    deinit {
        shipper.shutdown(timeout: .zero)
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

    public func flush(timeout: Duration) async -> Bool {
        await onThread { $0.flush(timeout: timeout) }
    }

    public func shutdown(timeout: Duration) async {
        _ = await onThread {
            $0.shutdown(timeout: timeout)
            return true
        }
    }

    /// Waiting for the shipper blocks, so it is done on a thread of its own, off the cooperative pool.
    private func onThread(_ body: @escaping @Sendable (Shipper) -> Bool) async -> Bool {
        let shipper = shipper
        return await withCheckedContinuation { continuation in
            do {
                try SystemThread(name: "skein-flush") { continuation.resume(returning: body(shipper)) }
                    .detach()
            } catch {
                continuation.resume(returning: false)
            }
        }
    }

    /// Everything told apart by the journal's counters and the shipper's.
    public var statistics: RecorderStatistics {
        let shipped = shipper.statistics
        var statistics = RecorderStatistics()
        statistics.recorded = journal.shards.reduce(0) { $0 + $1.lastNumber }
        // What an earlier opening of the spool had left is not among what this one recorded.
        statistics.delivered = shipped.acknowledged - min(shipped.acknowledged, shipped.acknowledgedOfEarlier)
        for (reason, count) in shipped.dropped where count > 0 { statistics.dropped[reason] = count }
        let gone = statistics.delivered + statistics.dropped.values.reduce(0, +)
        statistics.held = statistics.recorded > gone ? statistics.recorded - gone : 0
        statistics.bytes = journal.usage.bytes
        statistics.isConnected = shipped.isConnected
        return statistics
    }
}
