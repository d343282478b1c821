public import Synchronization

/// One chunk of a ``HeldArena``: a run of events that are held back with the root of their tree. `Docs/Journal.md` has the bytes.
///
/// Whoever uses it has a lock: one thread at a time. Everything that a recovery relies on is stored in an order that a kill at any
/// instant leaves readable: an event counts once the committed length covers it.
@frozen
public struct HeldChunk: @unchecked Sendable {
    // Sendable: who shares a chunk locks.

    /// Bytes of a chunk.
    public static let bytes = 8_192
    /// The most bytes that an event in a chunk may have.
    public static let maximumEvent = bytes - Offset.events - eventHeader

    /// Where it stands.
    public let base: UnsafeMutableRawPointer

    @inlinable
    public init(_ base: UnsafeMutableRawPointer) { self.base = base }

    // The first 32 bytes are a slot's: the record that an event becomes is stamped here.
    @usableFromInline
    enum Offset {
        @usableFromInline static let state = 0
        @usableFromInline static let committed = 4
        @usableFromInline static let head = 20
        @usableFromInline static let tree = 32
        @usableFromInline static let opening = 40
        @usableFromInline static let order = 48
        @usableFromInline static let next = 52
        @usableFromInline static let pending = 56
        @usableFromInline static let verdict = 60
        @usableFromInline static let lost = 64
        @usableFromInline static let rateFactor = 72
        @usableFromInline static let firstOrdinal = 80
        @usableFromInline static let passed = 88
        @usableFromInline static let events = 128
    }
    @usableFromInline static let eventHeader = 24

    @inlinable
    func word(_ offset: Int) -> UInt32 {
        UInt32(littleEndian: base.load(fromByteOffset: offset, as: UInt32.self))
    }

    /// Stored behind everything stored before it.
    @inlinable
    func publish(_ value: UInt32, at offset: Int) {
        (base + offset).assumingMemoryBound(to: Atomic<UInt32>.self).pointee
            .store(value.littleEndian, ordering: .releasing)
    }

    // MARK: The tree that it is of

    /// Begins a chunk that was claimed.
    /// - Parameters:
    ///   - tree: unique in this opening; 0 is none.
    ///   - order: its place among the chunks of the tree. That of 0 is the tree's head.
    ///   - head: index of the head in the arena.
    ///   - rateFactor: what the rates of events are multiplied by when they are let go.
    ///   - ordinal: how many events of the tree were held before.
    public func begin(
        tree: UInt64, opening: UInt64, order: Int, head: UInt32, rateFactor: Double, ordinal: UInt64
    ) {
        publish(SlotLayout.free, at: Offset.state)
        base.storeBytes(
            of: UInt32(Offset.events).littleEndian, toByteOffset: Offset.committed, as: UInt32.self)
        base.storeBytes(of: head.littleEndian, toByteOffset: Offset.head, as: UInt32.self)
        base.storeBytes(of: tree.littleEndian, toByteOffset: Offset.tree, as: UInt64.self)
        base.storeBytes(of: opening.littleEndian, toByteOffset: Offset.opening, as: UInt64.self)
        base.storeBytes(of: UInt32(order).littleEndian, toByteOffset: Offset.order, as: UInt32.self)
        base.storeBytes(of: UInt32(Offset.events).littleEndian, toByteOffset: Offset.next, as: UInt32.self)
        base.storeBytes(of: 0, toByteOffset: Offset.pending, as: UInt32.self)
        base.storeBytes(of: 0, toByteOffset: Offset.verdict, as: UInt32.self)
        base.storeBytes(of: 0, toByteOffset: Offset.lost, as: UInt32.self)
        base.storeBytes(
            of: rateFactor.bitPattern.littleEndian, toByteOffset: Offset.rateFactor, as: UInt64.self)
        base.storeBytes(of: ordinal.littleEndian, toByteOffset: Offset.firstOrdinal, as: UInt64.self)
        base.storeBytes(of: 0, toByteOffset: Offset.passed, as: UInt64.self)
        publish(SlotLayout.open, at: Offset.state)
    }

    /// Of a head: nothing of the tree is to be let go, whatever happens to the process from here on.
    public func silence() { publish(1, at: Offset.verdict) }

    /// Of a head: somebody wants to see it after all.
    public func unsilence() { publish(0, at: Offset.verdict) }

    /// Of a head: how many events of the tree gave way to later ones.
    public var lost: Int {
        get { Int(word(Offset.lost)) }
        nonmutating set {
            base.storeBytes(
                of: UInt32(clamping: newValue).littleEndian, toByteOffset: Offset.lost, as: UInt32.self)
        }
    }

    /// Of a head, before a chunk behind it goes: how many events of the tree were held so far.
    public func tellPassed(_ ordinal: UInt64) {
        base.storeBytes(of: ordinal.littleEndian, toByteOffset: Offset.passed, as: UInt64.self)
    }

    /// How many events of the tree were held, as far as this chunk knows.
    var ordinal: UInt64 {
        var held = UInt64(littleEndian: base.load(fromByteOffset: Offset.firstOrdinal, as: UInt64.self))
        var offset = Offset.events
        let end = min(Int(word(Offset.committed)), Self.bytes)
        while offset &+ Self.eventHeader <= end {
            held &+= 1
            offset &+= Self.stride(Int(word(offset)))
        }
        return max(
            held, UInt64(littleEndian: base.load(fromByteOffset: Offset.passed, as: UInt64.self)))
    }

    var isSilenced: Bool { word(Offset.verdict) != 0 }
    var tree: UInt64 { UInt64(littleEndian: base.load(fromByteOffset: Offset.tree, as: UInt64.self)) }
    var opening: UInt64 { UInt64(littleEndian: base.load(fromByteOffset: Offset.opening, as: UInt64.self)) }
    var order: Int { Int(word(Offset.order)) }
    var head: UInt32 { word(Offset.head) }
    /// What the rates of its events are to be multiplied by.
    public var rateFactor: Double {
        Double(
            bitPattern: UInt64(
                littleEndian: base.load(fromByteOffset: Offset.rateFactor, as: UInt64.self)))
    }

    // MARK: Events

    /// Bytes that an event may have here now.
    @inlinable
    public var room: Int { Self.bytes &- Int(word(Offset.committed)) &- Self.eventHeader }

    /// Adds an event, if there is ``room`` for `capacity` bytes.
    /// - Parameters:
    ///   - arrival: when it closed, Unix nanoseconds.
    ///   - isElsewhere: the bytes only say where in this process's memory the event is: a recovery loses it.
    ///   - write: writes the event, at 8-byte alignment, and answers its bytes, at most `capacity`.
    /// - Returns: what `write` did.
    @inlinable @inline(__always)
    public func append(
        arrival: Int64, capacity: Int, isElsewhere: Bool = false, _ write: (UnsafeMutableRawPointer) -> Int
    ) -> Int {
        let start = Int(word(Offset.committed))
        let event = base + start
        let count = write(event + Self.eventHeader)
        precondition(count >= 0 && count <= capacity, "a held event is larger than it was to be")
        event.storeBytes(of: UInt32(truncatingIfNeeded: count).littleEndian, as: UInt32.self)
        event.storeBytes(of: isElsewhere ? UInt32(1).littleEndian : 0, toByteOffset: 4, as: UInt32.self)
        event.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self)
        event.storeBytes(of: arrival.littleEndian, toByteOffset: 16, as: Int64.self)
        publish(
            UInt32(truncatingIfNeeded: min(Self.bytes, start &+ Self.stride(count))), at: Offset.committed)
        return count
    }

    @inlinable
    static func stride(_ count: Int) -> Int { (eventHeader &+ count &+ 7) & ~7 }

    /// An event that is held.
    public struct Event {
        /// Where it stands in its chunk.
        let offset: Int
        /// The event's bytes, or what says where they are.
        public let bytes: UnsafeMutableRawBufferPointer
        /// Whether `bytes` only say where in this process's memory the event is.
        public let isElsewhere: Bool
        /// When it closed, Unix nanoseconds.
        public let arrival: Int64
    }

    /// The oldest event; nil if there is none left. Bytes that make no sense end the chunk.
    public var oldest: Event? {
        let offset = Int(word(Offset.next))
        let end = Int(word(Offset.committed))
        guard offset >= Offset.events, offset % 8 == 0, end <= Self.bytes, offset &+ Self.eventHeader <= end
        else { return nil }
        let count = Int(word(offset))
        guard count <= end &- offset &- Self.eventHeader else { return nil }
        return Event(
            offset: offset,
            bytes: UnsafeMutableRawBufferPointer(start: base + offset + Self.eventHeader, count: count),
            isElsewhere: word(offset + 4) & 1 == 1,
            arrival: Int64(littleEndian: base.load(fromByteOffset: offset + 16, as: Int64.self)))
    }

    /// The event is not held any more, and what follows it is the oldest.
    public func pass(_ event: Event) {
        publish(UInt32(truncatingIfNeeded: event.offset &+ Self.stride(event.bytes.count)), at: Offset.next)
    }

    /// Forgets all events.
    /// - Parameter ordinal: how many events of the tree were held so far.
    public func removeAll(ordinal: UInt64) {
        base.storeBytes(of: ordinal.littleEndian, toByteOffset: Offset.firstOrdinal, as: UInt64.self)
        publish(UInt32(Offset.events), at: Offset.committed)
        publish(UInt32(Offset.events), at: Offset.next)
    }

    // MARK: Stamps

    /// Stamps a slot, or another chunk, whose event is about to be held here: a recovery that finds it held takes it for closed.
    @inlinable
    public static func stamp(_ slot: UnsafeMutableRawPointer, tree: UInt64, opening: UInt64, ordinal: UInt64)
    {
        slot.storeBytes(
            of: (tree << 24 | ordinal & 0xFF_FFFF).littleEndian, toByteOffset: SlotLayout.stampNumber,
            as: UInt64.self)
        slot.storeBytes(of: heldShard.littleEndian, toByteOffset: SlotLayout.stampShard, as: UInt32.self)
        slot.storeBytes(of: opening.littleEndian, toByteOffset: SlotLayout.stampOpening, as: UInt64.self)
        slot.assumingMemoryBound(to: Atomic<UInt32>.self).pointee
            .store(SlotLayout.closing.littleEndian, ordering: .releasing)
    }

    /// Says that the oldest event is about to be held in another tree, which stamps this chunk.
    public func willMove(_ event: Event) {
        publish(SlotLayout.open, at: Offset.state)
        publish(UInt32(truncatingIfNeeded: event.offset), at: Offset.pending)
    }

    /// What stands for the shard in a stamp of this kind.
    @usableFromInline static let heldShard = UInt32.max

    // MARK: Letting go

    /// Appends the oldest event to a journal and passes it, so that a kill at any instant neither loses nor doubles it.
    /// - Returns: whether the journal took it.
    public func letGo(_ event: Event, _ bytes: UnsafeRawBufferPointer, to shard: MappedShard) -> Bool {
        // The stamp of the event before says nothing of this one.
        willMove(event)
        let number = shard.append(
            kind: .event, flags: 0, arrival: event.arrival, capacity: bytes.count, slot: base
        ) { target in
            if let source = bytes.baseAddress { target.copyMemory(from: source, byteCount: bytes.count) }
            return bytes.count
        }
        guard number != 0 else { return false }
        pass(event)
        return true
    }

    /// What a recovery finds: a stamped event whose record is committed is passed; one whose record is not loses its stamp.
    func settle(_ isCommitted: (_ opening: UInt64, _ shard: UInt32, _ number: UInt64) -> Bool) {
        guard word(Offset.state) == SlotLayout.closing else { return }
        let opening = UInt64(
            littleEndian: base.load(fromByteOffset: SlotLayout.stampOpening, as: UInt64.self))
        let number = UInt64(
            littleEndian: base.load(fromByteOffset: SlotLayout.stampNumber, as: UInt64.self))
        let pending = word(Offset.pending)
        if isCommitted(opening, word(SlotLayout.stampShard), number), pending == word(Offset.next),
            let event = oldest
        {
            pass(event)
        }
        publish(SlotLayout.open, at: Offset.state)
    }

    var isUsed: Bool {
        let state = word(Offset.state)
        return state == SlotLayout.open || state == SlotLayout.closing
    }
}
