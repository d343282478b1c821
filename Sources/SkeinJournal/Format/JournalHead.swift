import SkeinPlatform
import Synchronization

/// The head of a journal: one page that says whose it is, and counts for its owner.
final class JournalHead: @unchecked Sendable {
    // Sendable: the mapping is constant; what changes after opening is atomic.
    static let bytes = 4096
    static let counters = 128
    static let maximumEndpointBytes = 1024
    static let maximumNameBytes = 255
    /// How many of the counters are remembered as of the opening.
    static let rememberedCounters = 32

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
        var host = ""
        var service = ""
        /// Whether it was opened to deliver what a dead process left, and not by a process to write into.
        var isAdopted = false
        /// Records that all openings before this one numbered.
        var earlierRecords: UInt64 = 0
    }

    let mapping: Mapping

    init(mapping: Mapping) {
        self.mapping = mapping
    }

    var base: UnsafeMutableRawPointer { mapping.base }

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
        return Opening(
            journal: JournalID(low: word(16), high: word(24)), opening: word(32),
            boot: JournalID(low: word(40), high: word(48)), shards: half(56), slots: half(60),
            segmentBytes: word(64), opened: Int64(bitPattern: word(72)), pid: half(80),
            endpoint: text(1280, Int(half(84)), room: Self.maximumEndpointBytes),
            host: text(2304, Int(half(88) & 0xFFFF), room: Self.maximumNameBytes),
            service: text(2560, Int(half(88) >> 16), room: Self.maximumNameBytes),
            isAdopted: half(92) & 1 != 0, earlierRecords: word(96))
    }

    /// Text as it was found: what is no UTF-8 is replaced, and what is too long is cut.
    private func text(_ offset: Int, _ length: Int, room: Int) -> String {
        let bytes = UnsafeRawBufferPointer(start: base + offset, count: min(length, room))
        return String(decoding: bytes, as: UTF8.self)
    }

    private func put(_ text: String, at offset: Int, room: Int) -> Int {
        let bytes = Array(text.utf8.prefix(room))
        (base + offset).initializeMemory(as: UInt8.self, repeating: 0, count: room)
        bytes.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress {
                (base + offset).copyMemory(from: start, byteCount: bytes.count)
            }
        }
        return bytes.count
    }

    /// Writes the page for a new opening. Counters and the sign of life stay as they are.
    func write(_ opening: Opening) {
        // The 128 bytes lie in one sector, and a kill in between leaves a checksum that does not hold: then the
        // journal's id is taken from its segments.
        let endpoint = put(opening.endpoint, at: 1280, room: Self.maximumEndpointBytes)
        let host = put(opening.host, at: 2304, room: Self.maximumNameBytes)
        let service = put(opening.service, at: 2560, room: Self.maximumNameBytes)
        (base + 2816).copyMemory(from: base + 256, byteCount: 8 * Self.rememberedCounters)
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
        base.storeBytes(of: UInt32(endpoint).littleEndian, toByteOffset: 84, as: UInt32.self)
        (base + 88).initializeMemory(as: UInt8.self, repeating: 0, count: 40)
        base.storeBytes(of: UInt32(host | service << 16).littleEndian, toByteOffset: 88, as: UInt32.self)
        base.storeBytes(
            of: UInt32(opening.isAdopted ? 1 : 0).littleEndian, toByteOffset: 92, as: UInt32.self)
        base.storeBytes(of: opening.earlierRecords.littleEndian, toByteOffset: 96, as: UInt64.self)
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

    /// Records that the opening numbered, once it was closed in order.
    var closedRecords: UnsafeMutablePointer<Atomic<UInt64>> {
        (base + 144).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    /// One of the first 32 counters when the opening began.
    func counterAtOpening(_ index: Int) -> UInt64 {
        base.loadUnaligned(fromByteOffset: 2816 + 8 * index, as: UInt64.self)
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
