internal import SkeinBSON
import SkeinPlatform
public import Synchronization

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
}

/// The fields of one open context, in memory that somebody else owns. Not safe on two threads: its context locks.
@frozen
public struct FieldLog {
    /// What became of a write.
    @frozen
    public enum Outcome: UInt8, Sendable {
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

    // MARK: Writing as expected

    /// Where the value of a literal key goes, if the last use of this block set the same key in the same place and there is
    /// room; else nil, and nothing has happened.
    @inlinable @inline(__always)
    public func expected(_ key: UnsafeRawPointer, _ keyLength: Int, size: Int) -> UnsafeMutableRawPointer? {
        guard indexCount < shapeCount else { return nil }
        let entry = index + indexCount
        guard entry.pointee.address == UInt(bitPattern: key), Int(entry.pointee.keyLength) == keyLength,
            length + keyLength + 2 + size <= capacity
        else { return nil }
        return fields + length + keyLength + 2
    }

    /// Completes what ``expected(_:_:size:)`` began, once the value stands: key, type, commit.
    @inlinable @inline(__always)
    public mutating func commitExpected(_ key: UnsafeRawPointer, _ keyLength: Int, type: UInt8, size: Int) {
        let element = fields + length
        element.storeBytes(of: type, as: UInt8.self)
        Self.copy(key, keyLength, to: element + 1)
        element.storeBytes(of: 0, toByteOffset: keyLength + 1, as: UInt8.self)
        let entry = index + indexCount
        entry.pointee.offset = UInt32(truncatingIfNeeded: length)
        entry.pointee.size = UInt32(truncatingIfNeeded: keyLength + 2 + size)
        entry.pointee.type = type
        length += keyLength + 2 + size
        publish()
        indexCount += 1
        dots += Int(entry.pointee.dots)
    }

    // MARK: Writing

    /// Sets a value of at most 8 bytes (bool, int32, int64, double, datetime, null).
    @inline(__always)
    public mutating func setScalar(
        _ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, type: UInt8, bits: UInt64, size: Int
    ) -> Outcome {
        let found = literal ? findLiteral(key, keyLength) : -1
        if found >= 0, (index + found).pointee.type == type, size > 0 {
            // Same size: one store, which a kill finds done or not done.
            let entry = (index + found).pointee
            let value = fields + Int(entry.offset) + Int(entry.keyLength) + 2
            Self.store(bits, size: size, at: value)
            return .stored
        }
        let place = reserve(key, keyLength, literal: literal, found: found, type: type, size: size)
        guard let value = place.value else { return place.outcome }
        Self.store(bits, size: size, at: value)
        commit(place, valueSize: size)
        return .stored
    }

    /// Sets a string.
    @inline(__always)
    public mutating func setString(
        _ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, _ bytes: UnsafeRawPointer?, _ count: Int
    ) -> Outcome {
        let found = literal ? findLiteral(key, keyLength) : -1
        let place = reserve(
            key, keyLength, literal: literal, found: found, type: BSONType.string.rawValue, size: count + 5)
        guard let value = place.value else { return place.outcome }
        value.storeBytes(of: Int32(truncatingIfNeeded: count + 1).littleEndian, as: Int32.self)
        if let bytes { Self.copy(bytes, count, to: value + 4) }
        value.storeBytes(of: 0, toByteOffset: 4 + count, as: UInt8.self)
        commit(place, valueSize: count + 5)
        return .stored
    }

    /// Sets a value from its BSON bytes, which the caller has checked.
    public mutating func setRaw(
        _ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, type: UInt8, _ bytes: UnsafeRawBufferPointer
    ) -> Outcome {
        var type = type
        var replacement: [UInt8]? = nil
        // 0x7F and 0xFF cannot be told from a dead element's mark.
        if type == BSONType.maxKey.rawValue || type == BSONType.minKey.rawValue {
            replacement = Array((type == BSONType.maxKey.rawValue ? "maxKey" : "minKey").utf8)
            replacement?.append(0)
            replacement?.insert(contentsOf: [7, 0, 0, 0], at: 0)
            type = BSONType.string.rawValue
        }
        let size = replacement?.count ?? bytes.count
        let found = literal ? findLiteral(key, keyLength) : -1
        let place = reserve(key, keyLength, literal: literal, found: found, type: type, size: size)
        guard let value = place.value else { return place.outcome }
        if let replacement {
            replacement.withUnsafeBytes { value.copyMemory(from: $0.baseAddress!, byteCount: size) }
        } else if let base = bytes.baseAddress {
            value.copyMemory(from: base, byteCount: size)
        }
        commit(place, valueSize: size)
        return .stored
    }

    /// The value's bytes of a live field with exactly this path, or nil. Valid until the next write.
    public func value(
        _ key: UnsafeRawPointer, _ keyLength: Int
    ) -> (type: UInt8, bytes: UnsafeRawBufferPointer)? {
        let found = findExact(key, keyLength)
        guard found >= 0 else { return nil }
        let entry = (index + found).pointee
        let start = fields + Int(entry.offset) + Int(entry.keyLength) + 2
        guard
            let size = Self.valueSize(
                entry.type, start, available: length - Int(entry.offset) - Int(entry.keyLength) - 2)
        else { return nil }
        return (entry.type, UnsafeRawBufferPointer(start: start, count: size))
    }

    /// Removes a field, and all below it. Returns whether there was one.
    public mutating func remove(_ key: UnsafeRawPointer, _ keyLength: Int) -> Bool {
        var removed = false
        var position = 0
        while position < indexCount {
            let entry = (index + position).pointee
            let stored = keyPointer(entry)
            let matches =
                entry.keyLength == keyLength
                ? memcmp(stored, key, keyLength) == 0
                : Int(entry.keyLength) > keyLength && byte(stored, keyLength) == 0x2E
                    && memcmp(stored, key, keyLength) == 0
            if matches {
                kill(position)
                removed = true
            } else {
                position += 1
            }
        }
        return removed
    }

    /// Moves the live elements into a larger block; returns nothing, the old block stays its owner's.
    public mutating func grow(to block: UnsafeMutableRawPointer, capacity newCapacity: Int) {
        let target = block + SlotLayout.fields
        var written = 0
        for position in 0..<indexCount {
            let entry = (index + position).pointee
            let size = elementSize(entry)
            (target + written).copyMemory(from: fields + Int(entry.offset), byteCount: size)
            (index + position).pointee.offset = UInt32(written)
            written += size
        }
        fields = target
        capacity = newCapacity
        length = written
        dead = 0
        publish()
    }

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

    // MARK: Room, commit, death

    struct Place {
        var value: UnsafeMutableRawPointer?
        var outcome: Outcome
        var superseded: Int
        var keyLength: Int
        var address: UInt
        var head: UInt64
        var dots: UInt8
        var type: UInt8
    }

    @inline(__always)
    private func refusal(_ outcome: Outcome) -> Place {
        Place(
            value: nil, outcome: outcome, superseded: -1, keyLength: 0, address: 0, head: 0, dots: 0, type: 0)
    }

    @inline(__always)
    private mutating func reserve(
        _ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, found: Int, type: UInt8, size: Int
    ) -> Place {
        var superseded = found
        var keyDots: UInt8 = 0
        if found < 0 {
            let scanned = scan(key, keyLength)
            guard scanned >= 0 else { return refusal(.badKey) }
            keyDots = UInt8(truncatingIfNeeded: min(scanned, 255))
            if indexCount > 0 {
                let conflict = resolve(key, keyLength, dotted: scanned > 0)
                guard conflict >= -1 else { return refusal(conflict == -3 ? .full : .notADocument) }
                superseded = conflict
            }
            if superseded < 0, indexCount >= maximumFields { return refusal(.tooManyFields) }
        } else {
            keyDots = (index + found).pointee.dots
        }
        let need = keyLength + 2 + size
        guard length + need <= capacity else { return refusal(.full) }
        let element = fields + length
        element.storeBytes(of: type, as: UInt8.self)
        Self.copy(key, keyLength, to: element + 1)
        element.storeBytes(of: 0, toByteOffset: keyLength + 1, as: UInt8.self)
        return Place(
            value: element + keyLength + 2, outcome: .stored, superseded: superseded, keyLength: keyLength,
            address: literal ? UInt(bitPattern: key) : 0, head: Self.head(key, keyLength), dots: keyDots,
            type: type)
    }

    @inline(__always)
    private mutating func commit(_ place: Place, valueSize: Int) {
        let offset = length
        length += place.keyLength + 2 + valueSize
        publish()
        let entry = FieldEntry(
            address: place.address, head: place.head, offset: UInt32(truncatingIfNeeded: offset),
            size: UInt32(truncatingIfNeeded: place.keyLength + 2 + valueSize),
            keyLength: UInt16(truncatingIfNeeded: place.keyLength), type: place.type, dots: place.dots)
        if place.superseded >= 0 {
            let slot = index + place.superseded
            markDead(Int(slot.pointee.offset), slot.pointee.type)
            slot.pointee = entry
        } else {
            if indexCount == indexCapacity { growIndex() }
            (index + indexCount).initialize(to: entry)
            indexCount += 1
            // Another order of keys than last time: nothing beyond this one is to be expected.
            shapeCount = indexCount
            dots += Int(place.dots)
        }
    }

    @inlinable @inline(__always)
    func publish() {
        (fields + (SlotLayout.committed - SlotLayout.fields)).assumingMemoryBound(to: Atomic<UInt32>.self)
            .pointee.store(UInt32(truncatingIfNeeded: length), ordering: .releasing)
    }

    @inline(never)
    private mutating func growIndex() {
        let larger = UnsafeMutablePointer<FieldEntry>.allocate(capacity: indexCapacity * 4)
        larger.moveInitialize(from: index, count: indexCount)
        index.deallocate()
        index = larger
        indexCapacity *= 4
    }

    @inline(__always)
    private mutating func markDead(_ offset: Int, _ type: UInt8) {
        // undefined, null: no value bytes, so all of them may share one mark.
        let mark: UInt8 = type == 0x06 ? 0x8A : type | 0x80
        (fields + offset).storeBytes(of: mark, as: UInt8.self)
        dead += 1
    }

    private mutating func kill(_ position: Int) {
        let entry = (index + position).pointee
        markDead(Int(entry.offset), entry.type)
        dots -= Int(entry.dots)
        shapeCount = 0
        let rest = indexCount - position - 1
        if rest > 0 { (index + position).update(from: index + position + 1, count: rest) }
        indexCount -= 1
    }

    /// Dots in the key, or −1 if the key is bad. A literal's bytes are UTF-8 by construction, a String's too.
    @inline(__always)
    private func scan(_ key: UnsafeRawPointer, _ keyLength: Int) -> Int {
        guard keyLength > 0, keyLength <= maximumKey else { return -1 }
        // Most keys have neither a dot nor a NUL: eight bytes at a time.
        var offset = 0
        var special = false
        while offset + 8 <= keyLength {
            special = special || Self.hasDotOrNUL(key.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        if offset < keyLength {
            special =
                special
                || Self.hasDotOrNUL(
                    Self.head(key + offset, keyLength - offset) | Self.fill(keyLength - offset))
        }
        return special ? scanSlowly(key, keyLength) : 0
    }

    @inline(never)
    private func scanSlowly(_ key: UnsafeRawPointer, _ keyLength: Int) -> Int {
        var found = 0
        var previous: UInt8 = 0x2E
        for offset in 0..<keyLength {
            let byte = byte(key, offset)
            if byte == 0x2E {
                if previous == 0x2E { return -1 }
                found += 1
            } else if byte == 0 {
                return -1
            }
            previous = byte
        }
        return previous == 0x2E ? -1 : found
    }

    /// Whether any byte is 0x2E or 0 (the zero-byte test of "Bit Twiddling Hacks"; exact for "any").
    @inline(__always)
    private static func hasDotOrNUL(_ word: UInt64) -> Bool {
        let low: UInt64 = 0x0101_0101_0101_0101
        let high: UInt64 = 0x8080_8080_8080_8080
        let dots = word ^ 0x2E2E_2E2E_2E2E_2E2E
        return ((word &- low) & ~word | (dots &- low) & ~dots) & high != 0
    }

    /// The first eight bytes of a key, in the order of memory, zeros behind a shorter one.
    @inline(__always)
    static func head(_ key: UnsafeRawPointer, _ keyLength: Int) -> UInt64 {
        if keyLength >= 8 { return UInt64(littleEndian: key.loadUnaligned(as: UInt64.self)) }
        if keyLength >= 4 {
            let low = UInt64(UInt32(littleEndian: key.loadUnaligned(as: UInt32.self)))
            let high = UInt64(
                UInt32(littleEndian: key.loadUnaligned(fromByteOffset: keyLength - 4, as: UInt32.self)))
            return low | high << UInt64(8 * (keyLength - 4))
        }
        if keyLength >= 2 {
            let low = UInt64(UInt16(littleEndian: key.loadUnaligned(as: UInt16.self)))
            let last = UInt64(key.load(fromByteOffset: keyLength - 1, as: UInt8.self))
            return low | last << UInt64(8 * (keyLength - 1))
        }
        return keyLength == 1 ? UInt64(key.load(as: UInt8.self)) : 0
    }

    /// Ones in the bytes behind the first `count` of eight, so that padding is not taken for a NUL.
    @inline(__always)
    private static func fill(_ count: Int) -> UInt64 {
        count >= 8 ? 0 : ~0 << UInt64(8 * count)
    }

    /// Prepares for a key that no literal of the same address has: the entry it replaces, −1 if it is new, −2 if the
    /// path leads through a value that is no document, −3 if a document on the path could not be opened for lack of room.
    @inline(__always)
    private mutating func resolve(_ key: UnsafeRawPointer, _ keyLength: Int, dotted: Bool) -> Int {
        var exact = -1
        var through = -1
        var below = false
        let head = Self.head(key, keyLength)
        var position = -1
        while position + 1 < indexCount {
            position += 1
            let entry = (index + position).pointee
            let length = Int(entry.keyLength)
            // Related keys share the bytes of the shorter one.
            if (entry.head ^ head) & ~Self.fill(min(length, keyLength)) != 0 { continue }
            if length == keyLength {
                if memcmp(keyPointer(entry), key, keyLength) == 0 { exact = position }
            } else if length < keyLength {
                if dotted, byte(key, length) == 0x2E, memcmp(keyPointer(entry), key, length) == 0 {
                    through = position
                }
            } else if entry.dots > 0, byte(keyPointer(entry), keyLength) == 0x2E,
                memcmp(keyPointer(entry), key, keyLength) == 0
            {
                below = true
            }
        }
        if exact >= 0 || (through < 0 && !below) { return exact }
        if below {
            // The whole document is replaced. (The successor is not yet committed: a kill between loses the older value,
            // never invents one.)
            _ = remove(key, keyLength)
            return -1
        }
        guard (index + through).pointee.type == BSONType.document.rawValue else { return -2 }
        guard explode(through) else { return -3 }
        return resolve(key, keyLength, dotted: dotted)
    }

    /// Replaces a document's element by one element for each of its members, so that a dotted key can go through it.
    @inline(never)
    private mutating func explode(_ position: Int) -> Bool {
        let entry = (index + position).pointee
        let prefix = Array(UnsafeRawBufferPointer(start: keyPointer(entry), count: Int(entry.keyLength)))
        let start = fields + Int(entry.offset) + Int(entry.keyLength) + 2
        guard let size = Self.valueSize(entry.type, start, available: length - Int(entry.offset)) else {
            return true
        }
        let document = Array(UnsafeRawBufferPointer(start: start, count: size))
        // Each member needs its own bytes and the prefix with a dot.
        var members = 0
        document.withUnsafeBytes { Self.walk($0) { _, _, _ in members += 1 } }
        guard length + size + members * (prefix.count + 1) <= capacity else { return false }
        kill(position)
        document.withUnsafeBytes { bytes in
            Self.walk(bytes) { type, key, value in
                let path = prefix + [0x2E] + key
                _ = path.withUnsafeBytes {
                    setRaw($0.baseAddress!, path.count, literal: false, type: type, value)
                }
            }
        }
        return true
    }

    /// The members of a document that this module wrote or has validated.
    static func walk(
        _ document: UnsafeRawBufferPointer,
        _ body: (UInt8, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void
    ) {
        guard document.count >= 5, let base = document.baseAddress else { return }
        var offset = 4
        while offset < document.count - 1 {
            let type = document[offset]
            guard type != 0, let end = memchr(base + offset + 1, 0, document.count - offset - 1) else {
                return
            }
            let keyLength = UnsafeRawPointer(end) - (base + offset + 1)
            let start = offset + keyLength + 2
            guard let size = valueSize(type, base + start, available: document.count - start) else { return }
            body(
                type, UnsafeRawBufferPointer(start: base + offset + 1, count: keyLength),
                UnsafeRawBufferPointer(start: base + start, count: size))
            offset = start + size
        }
    }

    // MARK: Bytes

    @inline(__always)
    func keyPointer(_ entry: FieldEntry) -> UnsafeRawPointer {
        UnsafeRawPointer(fields + Int(entry.offset) + 1)
    }

    @inline(__always)
    func byte(_ pointer: UnsafeRawPointer, _ offset: Int) -> UInt8 {
        pointer.load(fromByteOffset: offset, as: UInt8.self)
    }

    @inline(__always)
    func elementSize(_ entry: FieldEntry) -> Int { Int(entry.size) }

    @inline(__always)
    static func store(_ bits: UInt64, size: Int, at value: UnsafeMutableRawPointer) {
        switch size {
        case 8: value.storeBytes(of: bits.littleEndian, as: UInt64.self)
        case 4: value.storeBytes(of: UInt32(truncatingIfNeeded: bits).littleEndian, as: UInt32.self)
        case 1: value.storeBytes(of: UInt8(truncatingIfNeeded: bits), as: UInt8.self)
        default: break
        }
    }

    /// Copies short runs by overlapping words, which costs less than a call.
    @inlinable @inline(__always)
    public static func copy(_ source: UnsafeRawPointer, _ count: Int, to target: UnsafeMutableRawPointer) {
        if count >= 8 {
            if count <= 16 {
                let head = source.loadUnaligned(as: UInt64.self)
                let tail = source.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
                target.storeBytes(of: head, as: UInt64.self)
                target.storeBytes(of: tail, toByteOffset: count - 8, as: UInt64.self)
            } else {
                target.copyMemory(from: source, byteCount: count)
            }
        } else if count >= 4 {
            let head = source.loadUnaligned(as: UInt32.self)
            let tail = source.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
            target.storeBytes(of: head, as: UInt32.self)
            target.storeBytes(of: tail, toByteOffset: count - 4, as: UInt32.self)
        } else {
            var offset = 0
            while offset < count {
                target.storeBytes(
                    of: source.load(fromByteOffset: offset, as: UInt8.self), toByteOffset: offset,
                    as: UInt8.self)
                offset += 1
            }
        }
    }

    /// Bytes of a value, from its type (a dead mark counts as its type) and its own length fields; nil if they do not fit.
    static func valueSize(_ mark: UInt8, _ value: UnsafeRawPointer, available: Int) -> Int? {
        func length32(_ extra: Int, minimum: Int32) -> Int? {
            guard available >= 4 else { return nil }
            let length = Int32(littleEndian: value.loadUnaligned(as: Int32.self))
            guard length >= minimum, Int(length) <= available - extra else { return nil }
            return Int(length) + extra
        }
        let size: Int?
        switch mark & 0x7F {
        case 0x01, 0x09, 0x11, 0x12: size = 8
        case 0x02, 0x0D, 0x0E: size = length32(4, minimum: 1)
        case 0x03, 0x04: size = length32(0, minimum: 5)
        case 0x0F: size = length32(0, minimum: 14)
        case 0x05: size = length32(5, minimum: 0)
        case 0x06, 0x0A: size = 0
        case 0x07: size = 12
        case 0x08: size = 1
        case 0x0B:
            guard available > 0, let first = memchr(value, 0, available) else { return nil }
            let pattern = UnsafeRawPointer(first) - value + 1
            guard available > pattern, let second = memchr(value + pattern, 0, available - pattern) else {
                return nil
            }
            size = UnsafeRawPointer(second) - value + 1
        case 0x0C: size = length32(16, minimum: 1)
        case 0x10: size = 4
        case 0x13: size = 16
        default: size = nil
        }
        guard let size, size <= available else { return nil }
        return size
    }
}
