import SkeinPlatform

/// What lays an event out in files: its type and its time, found by walking the top level only as far as needed.
///
/// For documents that were checked when they came in. Every step still stays inside the bytes, since a
/// journal can be damaged. About 15 ns for an event in the usual order of keys.
struct EventScan {
    /// The type's bytes; empty if there is none.
    var type: UnsafeRawBufferPointer
    /// `end`, else `start`, in Unix seconds; NaN if there is neither.
    var time: Double

    private enum Key {
        static var type: UInt64 { 0x6570_7974 }
        static var end: UInt64 { 0x64_6E65 }
        static var start: UInt64 { 0x74_7261_7473 }
    }

    @inline(__always)
    init(_ document: UnsafeRawBufferPointer) {
        type = UnsafeRawBufferPointer(start: nil, count: 0)
        time = .nan
        guard document.count > 5, let base = document.baseAddress else { return }
        let last = document.count &- 1
        var start = Double.nan
        var hasType = false
        var position = 4
        while position < last {
            let kind = base.load(fromByteOffset: position, as: UInt8.self)
            var key: UInt64 = 0
            guard let value = Self.key(base, position &+ 1, last, &key),
                let next = Self.skip(kind, base, value, last)
            else { break }
            switch key {
            case Key.type:
                if !hasType, let text = Self.text(kind, base, value, next) {
                    type = text
                    hasType = true
                    if time.isFinite { return }
                }
            case Key.end:
                if time.isNaN, let seconds = Self.seconds(kind, base, value) {
                    time = seconds
                    if hasType { return }
                }
            case Key.start:
                if start.isNaN, let seconds = Self.seconds(kind, base, value) { start = seconds }
            default: break
            }
            position = next
        }
        if time.isNaN { time = start }
    }

    /// A key's first seven bytes as a little-endian word, 0 if it is longer; the offset behind its NUL.
    @inline(__always)
    private static func key(_ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ key: inout UInt64) -> Int? {
        if start &+ 8 <= end {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: start, as: UInt64.self))
            let zero = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
            if zero != 0 {
                let bits = zero.trailingZeroBitCount &- 7
                key = word & ((1 &<< UInt64(truncatingIfNeeded: bits)) &- 1)
                return start &+ (bits >> 3) &+ 1
            }
        }
        var position = start
        while position < end {
            if base.load(fromByteOffset: position, as: UInt8.self) == 0 {
                if position &- start < 8 {
                    for offset in (start..<position).reversed() {
                        key = key << 8 | UInt64(base.load(fromByteOffset: offset, as: UInt8.self))
                    }
                }
                return position &+ 1
            }
            position &+= 1
        }
        return nil
    }

    @inline(__always)
    private static func skip(_ kind: UInt8, _ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int? {
        func length(_ extra: Int) -> Int? {
            guard start &+ 4 <= end else { return nil }
            let length = Int(Int32(littleEndian: base.loadUnaligned(fromByteOffset: start, as: Int32.self)))
            guard length >= 0, length <= end &- start else { return nil }
            return start &+ length &+ extra
        }
        let next: Int?
        switch kind {
        case 0x02, 0x0D, 0x0E: next = length(4)
        case 0x01, 0x09, 0x11, 0x12: next = start &+ 8
        case 0x10: next = start &+ 4
        case 0x03, 0x04, 0x0F: next = length(0)
        case 0x05: next = length(5)
        case 0x06, 0x0A, 0x7F, 0xFF: next = start
        case 0x07: next = start &+ 12
        case 0x08: next = start &+ 1
        case 0x0C: next = length(16)
        case 0x13: next = start &+ 16
        case 0x0B:
            var ignored: UInt64 = 0
            next = key(base, start, end, &ignored).flatMap { key(base, $0, end, &ignored) }
        default: next = nil
        }
        // A step of nothing would never end.
        guard let next, next <= end else { return nil }
        return next
    }

    @inline(__always)
    private static func text(
        _ kind: UInt8, _ base: UnsafeRawPointer, _ value: Int, _ next: Int
    ) -> UnsafeRawBufferPointer? {
        if kind == 0x02, next &- value >= 5 {
            return UnsafeRawBufferPointer(start: base + value + 4, count: next &- value &- 5)
        }
        guard kind == 0x05, next &- value >= 5, base.load(fromByteOffset: value + 4, as: UInt8.self) == 0
        else {
            return nil
        }
        return UnsafeRawBufferPointer(start: base + value + 5, count: next &- value &- 5)
    }

    @inline(__always)
    private static func seconds(_ kind: UInt8, _ base: UnsafeRawPointer, _ value: Int) -> Double? {
        func word() -> UInt64 {
            UInt64(littleEndian: base.loadUnaligned(fromByteOffset: value, as: UInt64.self))
        }
        let seconds: Double
        switch kind {
        case 0x01: seconds = Double(bitPattern: word())
        case 0x10:
            seconds = Double(Int32(littleEndian: base.loadUnaligned(fromByteOffset: value, as: Int32.self)))
        case 0x12: seconds = Double(Int64(bitPattern: word()))
        case 0x09: seconds = Double(Int64(bitPattern: word())) / 1000
        default: return nil
        }
        return seconds.isFinite ? seconds : nil
    }
}
