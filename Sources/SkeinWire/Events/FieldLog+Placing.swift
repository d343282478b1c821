internal import SkeinBSON
import SkeinPlatform
public import Synchronization

// How a write finds its place: what the key replaces, whether its path is free, where the element goes; then its commit.

extension FieldLog {
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
    func refusal(_ outcome: Outcome) -> Place {
        Place(
            value: nil, outcome: outcome, superseded: -1, keyLength: 0, address: 0, head: 0, dots: 0, type: 0)
    }

    @inline(__always)
    mutating func reserve(
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
    mutating func commit(_ place: Place, valueSize: Int) {
        let offset = length
        length += place.keyLength + 2 + valueSize
        publish()
        let entry = FieldEntry(
            address: place.address, head: place.head, offset: UInt32(truncatingIfNeeded: offset),
            size: UInt32(truncatingIfNeeded: place.keyLength + 2 + valueSize),
            keyLength: UInt16(truncatingIfNeeded: place.keyLength), type: place.type, dots: place.dots,
            firstStep: place.dots == 0 ? 0 : firstStep(fields + offset + 1, place.keyLength))
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

    @inline(never)
    func firstStep(_ key: UnsafeRawPointer, _ keyLength: Int) -> UInt16 {
        memchr(key, 0x2E, keyLength).map { UInt16(truncatingIfNeeded: UnsafeRawPointer($0) - key) } ?? 0
    }

    @inlinable @inline(__always)
    func publish() {
        (fields + (SlotLayout.committed - SlotLayout.fields)).assumingMemoryBound(to: Atomic<UInt32>.self)
            .pointee.store(UInt32(truncatingIfNeeded: length), ordering: .releasing)
    }

    @inline(never)
    mutating func growIndex() {
        let larger = UnsafeMutablePointer<FieldEntry>.allocate(capacity: indexCapacity * 4)
        larger.moveInitialize(from: index, count: indexCount)
        index.deallocate()
        index = larger
        indexCapacity *= 4
    }

    @inline(__always)
    mutating func markDead(_ offset: Int, _ type: UInt8) {
        // undefined, null: no value bytes, so all of them may share one mark.
        let mark: UInt8 = type == 0x06 ? 0x8A : type | 0x80
        (fields + offset).storeBytes(of: mark, as: UInt8.self)
        dead += 1
    }

    mutating func kill(_ position: Int) {
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
    func scan(_ key: UnsafeRawPointer, _ keyLength: Int) -> Int {
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
    func scanSlowly(_ key: UnsafeRawPointer, _ keyLength: Int) -> Int {
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
    static func hasDotOrNUL(_ word: UInt64) -> Bool {
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
    static func fill(_ count: Int) -> UInt64 {
        count >= 8 ? 0 : ~0 << UInt64(8 * count)
    }

    /// Prepares for a key that no literal of the same address has: the entry it replaces, −1 if it is new, −2 if the
    /// path leads through a value that is no document, −3 if a document on the path could not be opened for lack of room.
    @inline(__always)
    mutating func resolve(_ key: UnsafeRawPointer, _ keyLength: Int, dotted: Bool) -> Int {
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
    mutating func explode(_ position: Int) -> Bool {
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
}
