import SkeinPlatform

/// The elements of one document in untrusted bytes, one after the other: where each key and value is, and nothing more.
///
/// Nothing is read outside the document. What is malformed ends the walk, so what stands behind it is not found.
struct ElementWalk {
    let base: UnsafeRawPointer
    private(set) var position: Int
    /// The document's terminator.
    let last: Int
    private(set) var kind: UInt8 = 0
    private(set) var keyStart = 0
    /// Behind the key's NUL.
    private(set) var value = 0
    /// Whether the walk has ended because of what is malformed.
    private(set) var isBroken = false
    /// The key's bytes as a little-endian word, if it has at most seven; else 0.
    private(set) var word: UInt64 = 0

    /// Walks the document at `start`; `end` is where what holds it ends.
    @inline(__always)
    init?(_ base: UnsafeRawPointer, at start: Int, end: Int) {
        guard end &- start >= 5 else { return nil }
        let length = Int(Int32(littleEndian: base.loadUnaligned(fromByteOffset: start, as: Int32.self)))
        guard length >= 5, length <= end &- start,
            base.load(fromByteOffset: start &+ length &- 1, as: UInt8.self) == 0
        else { return nil }
        self.base = base
        position = start &+ 4
        last = start &+ length &- 1
    }

    /// Goes to the next element; false at the end, and where the document is malformed.
    @inline(__always)
    mutating func next() -> Bool {
        guard position < last else { return false }
        kind = base.load(fromByteOffset: position, as: UInt8.self)
        keyStart = position &+ 1
        guard let value = Self.endOfKey(base, keyStart, last, &word) else { return stop() }
        self.value = value
        guard let next = Self.skip(kind, base, value, last) else { return stop() }
        position = next
        return true
    }

    /// Where the value ends.
    @inline(__always)
    var valueEnd: Int { position }

    @inline(__always)
    private mutating func stop() -> Bool {
        position = last
        isBroken = true
        return false
    }

    /// Whether the key is this one.
    @inline(__always)
    func hasKey(_ step: FilterProgram.Step) -> Bool {
        if step.word != 0 { return word == step.word }
        let count = value &- keyStart &- 1
        guard count == step.name.count, let name = step.name.baseAddress else { return false }
        return memcmp(base + keyStart, name, count) == 0
    }

    // Everything below is static: a method that is not inlined would need the whole value in memory, and each step would wait
    // for what the one before stored there.

    @inline(__always)
    private static func endOfKey(
        _ base: UnsafeRawPointer, _ start: Int, _ last: Int, _ word: inout UInt64
    ) -> Int? {
        if start &+ 8 <= last {
            let bytes = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: start, as: UInt64.self))
            let zero = (bytes &- 0x0101_0101_0101_0101) & ~bytes & 0x8080_8080_8080_8080
            if zero != 0 {
                let bits = zero.trailingZeroBitCount &- 7
                word = bytes & ((1 &<< UInt64(truncatingIfNeeded: bits)) &- 1)
                return start &+ (bits >> 3) &+ 1
            }
        }
        let end = endOfLongKey(base, start, last)
        word = end.word
        return end.value >= 0 ? end.value : nil
    }

    /// - Returns: below zero if the key does not end.
    @inline(never)
    private static func endOfLongKey(
        _ base: UnsafeRawPointer, _ start: Int, _ last: Int
    ) -> (value: Int, word: UInt64) {
        guard let found = memchr(base + start, 0, last - start) else { return (-1, 0) }
        let end = UnsafeRawPointer(found) - base
        var word: UInt64 = 0
        if end - start < 8 {
            for offset in (start..<end).reversed() {
                word = word << 8 | UInt64(base.load(fromByteOffset: offset, as: UInt8.self))
            }
        }
        return (end + 1, word)
    }

    /// Where the value ends; nil if it cannot be one.
    @inline(__always)
    private static func skip(_ kind: UInt8, _ base: UnsafeRawPointer, _ value: Int, _ last: Int) -> Int? {
        let next: Int
        switch kind {
        case 0x01, 0x09, 0x11, 0x12: next = value &+ 8
        case 0x02: return text(base, value, last)
        case 0x03, 0x04: return document(base, value, last)
        case 0x10: next = value &+ 4
        default: return skipRare(kind, base, value, last)
        }
        return next <= last ? next : nil
    }

    @inline(__always)
    private static func int32(_ base: UnsafeRawPointer, _ offset: Int) -> Int {
        Int(Int32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
    }

    @inline(__always)
    private static func text(_ base: UnsafeRawPointer, _ start: Int, _ last: Int) -> Int? {
        guard start &+ 5 <= last else { return nil }
        let length = int32(base, start)
        guard length >= 1, length <= last &- start &- 4,
            base.load(fromByteOffset: start &+ 3 &+ length, as: UInt8.self) == 0
        else { return nil }
        return start &+ 4 &+ length
    }

    @inline(__always)
    private static func document(_ base: UnsafeRawPointer, _ start: Int, _ last: Int) -> Int? {
        guard start &+ 5 <= last else { return nil }
        let length = int32(base, start)
        guard length >= 5, length <= last &- start,
            base.load(fromByteOffset: start &+ length &- 1, as: UInt8.self) == 0
        else { return nil }
        return start &+ length
    }

    @inline(never)
    private static func skipRare(_ kind: UInt8, _ base: UnsafeRawPointer, _ value: Int, _ last: Int) -> Int? {
        func fixed(_ count: Int, from start: Int) -> Int? { start + count <= last ? start + count : nil }
        switch kind {
        case 0x06, 0x0A, 0x7F, 0xFF: return value
        case 0x05:
            guard value + 5 <= last else { return nil }
            let length = int32(base, value)
            guard length >= 0, length <= last - value - 5 else { return nil }
            return value + 5 + length
        case 0x07: return fixed(12, from: value)
        case 0x08: return fixed(1, from: value)
        case 0x0B:
            guard let pattern = memchr(base + value, 0, last - value) else { return nil }
            let options = UnsafeRawPointer(pattern) - base + 1
            guard let end = memchr(base + options, 0, last - options) else { return nil }
            return UnsafeRawPointer(end) - base + 1
        case 0x0C:
            guard let name = text(base, value, last) else { return nil }
            return fixed(12, from: name)
        case 0x0D, 0x0E: return text(base, value, last)
        case 0x0F:
            guard value + 14 <= last else { return nil }
            let length = int32(base, value)
            guard length >= 14, length <= last - value else { return nil }
            return value + length
        case 0x13: return fixed(16, from: value)
        default: return nil
        }
    }
}
