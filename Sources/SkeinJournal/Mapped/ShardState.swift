public import SkeinPlatform
public import Synchronization

/// What appending to a shard reads and writes: one cache line of its own, laid out by hand, behind a pointer, so
/// that an append touches no reference count and no exclusivity check.
@usableFromInline struct ShardState: ~Copyable {
    /// Room for a shard's state: two lines, since processors fetch lines in pairs.
    static let stride = 128

    /// The thread that appends first owns it; the shipper's visits.
    @usableFromInline let lock = BiasedLock(isClaimed: true)
    @usableFromInline var shard: UInt32
    /// The segment; meaningless while `limit` is 0.
    @usableFromInline var base: UnsafeMutableRawPointer
    /// Where the next record begins. Changed with the lock held; a look without it may be old.
    @usableFromInline let offsetWord = Atomic<Int>(0)
    /// Where the fast path ends: the end of the segment, or the place at which a reader wants to be woken.
    @usableFromInline var softLimit: Int
    /// The end of the segment; as `offsetWord`.
    let limitWord = Atomic<Int>(0)
    @usableFromInline var nextNumber: UInt64
    @usableFromInline var opening: UInt64
    /// The shard takes nothing any more.
    var isClosed: Bool

    init(shard: UInt32, opening: UInt64, nowhere: UnsafeMutableRawPointer) {
        self.shard = shard
        self.opening = opening
        base = nowhere
        softLimit = 0
        nextNumber = 1
        isClosed = false
    }

    @inlinable @inline(__always)
    var offset: Int { offsetWord.load(ordering: .relaxed) }

    var limit: Int { limitWord.load(ordering: .relaxed) }
}

/// Where the stamp stands in a slot.
@usableFromInline enum SlotLayout {
    @usableFromInline static let bytes = 4096
    @usableFromInline static let stampNumber = 8
    @usableFromInline static let stampShard = 16
    @usableFromInline static let stampOpening = 24
    /// The part before the fields that is zeroed for a new owner: all but the text, which lengths guard.
    static let clearedBytes = 88

    @usableFromInline static let free: UInt32 = 0
    @usableFromInline static let open: UInt32 = 1
    @usableFromInline static let closing: UInt32 = 2
}
