/// Arrays of numbers as bytes, the lowest byte first.
enum LittleEndian {
    static func bytes<Number: FixedWidthInteger>(_ numbers: [Number]) -> [UInt8] {
        let numbers = Number(littleEndian: 1) == 1 ? numbers : numbers.map(\.littleEndian)
        return numbers.withUnsafeBytes { Array($0) }
    }

    static func numbers<Number: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer, as _: Number.Type
    ) -> [Number] {
        let size = MemoryLayout<Number>.size
        return [Number](unsafeUninitializedCapacity: bytes.count / size) { target, count in
            count = bytes.count / size
            for index in 0..<count {
                target[index] = Number(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: index * size, as: Number.self))
            }
        }
    }
}
