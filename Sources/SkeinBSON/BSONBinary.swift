/// Bytes with a subtype.
///
/// Subtype 2 (the old binary) repeats its length inside the value; that second length is written and taken
/// off here, so that `bytes` are the payload alone.
public struct BSONBinary: Sendable, Hashable, Codable {
    /// 0 generic, 1 function, 2 old binary, 3 old UUID, 4 UUID, 5 MD5, 6 encrypted, 7 column, 128 and up user's.
    public var subtype: UInt8
    /// The payload.
    public var bytes: [UInt8]

    /// Bytes of a subtype, generic unless one is given.
    public init(subtype: UInt8 = 0, bytes: [UInt8]) {
        self.subtype = subtype
        self.bytes = bytes
    }
}

extension BSONBinary {
    /// The subtype that repeats its length.
    @usableFromInline static let oldSubtype: UInt8 = 2
}
