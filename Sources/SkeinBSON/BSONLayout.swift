/// Where values end: the bounds-checked arithmetic under the reader and the validator.
@usableFromInline enum BSONLayout {
    /// Sizes below zero are findings.
    @inlinable @inline(__always)
    static func fault(_ size: Int) -> BSONFault {
        BSONFault(rawValue: UInt8(truncatingIfNeeded: -1 - size)) ?? .badValue
    }

    @inlinable @inline(__always)
    static func code(_ fault: BSONFault) -> Int { -1 - Int(fault.rawValue) }

    /// The size of the value at `p`, of which `available` bytes may be read, or a finding below zero.
    ///
    /// Checks all that the shape demands: lengths, terminators, a bool's two values, what code with scope and
    /// the old binary say twice. Not the text, and not what is inside documents.
    @inlinable @inline(__always)
    static func valueSize(_ type: BSONType, _ p: UnsafeRawPointer, available: Int) -> Int {
        switch type {
        case .double, .datetime, .timestamp, .int64:
            return available >= 8 ? 8 : code(.truncated)
        case .int32:
            return available >= 4 ? 4 : code(.truncated)
        case .string, .javascript, .symbol:
            return textSize(p, available: available)
        case .document, .array:
            return documentSize(p, available: available)
        case .bool:
            if available < 1 { return code(.truncated) }
            return p.load(as: UInt8.self) <= 1 ? 1 : code(.badValue)
        case .undefined, .null, .minKey, .maxKey:
            return 0
        case .objectID:
            return available >= 12 ? 12 : code(.truncated)
        case .decimal128:
            return available >= 16 ? 16 : code(.truncated)
        case .binary:
            return binarySize(p, available: available)
        case .regex:
            return regexSize(p, available: available)
        case .dbPointer:
            return dbPointerSize(p, available: available)
        case .javascriptWithScope:
            return codeWithScopeSize(p, available: available)
        }
    }

    @inlinable @inline(__always)
    static func int32(_ p: UnsafeRawPointer) -> Int {
        Int(Int32(littleEndian: p.loadUnaligned(as: Int32.self)))
    }

    @inlinable @inline(__always)
    static func textSize(_ p: UnsafeRawPointer, available: Int) -> Int {
        if available < 5 { return code(.truncated) }
        let length = int32(p)
        if length < 1 { return code(.badLength) }
        if length > available &- 4 { return code(.truncated) }
        return p.load(fromByteOffset: 3 &+ length, as: UInt8.self) == 0
            ? 4 &+ length : code(.missingTerminator)
    }

    @inlinable @inline(__always)
    static func documentSize(_ p: UnsafeRawPointer, available: Int) -> Int {
        if available < 5 { return code(.truncated) }
        let length = int32(p)
        if length < 5 { return code(.badLength) }
        if length > available { return code(.truncated) }
        return p.load(fromByteOffset: length &- 1, as: UInt8.self) == 0 ? length : code(.missingTerminator)
    }

    @usableFromInline @inline(never)
    static func binarySize(_ p: UnsafeRawPointer, available: Int) -> Int {
        if available < 5 { return code(.truncated) }
        let length = int32(p)
        if length < 0 { return code(.badLength) }
        if length > available - 5 { return code(.truncated) }
        if p.load(fromByteOffset: 4, as: UInt8.self) == BSONBinary.oldSubtype {
            if length < 4 || int32(p + 5) != length - 4 { return code(.badLength) }
        }
        return 5 + length
    }

    @usableFromInline @inline(never)
    static func regexSize(_ p: UnsafeRawPointer, available: Int) -> Int {
        let pattern = indexOfZero(p, from: 0, to: available)
        if pattern < 0 { return code(.missingTerminator) }
        let options = indexOfZero(p, from: pattern + 1, to: available)
        return options < 0 ? code(.missingTerminator) : options + 1
    }

    @usableFromInline @inline(never)
    static func dbPointerSize(_ p: UnsafeRawPointer, available: Int) -> Int {
        let text = textSize(p, available: available)
        if text < 0 { return text }
        return available - text >= 12 ? text + 12 : code(.truncated)
    }

    @usableFromInline @inline(never)
    static func codeWithScopeSize(_ p: UnsafeRawPointer, available: Int) -> Int {
        if available < 14 { return code(.truncated) }
        let length = int32(p)
        if length < 14 { return code(.badLength) }
        if length > available { return code(.truncated) }
        let text = textSize(p + 4, available: length - 4)
        if text < 0 { return text }
        let scope = documentSize(p + 4 + text, available: length - 4 - text)
        if scope < 0 { return scope }
        return 4 + text + scope == length ? length : code(.badLength)
    }

    // MARK: Bytes

    /// The index of the first zero byte in `from ..< to`, or -1. Eight bytes at a time.
    @inlinable @inline(__always)
    static func indexOfZero(_ base: UnsafeRawPointer, from: Int, to: Int) -> Int {
        var index = from
        while to &- index >= 8 {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            // The lowest high bit that this sets is exactly that of the first zero byte.
            let zeros = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
            if zeros != 0 { return index &+ zeros.trailingZeroBitCount &>> 3 }
            index &+= 8
        }
        while index < to {
            if base.load(fromByteOffset: index, as: UInt8.self) == 0 { return index }
            index &+= 1
        }
        return -1
    }

    /// Whether two runs of bytes are the same. Keys are short: no call.
    @inlinable @inline(__always)
    static func equal(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Bool {
        let count = first.count
        if count != second.count { return false }
        guard let left = first.baseAddress, let right = second.baseAddress else { return true }
        var index = 0
        while count &- index >= 8 {
            if left.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                != right.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            {
                return false
            }
            index &+= 8
        }
        if count &- index >= 4 {
            if left.loadUnaligned(fromByteOffset: index, as: UInt32.self)
                != right.loadUnaligned(fromByteOffset: index, as: UInt32.self)
            {
                return false
            }
            index &+= 4
        }
        while index < count {
            if left.load(fromByteOffset: index, as: UInt8.self)
                != right.load(fromByteOffset: index, as: UInt8.self)
            {
                return false
            }
            index &+= 1
        }
        return true
    }
}
