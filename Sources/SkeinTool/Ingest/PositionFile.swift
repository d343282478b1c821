import SkeinPlatform

/// A place in a file up to which its lines are dealt with, and how to know the file again.
struct FilePosition: Equatable {
    var device: UInt64
    var inode: UInt64
    /// Where the next line begins.
    var offset: UInt64
    /// A few bytes before some place at or before the offset: a file that was begun anew has others there.
    var check = FileCheck()
}

/// Some bytes of a file, by their sum.
struct FileCheck: Equatable {
    static let mostBytes = 256

    /// Where they end.
    var end: UInt64 = 0
    var count: UInt32 = 0
    var sum: UInt32 = 0

    init() {}

    /// The bytes before a place.
    init(_ descriptor: Int32, before end: UInt64) {
        self.end = end
        let wanted = Int(min(end, UInt64(Self.mostBytes)))
        guard let sum = Self.sum(descriptor, end, wanted) else { return }
        count = UInt32(wanted)
        self.sum = sum
    }

    /// Whether the file still has them.
    func holds(_ descriptor: Int32) -> Bool {
        count == 0 || Self.sum(descriptor, end, Int(count)) == sum
    }

    private static func sum(_ descriptor: Int32, _ end: UInt64, _ count: Int) -> UInt32? {
        withUnsafeTemporaryAllocation(byteCount: mostBytes, alignment: 8) { buffer in
            guard pread(descriptor, buffer.baseAddress, count, off_t(end) - off_t(count)) == count else {
                return nil
            }
            return CRC32C.checksum(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}

/// The places in the files behind one name: that of the file which has it now, and of the one before, as long as that may grow.
struct LogPositions: Equatable {
    var current: FilePosition?
    var old: FilePosition?
}

/// Remembers how far files were read, over restarts and kills: `skein ingest --state`.
///
/// A head of 64 bytes (`SKEINPOS`, version 1 as a little-endian 32-bit number, zeroes), then a slot of 2,048 bytes for each name: its
/// length (32 bits), the name, and at 1,728 and 1,888 two copies in turn of: generation (64 bits), the two places, of 48 bytes each
/// (device, inode, offset, end of check: 64 bits each; count and sum of check; zeroes mean none), and the CRC32C of all
/// that. The valid copy with the greater generation holds. Each change is one write, so that a kill leaves the old or the new.
final class PositionFile {
    private let descriptor: Int32
    private let path: String
    private var generations: [Int: UInt64] = [:]

    private static let magic = Array("SKEINPOS".utf8)
    private static let headBytes = 64
    private static let slotBytes = 2048
    private static let copies = [1728, 1888]
    private static let recordBytes = 8 + 48 * 2
    static let mostNameBytes = 1700
    static let mostSlots = 1000

    /// Opens it, or makes it. One process at a time.
    init(_ path: String) throws(ToolFailure) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw .failed("cannot open \(SafeText.of(path)): \(SystemError.current)")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw .failed(
                "\(SafeText.of(path)) is in use by another skein ingest: give each a --state of its own")
        }
        var head = [UInt8](repeating: 0, count: Self.headBytes)
        let count = pread(descriptor, &head, head.count, 0)
        if count == 0 {
            head.replaceSubrange(0..<8, with: Self.magic)
            head[8] = 1
            guard pwrite(descriptor, head, head.count, 0) == head.count else {
                throw .failed("cannot write \(SafeText.of(path)): \(SystemError.current)")
            }
        } else if count != head.count || Array(head[..<8]) != Self.magic || head[8] != 1 {
            throw .failed("\(SafeText.of(path)) is no file of positions, or of another version")
        }
    }

    deinit { _ = close(descriptor) }

    /// The slot of a name, a new one if there is none, and what it holds.
    func slot(for name: String) throws(ToolFailure) -> (slot: Int, positions: LogPositions?) {
        let bytes = Array(name.utf8)
        guard bytes.count <= Self.mostNameBytes else {
            throw .usage("\(SafeText.of(name)): longer than \(Self.mostNameBytes) bytes")
        }
        for slot in 0..<Self.mostSlots {
            var own = [UInt8](repeating: 0, count: Self.slotBytes)
            let count = pread(descriptor, &own, own.count, off_t(Self.headBytes + slot * Self.slotBytes))
            if count <= 0 || own[..<4].allSatisfy({ $0 == 0 }) {
                own = [UInt8](repeating: 0, count: Self.slotBytes)
                withUnsafeBytes(of: UInt32(bytes.count).littleEndian) { own.replaceSubrange(0..<4, with: $0) }
                own.replaceSubrange(4..<4 + bytes.count, with: bytes)
                try write(own, slot, 0)
                return (slot, nil)
            }
            let length = own.withUnsafeBytes { Int(UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self))) }
            guard length == bytes.count, Array(own[4..<4 + length]) == bytes else { continue }
            return (slot, newest(own, slot))
        }
        throw .failed("\(SafeText.of(path)) has no room for more than \(Self.mostSlots) files")
    }

    private func newest(_ slot: [UInt8], _ number: Int) -> LogPositions? {
        var best: (generation: UInt64, positions: LogPositions)?
        for start in Self.copies {
            let record = slot[start..<start + Self.recordBytes]
            let sum = slot.withUnsafeBytes {
                UInt32(
                    littleEndian: $0.loadUnaligned(
                        fromByteOffset: start + Self.recordBytes, as: UInt32.self))
            }
            let words = Array(record)
            guard words.withUnsafeBytes({ CRC32C.checksum($0) }) == sum else { continue }
            let (generation, positions) = words.withUnsafeBytes { bytes in
                (
                    UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)),
                    LogPositions(current: Self.position(bytes, 8), old: Self.position(bytes, 56))
                )
            }
            if generation > 0, generation > best?.generation ?? 0 { best = (generation, positions) }
        }
        generations[number] = best?.generation ?? 0
        return best?.positions
    }

    private static func position(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> FilePosition? {
        func word(_ index: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start + index * 8, as: UInt64.self))
        }
        guard word(1) != 0 else { return nil }
        var position = FilePosition(device: word(0), inode: word(1), offset: word(2))
        position.check.end = word(3)
        position.check.count = min(UInt32(truncatingIfNeeded: word(4)), UInt32(FileCheck.mostBytes))
        position.check.sum = UInt32(truncatingIfNeeded: word(4) >> 32)
        return position
    }

    /// Remembers places. About a microsecond.
    func write(_ slot: Int, _ positions: LogPositions) throws(ToolFailure) {
        let generation = (generations[slot] ?? 0) + 1
        generations[slot] = generation
        var record = [UInt8](repeating: 0, count: Self.recordBytes + 4)
        record.withUnsafeMutableBytes { bytes in
            func put(_ word: UInt64, _ offset: Int) {
                bytes.storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt64.self)
            }
            put(generation, 0)
            for (start, position) in [(8, positions.current), (56, positions.old)] {
                guard let position else { continue }
                put(position.device, start)
                put(position.inode, start + 8)
                put(position.offset, start + 16)
                put(position.check.end, start + 24)
                put(UInt64(position.check.count) | UInt64(position.check.sum) << 32, start + 32)
            }
            let sum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<Self.recordBytes]))
            bytes.storeBytes(of: sum.littleEndian, toByteOffset: Self.recordBytes, as: UInt32.self)
        }
        try write(record, slot, Self.copies[Int(generation % 2)])
    }

    private func write(_ bytes: [UInt8], _ slot: Int, _ offset: Int) throws(ToolFailure) {
        let place = off_t(Self.headBytes + slot * Self.slotBytes + offset)
        let count = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, place) }
        guard count == bytes.count else {
            throw .failed("cannot write \(SafeText.of(path)): \(SystemError.current)")
        }
    }
}
