internal import SkeinWire
internal import Synchronization

/// What a pipeline has done so far. The ledger: `created = acknowledged + dropped + held + inFlight`.
public struct EventStatistics: Sendable, Hashable, CustomStringConvertible {
    /// Events created: contexts that closed and were sampled.
    public var created: UInt64
    /// Events that are safe at the other end (or wherever the recorder brings them).
    public var acknowledged: UInt64
    /// Events waiting in the journal, or on their way.
    public var inFlight: UInt64
    /// Events held back with their tree (``Keep``): those that wait for its end, and those of trees that ended well, which went
    /// nowhere.
    public var held: UInt64
    /// Of these, those that wait.
    public var heldNow: UInt64
    /// Events lost, by reason.
    public var dropped: [String: UInt64]
    /// Values that were cut to the limit.
    public var trimmed: UInt64
    /// Fields that were dropped: bad keys, paths through values, too many, no room.
    public var fieldsDropped: UInt64
    /// Writes to contexts that had ended.
    public var writesAfterClose: UInt64
    /// Contexts that were finished more than once.
    public var finishedTwice: UInt64
    /// Contexts that were released without having been finished.
    public var unfinished: UInt64
    /// Contexts that went on in the heap.
    public var unslotted: UInt64
    /// Contexts that were not sampled.
    public var unsampled: UInt64
    /// Incoming trace headers that were malformed.
    public var malformedHeaders: UInt64
    /// Requests of other services to let go what is held (``EventPipeline/Configuration/releaseAcrossServices``) that made no
    /// sense.
    public var badReleases: UInt64
    /// Samplings by an ancestor that was not open.
    public var unknownAncestors: UInt64
    /// Types that had to be cleaned, or were too many.
    public var invalidTypes: UInt64
    /// Heap bytes of open contexts.
    public var openContextBytes: Int
    /// Bytes that the journal holds.
    public var journalBytes: Int
    /// Whether the other end answers.
    public var isConnected: Bool
    /// What processes before this one had left in the spool. Not among the counts above.
    public var earlier: EarlierStatistics

    init(core: PipelineCore, recorder: any EventRecorder) {
        let recorded = recorder.statistics
        var dropped = recorded.dropped
        for (name, counter) in [
            ("journal_full", PipelineCounter.journalFull), ("too_large", .tooLarge), ("shut_down", .shutDown),
            ("held_full", .heldFull),
        ] {
            let count = core.counted(counter)
            if count > 0 { dropped[name, default: 0] += count }
        }
        self.dropped = dropped
        acknowledged = recorded.delivered
        inFlight = recorded.inFlight
        heldNow = UInt64(max(0, core.held.heldNow.load(ordering: .relaxed)))
        held = core.counted(.held) + heldNow
        created =
            recorded.recorded + core.counted(.journalFull) + core.counted(.tooLarge) + core.counted(.shutDown)
            + core.counted(.heldFull) + held
        trimmed = core.counted(.trimmed)
        fieldsDropped = core.counted(.fieldsDropped)
        writesAfterClose = core.counted(.writesAfterClose)
        finishedTwice = core.counted(.finishedTwice)
        unfinished = core.counted(.unfinished)
        unslotted = core.counted(.unslotted)
        unsampled = core.counted(.unsampled)
        malformedHeaders = core.counted(.malformedHeaders)
        badReleases = core.counted(.badReleases)
        unknownAncestors = core.counted(.unknownAncestors)
        invalidTypes = core.counted(.invalidTypes)
        openContextBytes = core.openContextBytes
        journalBytes = recorded.bytes
        isConnected = recorded.isConnected
        earlier = recorded.earlier
    }

    /// One line for a log.
    public var description: String {
        let lost = dropped.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        return
            "created=\(created) acknowledged=\(acknowledged) held=\(held) in_flight=\(inFlight) dropped=[\(lost)] "
            + "unsampled=\(unsampled) trimmed=\(trimmed) fields_dropped=\(fieldsDropped)"
    }
}
