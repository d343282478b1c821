extension FieldLog {
    /// Where the value of a literal key goes, if the last use of this block set the same key in the same place and there is
    /// room; else nil, and nothing has happened.
    @inlinable @inline(__always)
    public func expected(_ key: UnsafeRawPointer, _ keyLength: Int, size: Int) -> UnsafeMutableRawPointer? {
        guard indexCount < shapeCount else { return nil }
        let entry = index + indexCount
        guard entry.pointee.address == UInt(bitPattern: key), Int(entry.pointee.keyLength) == keyLength,
            length &+ keyLength &+ 2 &+ size <= capacity
        else { return nil }
        return fields + (length &+ keyLength &+ 2)
    }

    /// Completes what ``expected(_:_:size:)`` began, once the value stands: key, type, commit.
    @inlinable @inline(__always)
    public mutating func commitExpected(_ key: UnsafeRawPointer, _ keyLength: Int, type: UInt8, size: Int) {
        let element = fields + length
        element.storeBytes(of: type, as: UInt8.self)
        Self.copy(key, keyLength, to: element + 1)
        element.storeBytes(of: 0, toByteOffset: keyLength &+ 1, as: UInt8.self)
        let entry = index + indexCount
        entry.pointee.offset = UInt32(truncatingIfNeeded: length)
        entry.pointee.size = UInt32(truncatingIfNeeded: keyLength &+ 2 &+ size)
        entry.pointee.type = type
        length &+= keyLength &+ 2 &+ size
        publish()
        indexCount &+= 1
        dots &+= Int(entry.pointee.dots)
    }
}
