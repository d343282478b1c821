internal import SkeinBSON
import SkeinPlatform

extension FieldLog {
    /// Adds to a number, from 0. Integers stay integers until a double is added; an overflow becomes a double.
    public mutating func add(
        _ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, integer: Int64, double: Double?
    ) -> Outcome {
        var current: (type: UInt8, bytes: UnsafeRawBufferPointer)? = nil
        let found = literal ? findLiteral(key, keyLength) : -1
        if found >= 0 {
            let entry = (index + found).pointee
            current = value(keyPointer(entry), Int(entry.keyLength))
        } else {
            current = value(key, keyLength)
        }
        var wholePart: Int64 = 0
        var fraction: Double? = nil
        if let current {
            switch current.type {
            case 0x01:
                fraction = Double(
                    bitPattern: UInt64(littleEndian: current.bytes.loadUnaligned(as: UInt64.self)))
            case 0x10: wholePart = Int64(Int32(littleEndian: current.bytes.loadUnaligned(as: Int32.self)))
            case 0x12: wholePart = Int64(littleEndian: current.bytes.loadUnaligned(as: Int64.self))
            default: return .wrongType
            }
        }
        if fraction == nil, double == nil {
            let (sum, overflow) = wholePart.addingReportingOverflow(integer)
            if !overflow {
                return setScalar(
                    key, keyLength, literal: literal, type: 0x12, bits: UInt64(bitPattern: sum), size: 8)
            }
        }
        let sum = (fraction ?? Double(wholePart)) + (double ?? Double(integer))
        return setScalar(key, keyLength, literal: literal, type: 0x01, bits: sum.bitPattern, size: 8)
    }

    /// Appends an item to an array, from an empty one. Costs a copy of the array.
    /// - Parameter maximumBytes: of the array; beyond it the item is refused as ``Outcome/tooManyFields``.
    public mutating func append(
        _ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, type: UInt8, _ item: UnsafeRawBufferPointer,
        maximumBytes: Int
    ) -> Outcome {
        var array: [UInt8] = [0, 0, 0, 0]
        var count = 0
        if let current = value(key, keyLength) {
            guard current.type == BSONType.array.rawValue else { return .wrongType }
            array.reserveCapacity(current.bytes.count + item.count + 16)
            array.append(contentsOf: current.bytes.dropFirst(4).dropLast())
            Self.walk(current.bytes) { _, _, _ in count += 1 }
        }
        array.append(type)
        array.append(contentsOf: String(count).utf8)
        array.append(0)
        array.append(contentsOf: item)
        array.append(0)
        guard array.count <= maximumBytes else { return .tooManyFields }
        let size = Int32(array.count)
        withUnsafeBytes(of: size.littleEndian) { array.replaceSubrange(0..<4, with: $0) }
        return array.withUnsafeBytes {
            setRaw(key, keyLength, literal: literal, type: BSONType.array.rawValue, $0)
        }
    }
}

extension FieldLog {
    /// Bytes of the block with its head, as it was given.
    public var blockBytes: Int { capacity + SlotLayout.fields }

    /// Goes on, empty, in another block.
    public mutating func rehouse(in block: UnsafeMutableRawPointer, capacity newCapacity: Int) {
        fields = block + SlotLayout.fields
        capacity = newCapacity
        reset()
    }
}
