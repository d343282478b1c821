/// What a record is. The raw value stands in its header.
@frozen public enum RecordKind: UInt8, Sendable {
    /// One BSON document.
    case event = 1
    /// An event that waits for the verdict on its tree.
    case held = 2
    /// The verdict on the held events of a tree.
    case verdict = 3
    /// How many events were dropped before this place, and why.
    case dropNotice = 4
    /// Rows of a collector's table of streams. Readers never see one.
    case table = 5
}

/// Bits of a record's flags.
public enum RecordFlags {
    /// The checksum is present. Set by the journal, never by a caller.
    public static let checksum: UInt8 = 1
    /// The event is a log record.
    public static let log: UInt8 = 2
}

/// Where the fields of a record's header stand, and how long a record is.
@usableFromInline enum RecordLayout {
    @usableFromInline static let headerBytes = 32
    /// What an append needs beyond its payload: the header, and eight bytes over which padding is written at once.
    @usableFromInline static let overhead = 40

    static let checksumOffset = 4
    static let kindOffset = 8
    static let flagsOffset = 9
    static let reservedOffset = 10
    static let streamOffset = 12
    static let numberOffset = 16
    static let arrivalOffset = 24

    /// Bytes of a record with its header and padding.
    @inlinable @inline(__always)
    static func total(_ payload: Int) -> Int { (payload &+ (32 + 7)) & ~7 }
}
