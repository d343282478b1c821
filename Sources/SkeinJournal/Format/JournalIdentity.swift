import SkeinPlatform

/// The name of a journal: 16 random bytes, drawn when its folder (or its anonymous memory) is made.
public struct JournalID: Hashable, Sendable, CustomStringConvertible {
    /// The first eight bytes, as a little-endian integer.
    public let low: UInt64
    /// The last eight bytes, as a little-endian integer.
    public let high: UInt64

    /// A name by its halves.
    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// The first 16 of some bytes; nil if there are fewer.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 16 else { return nil }
        low = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        high = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    static func random() -> JournalID {
        JournalID(low: KernelRandom.word(), high: KernelRandom.word())
    }

    /// The 16 bytes, as they stand in files and on the wire.
    public var bytes: [UInt8] {
        withUnsafeBytes(of: (low.littleEndian, high.littleEndian)) { Array($0) }
    }

    /// 32 lowercase hex digits.
    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// What numbers records: one opening of one shard of a journal. Within it numbers rise by one from 1, and none
/// is ever used twice.
public struct JournalStream: Hashable, Sendable, CustomStringConvertible {
    /// The journal that the shard is of.
    public let journal: JournalID
    /// Random, drawn at each opening of the journal.
    public let opening: UInt64
    /// The shard of the journal, from 0.
    public let shard: UInt32

    /// A stream by its parts.
    public init(journal: JournalID, opening: UInt64, shard: UInt32) {
        self.journal = journal
        self.opening = opening
        self.shard = shard
    }

    public var description: String { "\(journal)/\(String(opening, radix: 16))/\(shard)" }
}

/// A place in one shard of a journal: between two records. Places of one shard compare in the order of writing.
public struct JournalPosition: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The segment: from 1, rising, never reused.
    public var sequence: UInt64
    /// Bytes from the start of the segment.
    public var offset: UInt64

    /// A place by its parts; whether the journal still has it is not checked.
    public init(sequence: UInt64, offset: UInt64) {
        self.sequence = sequence
        self.offset = offset
    }

    /// The place as one number that rises with it: for destinations that need a number for each record. Unique
    /// while segments are at most 1 GiB and fewer than 2³⁶.
    public var ordinal: UInt64 { sequence << 27 | offset >> 3 }

    /// The place that has this ``ordinal``.
    public init(ordinal: UInt64) {
        sequence = ordinal >> 27
        offset = (ordinal & (1 << 27 - 1)) << 3
    }

    public static func < (left: JournalPosition, right: JournalPosition) -> Bool {
        (left.sequence, left.offset) < (right.sequence, right.offset)
    }

    public var description: String { "\(sequence):\(offset)" }
}
