import SkeinPlatform
import Synchronization

/// The last part of the head: a process that did not close the journal, as long as its end is not reported.
///
/// It stands there from before the next opening writes the head until the record that tells of its end is committed,
/// laid out like a slot, so that the report is appended as an abandoned event is: a kill in between neither loses nor
/// doubles it.
struct DeadOwnerBlock {
    private let base: UnsafeMutableRawPointer

    init(_ head: JournalHead) {
        base = head.base + 3072
    }

    /// What an append stamps.
    var slot: UnsafeMutableRawPointer { base }

    /// A process whose end is to be told.
    struct Owner: Equatable {
        var pid: UInt32
        var opening: UInt64
        /// Unix nanoseconds.
        var opened: Int64
        var lastSignOfLife: Int64
        /// How many records it numbered.
        var records: UInt64
        var boot: JournalID
        var host: String
        var service: String
        /// What it counted itself, of the first counters.
        var counted: [UInt64]
    }

    var state: UInt32 {
        get {
            UInt32(
                littleEndian: base.assumingMemoryBound(to: Atomic<UInt32>.self).pointee.load(
                    ordering: .acquiring))
        }
        nonmutating set {
            base.assumingMemoryBound(to: Atomic<UInt32>.self).pointee.store(
                newValue.littleEndian, ordering: .releasing)
        }
    }

    /// The stream and number of the record that tells of the end, while it is being appended.
    func stamp(_ journal: JournalID) -> (stream: JournalStream, number: UInt64) {
        (
            JournalStream(
                journal: journal, opening: word(SlotLayout.stampOpening),
                shard: UInt32(truncatingIfNeeded: word(SlotLayout.stampShard))), word(SlotLayout.stampNumber)
        )
    }

    /// The owner; nil if there is nothing to tell.
    func read() -> Owner? {
        guard state == SlotLayout.open || state == SlotLayout.closing else { return nil }
        return Owner(
            pid: UInt32(truncatingIfNeeded: word(4)), opening: word(32), opened: Int64(bitPattern: word(40)),
            lastSignOfLife: Int64(bitPattern: word(48)), records: word(56),
            boot: JournalID(low: word(64), high: word(72)), host: text(96, length: word(80) & 0xFFFF),
            service: text(352, length: word(80) >> 16 & 0xFFFF),
            counted: (0..<JournalHead.rememberedCounters).map { word(608 + 8 * $0) })
    }

    /// Takes an owner down. The state goes last.
    func write(_ owner: Owner) {
        (base + 4).initializeMemory(as: UInt8.self, repeating: 0, count: 1020)
        base.storeBytes(of: owner.pid.littleEndian, toByteOffset: 4, as: UInt32.self)
        put(owner.opening, 32)
        put(UInt64(bitPattern: owner.opened), 40)
        put(UInt64(bitPattern: owner.lastSignOfLife), 48)
        put(owner.records, 56)
        put(owner.boot.low, 64)
        put(owner.boot.high, 72)
        put(UInt64(put(owner.host, 96)) | UInt64(put(owner.service, 352)) << 16, 80)
        for (index, count) in owner.counted.prefix(JournalHead.rememberedCounters).enumerated() {
            put(count, 608 + 8 * index)
        }
        state = SlotLayout.open
    }

    private func word(_ offset: Int) -> UInt64 {
        UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    private func put(_ word: UInt64, _ offset: Int) {
        base.storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt64.self)
    }

    private func put(_ text: String, _ offset: Int) -> Int {
        let bytes = Array(text.utf8.prefix(JournalHead.maximumNameBytes))
        bytes.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress {
                (base + offset).copyMemory(from: start, byteCount: bytes.count)
            }
        }
        return bytes.count
    }

    private func text(_ offset: Int, length: UInt64) -> String {
        let count = min(Int(clamping: length), JournalHead.maximumNameBytes)
        return String(decoding: UnsafeRawBufferPointer(start: base + offset, count: count), as: UTF8.self)
    }
}
