/// Where the store is in the journal that it is fed from.
public struct StoreSource: Sendable, Hashable {
    /// The journal's id.
    public var journal: String
    /// Everything before this segment and offset is stored.
    public var sequence: UInt64
    /// Bytes into the segment.
    public var offset: UInt64

    /// A place in a journal.
    public init(journal: String, sequence: UInt64, offset: UInt64) {
        self.journal = journal
        self.sequence = sequence
        self.offset = offset
    }
}
