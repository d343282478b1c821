/// The walk behind ``EventCheck``: every element of a document and of those inside it, once.
///
/// All offsets are from `base`, and nothing is read at or beyond the `end` it was given.
struct DocumentWalk {
    let base: UnsafeRawPointer
    private var depth = 0

    init(base: UnsafeRawPointer) {
        self.base = base
    }

    // The envelope's keys as the eight bytes at a key's place, little-endian, cut at its NUL. None has more than
    // seven bytes. Literals, since a lazily made constant costs a check at each use.
    private enum Key {
        static var type: UInt64 { 0x6570_7974 }
        static var id: UInt64 { 0x6469 }
        static var host: UInt64 { 0x7473_6F68 }
        static var span: UInt64 { 0x6E61_7073 }
        static var parent: UInt64 { 0x746E_6572_6170 }
        static var start: UInt64 { 0x0074_7261_7473 }
        static var end: UInt64 { 0x0064_6E65 }
        static var level: UInt64 { 0x006C_6576_656C }
    }

    /// Walks the document that fills `0 ..< end`, noting what belongs to an event's envelope.
    /// - Returns: false if it is malformed anywhere.
    mutating func envelope(end: Int, into envelope: inout EventEnvelope) -> Bool {
        guard byte(end &- 1) == 0 else { return false }
        let last = end &- 1
        var position = 4
        while position < last {
            let kind = byte(position)
            var short: UInt64 = 0
            guard let value = key(from: position &+ 1, end: last, short: &short) else { return false }
            guard let next = self.value(kind, at: value, end: last) else { return false }
            if short != 0 { note(short, kind, value: value, next: next, in: &envelope) }
            position = next
        }
        return position == last
    }

    /// Walks a document inside another: `start ..< end` as its own length says.
    private mutating func document(at start: Int, end limit: Int) -> Int? {
        guard start &+ 5 <= limit else { return nil }
        let length = Int(int32(start))
        guard length >= 5, length <= limit &- start else { return nil }
        depth += 1
        guard depth < EventCheck.maximumDepth else { return nil }
        let end = start &+ length
        guard byte(end &- 1) == 0 else { return nil }
        var position = start &+ 4
        let last = end &- 1
        while position < last {
            var ignored: UInt64 = 0
            guard let value = key(from: position &+ 1, end: last, short: &ignored),
                let next = self.value(byte(position), at: value, end: last)
            else { return nil }
            position = next
        }
        depth -= 1
        return position == last ? end : nil
    }

    /// Reads a key. `short` becomes its bytes, little-endian, if there are one to seven.
    /// - Returns: the offset behind its NUL.
    @inline(__always)
    private func key(from start: Int, end: Int, short: inout UInt64) -> Int? {
        if start &+ 8 <= end {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: start, as: UInt64.self))
            // Exact for the lowest zero byte, which is the one wanted.
            let zero = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
            if zero != 0 {
                let bits = zero.trailingZeroBitCount &- 7
                let cut = word & ((1 &<< UInt64(truncatingIfNeeded: bits)) &- 1)
                if cut & 0x8080_8080_8080_8080 == 0 {
                    short = cut
                    return start &+ (bits >> 3) &+ 1
                }
            }
        }
        return longKey(from: start, end: end, short: &short)
    }

    /// A key of eight bytes or more: eight at a time as well.
    @inline(never)
    private func longKey(from start: Int, end: Int, short: inout UInt64) -> Int? {
        var position = start
        var high: UInt64 = 0
        while position &+ 8 <= end {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let zero = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
            if zero != 0 {
                let bits = zero.trailingZeroBitCount &- 7
                high |= word & ((1 &<< UInt64(truncatingIfNeeded: bits)) &- 1)
                let terminator = position &+ (bits >> 3)
                if high & 0x8080_8080_8080_8080 == 0 && terminator &- start >= 8 { return terminator &+ 1 }
                break
            }
            high |= word
            position &+= 8
        }
        return rareKey(from: start, end: end, short: &short)
    }

    /// A key with bytes beyond ASCII, or close to the end of the document.
    @inline(never)
    private func rareKey(from start: Int, end: Int, short: inout UInt64) -> Int? {
        guard let terminator = terminator(from: start, end: end) else { return nil }
        guard UTF8Check.isValid(base + start, terminator - start) else { return nil }
        if terminator - start < 8 {
            short = (start..<terminator).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(byte($1)) }
        }
        return terminator + 1
    }

    private func terminator(from start: Int, end: Int) -> Int? {
        var position = start
        while position < end {
            if byte(position) == 0 { return position }
            position += 1
        }
        return nil
    }

    /// Steps over a value.
    /// - Returns: the offset behind it, or nil if it does not fit before `end` or is malformed.
    @inline(__always)
    private mutating func value(_ kind: UInt8, at start: Int, end: Int) -> Int? {
        let next: Int
        switch kind {
        case 0x02:
            return string(at: start, end: end)
        case 0x01, 0x09, 0x11, 0x12:
            next = start &+ 8
        case 0x10:
            next = start &+ 4
        case 0x03, 0x04:
            return document(at: start, end: end)
        default:
            return rareValue(kind, at: start, end: end)
        }
        return next <= end ? next : nil
    }

    @inline(__always)
    private func string(at start: Int, end: Int) -> Int? {
        guard start &+ 5 <= end else { return nil }
        let length = Int(int32(start))
        guard length >= 1, length <= end &- start &- 4 else { return nil }
        let next = start &+ 4 &+ length
        guard byte(next &- 1) == 0 else { return nil }
        return UTF8Check.isValid(base + start + 4, length &- 1) ? next : nil
    }

    @inline(never)
    private mutating func rareValue(_ kind: UInt8, at start: Int, end: Int) -> Int? {
        switch kind {
        case 0x06, 0x0A, 0x7F, 0xFF:
            return start
        case 0x05:
            return binary(at: start, end: end)
        case 0x07:
            return start + 12 <= end ? start + 12 : nil
        case 0x08:
            guard start < end, byte(start) <= 1 else { return nil }
            return start + 1
        case 0x0B:
            guard let pattern = text(at: start, end: end) else { return nil }
            return text(at: pattern, end: end)
        case 0x0C:
            guard let name = string(at: start, end: end), name + 12 <= end else { return nil }
            return name + 12
        case 0x0D, 0x0E:
            return string(at: start, end: end)
        case 0x0F:
            return code(at: start, end: end)
        case 0x13:
            return start + 16 <= end ? start + 16 : nil
        default:
            return nil
        }
    }

    private func binary(at start: Int, end: Int) -> Int? {
        guard start + 5 <= end else { return nil }
        let length = Int(int32(start))
        guard length >= 0, length <= end - start - 5 else { return nil }
        if byte(start + 4) == 2 {
            // The old subtype repeats its length inside.
            guard length >= 4, Int(int32(start + 5)) == length - 4 else { return nil }
        }
        return start + 5 + length
    }

    private func text(at start: Int, end: Int) -> Int? {
        guard let terminator = terminator(from: start, end: end) else { return nil }
        return UTF8Check.isValid(base + start, terminator - start) ? terminator + 1 : nil
    }

    private mutating func code(at start: Int, end: Int) -> Int? {
        guard start + 14 <= end else { return nil }
        let length = Int(int32(start))
        guard length >= 14, length <= end - start else { return nil }
        let next = start + length
        guard let scope = string(at: start + 4, end: next), document(at: scope, end: next) == next else {
            return nil
        }
        return next
    }

    // MARK: The envelope

    @inline(__always)
    private func note(_ key: UInt64, _ kind: UInt8, value: Int, next: Int, in envelope: inout EventEnvelope) {
        switch key {
        case Key.type: if !envelope.type.isPresent { envelope.type = text(kind, value, next) }
        case Key.id:
            if !envelope.id.isPresent && envelope.numericID == nil {
                envelope.id = text(kind, value, next)
                if !envelope.id.isPresent { envelope.numericID = integer(kind, value) }
            }
        case Key.host: if !envelope.host.isPresent { envelope.host = text(kind, value, next) }
        case Key.start: if envelope.start == nil { envelope.start = seconds(kind, value) }
        case Key.end: if envelope.end == nil { envelope.end = seconds(kind, value) }
        case Key.span: if !envelope.span.isPresent { envelope.span = text(kind, value, next) }
        case Key.parent: if !envelope.parent.isPresent { envelope.parent = text(kind, value, next) }
        case Key.level:
            if envelope.level == nil {
                envelope.level = integer(kind, value).flatMap { Int32(exactly: $0) }
            }
        default: break
        }
    }

    /// A string, or a binary of subtype 0: its text's place. The value was stepped over before, so it fits.
    @inline(__always)
    private func text(_ kind: UInt8, _ value: Int, _ next: Int) -> EventEnvelope.Text {
        if kind == 0x02 {
            return .init(offset: UInt32(value &+ 4), count: UInt32(next &- value &- 5))
        }
        guard kind == 0x05, byte(value &+ 4) == 0 else { return .init() }
        return .init(offset: UInt32(value &+ 5), count: UInt32(next &- value &- 5))
    }

    private func integer(_ kind: UInt8, _ value: Int) -> Int64? {
        switch kind {
        case 0x10: Int64(int32(value))
        case 0x12, 0x11: int64(value)
        case 0x01: Int64(exactly: double(value))
        default: nil
        }
    }

    @inline(__always)
    private func seconds(_ kind: UInt8, _ value: Int) -> Double? {
        if kind == 0x01 {
            let number = double(value)
            return number.isFinite ? number : nil
        }
        return switch kind {
        case 0x10: Double(int32(value))
        case 0x12: Double(int64(value))
        case 0x09: Double(int64(value)) / 1000  // a datetime, in milliseconds
        default: nil
        }
    }

    // MARK: Bytes

    @inline(__always)
    private func byte(_ offset: Int) -> UInt8 { base.load(fromByteOffset: offset, as: UInt8.self) }

    @inline(__always)
    private func int32(_ offset: Int) -> Int32 {
        Int32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: Int32.self))
    }

    @inline(__always)
    private func int64(_ offset: Int) -> Int64 {
        Int64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: Int64.self))
    }

    @inline(__always)
    private func double(_ offset: Int) -> Double {
        Double(bitPattern: UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
}
