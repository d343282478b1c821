public import SkeinWire

/// What a ``SpoolAdopter`` has done so far.
public struct SpoolStatus: Sendable, Hashable {
    /// The spool.
    public var folder: String
    /// Journals of dead processes that are being delivered now.
    public var adopting = 0
    /// Journals of dead processes that wait for their turn, or to be tried again.
    public var waiting = 0
    /// Journals that were delivered and removed.
    public var finished: UInt64 = 0
    /// Damaged journals of which everything that could be read was delivered; they lie beside the others as `damaged-…`.
    public var setAside: UInt64 = 0
    /// Journals that are kept as they are, since a person has to look at them: those without an endpoint, for one.
    public var kept = 0
    /// Records that were acknowledged.
    public var delivered: UInt64 = 0
    /// Contexts that were open when their process died, and became events.
    public var abandoned: UInt64 = 0
    /// Open contexts that made no sense, and were given up.
    public var unreadable: UInt64 = 0
    /// Journals in which something could not be read.
    public var damaged: UInt64 = 0
    /// Records that could not be read, at least.
    public var damagedRecords: UInt64 = 0
    /// What the dead processes counted, each journal once.
    public var earlier = ProcessLedger()
    /// What keeps a journal from being delivered; nil when nothing does.
    public var problem: String?

    /// Nothing done yet.
    public init(folder: String) {
        self.folder = folder
    }
}
