import SkeinPlatform

extension FieldLog {
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
                let tail = source.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
                target.storeBytes(of: head, as: UInt64.self)
                target.storeBytes(of: tail, toByteOffset: count &- 8, as: UInt64.self)
            } else if count <= 32 {
                let head = source.loadUnaligned(as: SIMD2<UInt64>.self)
                let tail = source.loadUnaligned(fromByteOffset: count &- 16, as: SIMD2<UInt64>.self)
                target.storeBytes(of: head, as: SIMD2<UInt64>.self)
                target.storeBytes(of: tail, toByteOffset: count &- 16, as: SIMD2<UInt64>.self)
            } else if count <= 64 {
                let first = source.loadUnaligned(as: SIMD2<UInt64>.self)
                let second = source.loadUnaligned(fromByteOffset: 16, as: SIMD2<UInt64>.self)
                let third = source.loadUnaligned(fromByteOffset: count &- 32, as: SIMD2<UInt64>.self)
                let fourth = source.loadUnaligned(fromByteOffset: count &- 16, as: SIMD2<UInt64>.self)
                target.storeBytes(of: first, as: SIMD2<UInt64>.self)
                target.storeBytes(of: second, toByteOffset: 16, as: SIMD2<UInt64>.self)
                target.storeBytes(of: third, toByteOffset: count &- 32, as: SIMD2<UInt64>.self)
                target.storeBytes(of: fourth, toByteOffset: count &- 16, as: SIMD2<UInt64>.self)
            } else {
                target.copyMemory(from: source, byteCount: count)
            }
        } else if count >= 4 {
            let head = source.loadUnaligned(as: UInt32.self)
            let tail = source.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
            target.storeBytes(of: head, as: UInt32.self)
            target.storeBytes(of: tail, toByteOffset: count &- 4, as: UInt32.self)
        } else if count > 0 {
            // One to three: the first, the middle one and the last cover all. No loop, which the compiler would unroll into more
            // code than all of the rest.
            let first = source.load(as: UInt8.self)
            let middle = source.load(fromByteOffset: count &>> 1, as: UInt8.self)
            let last = source.load(fromByteOffset: count &- 1, as: UInt8.self)
            target.storeBytes(of: first, as: UInt8.self)
            target.storeBytes(of: middle, toByteOffset: count &>> 1, as: UInt8.self)
            target.storeBytes(of: last, toByteOffset: count &- 1, as: UInt8.self)
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
