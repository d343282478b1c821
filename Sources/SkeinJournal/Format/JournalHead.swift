import SkeinPlatform
import Synchronization

/// The head of a journal: one page that says whose it is, and counts for its owner.
final class JournalHead: @unchecked Sendable {
    // Sendable: the mapping is constant; what changes after opening is atomic.
    static let bytes = 4096
    static let counters = 128
    static let maximumEndpointBytes = 1024

    private static let magic = UInt64(littleEndian: 0x4C4E_4A4E_4945_4B53)  // "SKEINJNL"
    private static let version: UInt32 = 1
    private static let covered = 16..<128

    /// What a head says about the opening that wrote it.
    struct Opening: Equatable {
        var journal: JournalID
        var opening: UInt64
        var boot: JournalID
        var shards: UInt32
        var slots: UInt32
        var segmentBytes: UInt64
        /// Unix nanoseconds.
        var opened: Int64
        var pid: UInt32
        var endpoint: String
    }

    let mapping: Mapping

    init(mapping: Mapping) {
        self.mapping = mapping
    }

    private var base: UnsafeMutableRawPointer { mapping.base }

    /// The opening that the page tells of; nil if it is new or damaged.
    func read() -> Opening? {
        func word(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        func half(_ offset: Int) -> UInt32 {
            UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
        let covered = UnsafeRawBufferPointer(
            start: base + Self.covered.lowerBound, count: Self.covered.count)
        guard word(0) == Self.magic, half(8) == Self.version, half(12) == CRC32C.checksum(covered) else {
            return nil
        }
        let length = min(Int(half(84)), Self.maximumEndpointBytes)
        let endpoint = UnsafeRawBufferPointer(start: base + 1280, count: length)
        return Opening(
            journal: JournalID(low: word(16), high: word(24)), opening: word(32),
            boot: JournalID(low: word(40), high: word(48)), shards: half(56), slots: half(60),
            segmentBytes: word(64), opened: Int64(bitPattern: word(72)), pid: half(80),
            endpoint: String(decoding: endpoint, as: UTF8.self))
    }

    /// Writes the page for a new opening. Counters and the sign of life stay as they are.
    func write(_ opening: Opening) {
        // The 128 bytes lie in one sector, and a kill in between leaves a checksum that does not hold: then the
        // journal's id is taken from its segments.
        let endpoint = Array(opening.endpoint.utf8.prefix(Self.maximumEndpointBytes))
        (base + 1280).initializeMemory(as: UInt8.self, repeating: 0, count: Self.maximumEndpointBytes)
        endpoint.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress {
                (base + 1280).copyMemory(from: start, byteCount: bytes.count)
            }
        }
        base.storeBytes(of: opening.journal.low.littleEndian, toByteOffset: 16, as: UInt64.self)
        base.storeBytes(of: opening.journal.high.littleEndian, toByteOffset: 24, as: UInt64.self)
        base.storeBytes(of: opening.opening.littleEndian, toByteOffset: 32, as: UInt64.self)
        base.storeBytes(of: opening.boot.low.littleEndian, toByteOffset: 40, as: UInt64.self)
        base.storeBytes(of: opening.boot.high.littleEndian, toByteOffset: 48, as: UInt64.self)
        base.storeBytes(of: opening.shards.littleEndian, toByteOffset: 56, as: UInt32.self)
        base.storeBytes(of: opening.slots.littleEndian, toByteOffset: 60, as: UInt32.self)
        base.storeBytes(of: opening.segmentBytes.littleEndian, toByteOffset: 64, as: UInt64.self)
        base.storeBytes(of: opening.opened.littleEndian, toByteOffset: 72, as: Int64.self)
        base.storeBytes(of: opening.pid.littleEndian, toByteOffset: 80, as: UInt32.self)
        base.storeBytes(of: UInt32(endpoint.count).littleEndian, toByteOffset: 84, as: UInt32.self)
        (base + 88).initializeMemory(as: UInt8.self, repeating: 0, count: 40)
        let covered = UnsafeRawBufferPointer(
            start: base + Self.covered.lowerBound, count: Self.covered.count)
        base.storeBytes(of: CRC32C.checksum(covered).littleEndian, toByteOffset: 12, as: UInt32.self)
        base.storeBytes(of: Self.version.littleEndian, toByteOffset: 8, as: UInt32.self)
        base.storeBytes(of: Self.magic.littleEndian, as: UInt64.self)
    }

    /// Unix nanoseconds.
    var signOfLife: UnsafeMutablePointer<Atomic<Int64>> {
        (base + 128).assumingMemoryBound(to: Atomic<Int64>.self)
    }

    /// 1 after an orderly close.
    var clean: UnsafeMutablePointer<Atomic<UInt64>> {
        (base + 136).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    func counter(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        precondition(
            (0..<Self.counters).contains(index), "a journal has \(Self.counters) counters; asked for \(index)"
        )
        return (base + 256 + 8 * index).assumingMemoryBound(to: Atomic<UInt64>.self)
    }
}

extension JournalID {
    /// This boot of the machine, in the shape that files have.
    static var boot: JournalID {
        let boot = BootIdentity.current
        return JournalID(low: boot.high.byteSwapped, high: boot.low.byteSwapped)
    }

    var isZero: Bool { low == 0 && high == 0 }
}
