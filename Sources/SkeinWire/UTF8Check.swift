import SkeinBSON

/// Whether text is UTF-8, with the common case in the caller's own loop: ASCII, eight bytes at a time.
enum UTF8Check {
    @inline(__always)
    static func isValid(_ base: UnsafeRawPointer, _ count: Int) -> Bool {
        var position = 0
        while position &+ 8 <= count {
            let word = base.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            if word & 0x8080_8080_8080_8080 != 0 { return rest(base, from: position, count) }
            position &+= 8
        }
        while position < count {
            if base.load(fromByteOffset: position, as: UInt8.self) >= 0x80 {
                return rest(base, from: position, count)
            }
            position &+= 1
        }
        return true
    }

    @inline(never)
    private static func rest(_ base: UnsafeRawPointer, from start: Int, _ count: Int) -> Bool {
        UTF8Validation.isValid(UnsafeRawBufferPointer(start: base + start, count: count - start))
    }
}
