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
        guard let value = endOfKey() else { return stop() }
        self.value = value
        guard let next = skip() else { return stop() }
        position = next
        return true
    }

    /// Where the value ends.
    @inline(__always)
    var valueEnd: Int { position }

    private mutating func stop() -> Bool {
        position = last
        return false
    }

    @inline(__always)
    func int32(_ offset: Int) -> Int {
        Int(Int32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
    }

    /// Whether the key is this one.
    @inline(__always)
    func hasKey(_ step: FilterProgram.Step) -> Bool {
        if step.word != 0 { return word == step.word }
        let count = value &- keyStart &- 1
        guard count == step.name.count, let name = step.name.baseAddress else { return false }
        return memcmp(base + keyStart, name, count) == 0
    }

    @inline(__always)
    private mutating func endOfKey() -> Int? {
        word = 0
        if keyStart &+ 8 <= last {
            let bytes = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: keyStart, as: UInt64.self))
            let zero = (bytes &- 0x0101_0101_0101_0101) & ~bytes & 0x8080_8080_8080_8080
            if zero != 0 {
                let bits = zero.trailingZeroBitCount &- 7
                word = bytes & ((1 &<< UInt64(truncatingIfNeeded: bits)) &- 1)
                return keyStart &+ (bits >> 3) &+ 1
            }
        }
        return endOfLongKey()
    }

    @inline(never)
    private mutating func endOfLongKey() -> Int? {
        guard let found = memchr(base + keyStart, 0, last - keyStart) else { return nil }
        let end = UnsafeRawPointer(found) - base
        if end - keyStart < 8 {
            for offset in (keyStart..<end).reversed() {
                word = word << 8 | UInt64(base.load(fromByteOffset: offset, as: UInt8.self))
            }
        }
        return end + 1
    }

    /// Where the value ends; nil if it cannot be one.
    @inline(__always)
    private func skip() -> Int? {
        let next: Int
        switch kind {
        case 0x01, 0x09, 0x11, 0x12: next = value &+ 8
        case 0x02: return text(at: value)
        case 0x03, 0x04: return document(at: value)
        case 0x10: next = value &+ 4
        default: return skipRare()
        }
        return next <= last ? next : nil
    }

    @inline(__always)
    private func text(at start: Int) -> Int? {
        guard start &+ 5 <= last else { return nil }
        let length = int32(start)
        guard length >= 1, length <= last &- start &- 4,
            base.load(fromByteOffset: start &+ 3 &+ length, as: UInt8.self) == 0
        else { return nil }
        return start &+ 4 &+ length
    }

    @inline(__always)
    private func document(at start: Int) -> Int? {
        guard start &+ 5 <= last else { return nil }
        let length = int32(start)
        guard length >= 5, length <= last &- start,
            base.load(fromByteOffset: start &+ length &- 1, as: UInt8.self) == 0
        else { return nil }
        return start &+ length
    }

    @inline(never)
    private func skipRare() -> Int? {
        func fixed(_ count: Int, from start: Int) -> Int? { start + count <= last ? start + count : nil }
        switch kind {
        case 0x06, 0x0A, 0x7F, 0xFF: return value
        case 0x05:
            guard value + 5 <= last, int32(value) >= 0, int32(value) <= last - value - 5 else { return nil }
            return value + 5 + int32(value)
        case 0x07: return fixed(12, from: value)
        case 0x08: return fixed(1, from: value)
        case 0x0B:
            guard let pattern = memchr(base + value, 0, last - value) else { return nil }
            let options = UnsafeRawPointer(pattern) - base + 1
            guard let end = memchr(base + options, 0, last - options) else { return nil }
            return UnsafeRawPointer(end) - base + 1
        case 0x0C:
            guard let name = text(at: value) else { return nil }
            return fixed(12, from: name)
        case 0x0D, 0x0E: return text(at: value)
        case 0x0F:
            guard value + 14 <= last, int32(value) >= 14, int32(value) <= last - value else { return nil }
            return value + int32(value)
        case 0x13: return fixed(16, from: value)
        default: return nil
        }
    }
}
