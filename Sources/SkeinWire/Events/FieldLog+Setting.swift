internal import SkeinBSON
import SkeinPlatform

extension FieldLog {
    /// Sets a value of at most 8 bytes (bool, int32, int64, double, datetime, null).
    @inline(__always)
    public mutating func setScalar(
        _ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, type: UInt8, bits: UInt64, size: Int
    ) -> Outcome {
        let found = literal ? findLiteral(key, keyLength) : -1
        if found >= 0, (index + found).pointee.type == type, size > 0 {
            // Same size: one store, which a kill finds done or not done.
            let entry = (index + found).pointee
            let value = fields + Int(entry.offset) + Int(entry.keyLength) + 2
            Self.store(bits, size: size, at: value)
            return .stored
        }
        let place = reserve(key, keyLength, literal: literal, found: found, type: type, size: size)
        guard let value = place.value else { return place.outcome }
        Self.store(bits, size: size, at: value)
        commit(place, valueSize: size)
        return .stored
    }

    /// Sets a string.
    @inline(__always)
    public mutating func setString(
        _ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, _ bytes: UnsafeRawPointer?, _ count: Int
    ) -> Outcome {
        let found = literal ? findLiteral(key, keyLength) : -1
        let place = reserve(
            key, keyLength, literal: literal, found: found, type: BSONType.string.rawValue, size: count + 5)
        guard let value = place.value else { return place.outcome }
        value.storeBytes(of: Int32(truncatingIfNeeded: count + 1).littleEndian, as: Int32.self)
        if let bytes { Self.copy(bytes, count, to: value + 4) }
        value.storeBytes(of: 0, toByteOffset: 4 + count, as: UInt8.self)
        commit(place, valueSize: count + 5)
        return .stored
    }

    /// Sets a value from its BSON bytes, which the caller has checked.
    public mutating func setRaw(
        _ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, type: UInt8, _ bytes: UnsafeRawBufferPointer
    ) -> Outcome {
        var type = type
        var replacement: [UInt8]? = nil
        // 0x7F and 0xFF cannot be told from a dead element's mark.
        if type == BSONType.maxKey.rawValue || type == BSONType.minKey.rawValue {
            replacement = Array((type == BSONType.maxKey.rawValue ? "maxKey" : "minKey").utf8)
            replacement?.append(0)
            replacement?.insert(contentsOf: [7, 0, 0, 0], at: 0)
            type = BSONType.string.rawValue
        }
        let size = replacement?.count ?? bytes.count
        let found = literal ? findLiteral(key, keyLength) : -1
        let place = reserve(key, keyLength, literal: literal, found: found, type: type, size: size)
        guard let value = place.value else { return place.outcome }
        if let replacement {
            replacement.withUnsafeBytes { value.copyMemory(from: $0.baseAddress!, byteCount: size) }
        } else if let base = bytes.baseAddress {
            value.copyMemory(from: base, byteCount: size)
        }
        commit(place, valueSize: size)
        return .stored
    }

    /// The value's bytes of a live field with exactly this path, or nil. Valid until the next write.
    public func value(
        _ key: UnsafeRawPointer, _ keyLength: Int
    ) -> (type: UInt8, bytes: UnsafeRawBufferPointer)? {
        let found = findExact(key, keyLength)
        guard found >= 0 else { return nil }
        let entry = (index + found).pointee
        let start = fields + Int(entry.offset) + Int(entry.keyLength) + 2
        guard
            let size = Self.valueSize(
                entry.type, start, available: length - Int(entry.offset) - Int(entry.keyLength) - 2)
        else { return nil }
        return (entry.type, UnsafeRawBufferPointer(start: start, count: size))
    }

    /// Removes a field, and all below it. Returns whether there was one.
    public mutating func remove(_ key: UnsafeRawPointer, _ keyLength: Int) -> Bool {
        var removed = false
        var position = 0
        while position < indexCount {
            let entry = (index + position).pointee
            let stored = keyPointer(entry)
            let matches =
                entry.keyLength == keyLength
                ? memcmp(stored, key, keyLength) == 0
                : Int(entry.keyLength) > keyLength && byte(stored, keyLength) == 0x2E
                    && memcmp(stored, key, keyLength) == 0
            if matches {
                kill(position)
                removed = true
            } else {
                position += 1
            }
        }
        return removed
    }

    /// Moves the live elements into a larger block; returns nothing, the old block stays its owner's.
    public mutating func grow(to block: UnsafeMutableRawPointer, capacity newCapacity: Int) {
        let target = block + SlotLayout.fields
        var written = 0
        for position in 0..<indexCount {
            let entry = (index + position).pointee
            let size = elementSize(entry)
            (target + written).copyMemory(from: fields + Int(entry.offset), byteCount: size)
            (index + position).pointee.offset = UInt32(written)
            written += size
        }
        fields = target
        capacity = newCapacity
        length = written
        dead = 0
        publish()
    }
}
