/// Whether bytes are UTF-8: shortest forms only, no surrogates, nothing above U+10FFFF. NUL is a character like
/// any other.
enum UTF8Check {
    /// Eight bytes at a time while they are ASCII: 1 ns for 20 bytes.
    @inline(__always)
    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        return isValid(base, bytes.count)
    }

    @inline(__always)
    static func isValid(_ base: UnsafeRawPointer, _ count: Int) -> Bool {
        var position = 0
        while position &+ 8 <= count {
            let word = base.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            if word & 0x8080_8080_8080_8080 != 0 { return isValidSlowly(base, from: position, count) }
            position &+= 8
        }
        while position < count {
            if base.load(fromByteOffset: position, as: UInt8.self) >= 0x80 {
                return isValidSlowly(base, from: position, count)
            }
            position &+= 1
        }
        return true
    }

    /// Table 3-7 of the Unicode standard (well-formed UTF-8 byte sequences).
    @inline(never)
    private static func isValidSlowly(_ base: UnsafeRawPointer, from start: Int, _ count: Int) -> Bool {
        var position = start
        func byte(_ offset: Int) -> UInt8 { base.load(fromByteOffset: offset, as: UInt8.self) }
        func isContinuation(_ offset: Int) -> Bool { byte(offset) & 0xC0 == 0x80 }
        while position < count {
            let first = byte(position)
            switch first {
            case 0x00...0x7F:
                position += 1
            case 0xC2...0xDF:
                guard position + 1 < count, isContinuation(position + 1) else { return false }
                position += 2
            case 0xE0...0xEF:
                guard position + 2 < count, isContinuation(position + 1), isContinuation(position + 2) else {
                    return false
                }
                let second = byte(position + 1)
                if first == 0xE0 && second < 0xA0 || first == 0xED && second > 0x9F { return false }
                position += 3
            case 0xF0...0xF4:
                guard position + 3 < count, isContinuation(position + 1), isContinuation(position + 2),
                    isContinuation(position + 3)
                else { return false }
                let second = byte(position + 1)
                if first == 0xF0 && second < 0x90 || first == 0xF4 && second > 0x8F { return false }
                position += 4
            default:
                return false
            }
        }
        return true
    }
}
