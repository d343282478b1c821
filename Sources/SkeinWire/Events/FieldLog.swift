internal import SkeinBSON
import SkeinPlatform

// A field log is the body of a context while it is open: a run of BSON elements, each with its whole dotted path as
// key, in the slot (or heap block) of the context. `Docs/Journal.md` has the bytes and the order of the stores.
//
// Invariants:
// 1. `committed` (in the slot's head) moves after the element it covers is whole.
// 2. An element is marked dead (bit 7 of its type) only after its successor is committed.
// 3. The index has one entry for each live element, in order of first writing; it is not shared and not in the slot.

/// One live element of a field log.
@frozen
public struct FieldEntry {
    /// Address of the literal the key was written with, 0 if it was computed.
    @usableFromInline var address: UInt
    /// The key's first eight bytes, zeros behind a shorter one: tells most keys apart without a look at the element.
    @usableFromInline var head: UInt64
    /// Where the element begins, from the start of the fields.
    @usableFromInline var offset: UInt32
    /// Bytes of the whole element.
    @usableFromInline var size: UInt32
    @usableFromInline var keyLength: UInt16
    @usableFromInline var type: UInt8
    @usableFromInline var dots: UInt8
    /// Where the first dot of the key stands; 0 without one.
    @usableFromInline var firstStep: UInt16
}

/// The fields of one open context, in memory that somebody else owns. Not safe on two threads: its context locks.
@frozen
public struct FieldLog {
    /// What became of a write.
    @frozen
    public enum Outcome: UInt8, Sendable {
        /// The value is in.
        case stored
        /// There is no room: ``grow(to:capacity:)`` and try again.
        case full
        /// Empty key or step, NUL in the key, or a key that is too long.
        case badKey
        /// The path leads through a value that is no document.
        case notADocument
        /// The event has as many fields as it may have.
        case tooManyFields
        /// The value is not of the kind the operation needs (`add` to a string, `append` to a number).
        case wrongType
    }

    @usableFromInline var fields: UnsafeMutableRawPointer
    @usableFromInline var capacity: Int
    @usableFromInline var length: Int
    @usableFromInline var index: UnsafeMutablePointer<FieldEntry>
    @usableFromInline var indexCount: Int
    @usableFromInline var indexCapacity: Int
    /// Dots in the keys of live elements: bounds the bytes that nesting adds.
    @usableFromInline var dots: Int
    @usableFromInline var dead: Int
    /// Entries of the index, from `indexCount` on, that the block's last use left: code that ran before is likely to set the
    /// same literals in the same order, and what was checked then need not be checked again.
    @usableFromInline var shapeCount: Int
    @usableFromInline var maximumFields: Int
    @usableFromInline var maximumKey: Int

    /// A log in a block with the layout of a slot.
    /// - Parameters:
    ///   - block: at least ``SlotLayout/fields`` + `capacity` bytes, which outlive the log.
    ///   - capacity: bytes for fields.
    public init(block: UnsafeMutableRawPointer, capacity: Int, limits: EventLimits) {
        fields = block + SlotLayout.fields
        self.capacity = capacity
        length = 0
        indexCapacity = 16
        index = .allocate(capacity: 16)
        indexCount = 0
        dots = 0
        dead = 0
        shapeCount = 0
        maximumFields = limits.fields
        maximumKey = min(limits.keyBytes, Int(UInt16.max) - 1)
    }

    /// Frees the index; the block stays its owner's.
    public func destroy() {
        index.deallocate()
    }

    /// Forgets all fields, for the next context in the same block.
    @inlinable @inline(__always)
    public mutating func reset() {
        length = 0
        if indexCount > shapeCount { shapeCount = indexCount }
        indexCount = 0
        dots = 0
        dead = 0
    }

    /// Bytes of elements, dead ones included.
    @inlinable public var byteCount: Int { length }

    /// Live fields.
    @inlinable public var count: Int { indexCount }

    /// Whether the next event of this block would do better with a smaller one.
    @inlinable public var isOversized: Bool { capacity > 64 << 10 || indexCapacity > 256 }

    // MARK: Finding

    @inline(__always)
    func findLiteral(_ key: UnsafeRawPointer, _ keyLength: Int) -> Int {
        let address = UInt(bitPattern: key)
        var position = 0
        while position < indexCount {
            let entry = (index + position).pointee
            if entry.address == address, entry.keyLength == keyLength { return position }
            position += 1
        }
        return -1
    }

    func findExact(_ key: UnsafeRawPointer, _ keyLength: Int) -> Int {
        for position in 0..<indexCount {
            let entry = (index + position).pointee
            if entry.keyLength == keyLength, memcmp(keyPointer(entry), key, keyLength) == 0 {
                return position
            }
        }
        return -1
    }
}
