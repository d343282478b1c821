import SkeinBSON
import SkeinJournal
import SkeinPlatform
import SkeinShipping
import SkeinWire
import Synchronization

/// Leaves a journal as a process does that was killed: records, open contexts, counters, and no word of farewell.
struct DeadProcess {
    let folder: String
    var shards = 2
    var endpoint = ""
    var host = "elsewhere"
    var service = "checkout"
    /// Events appended to each shard.
    var events = 0
    /// Contexts that were open.
    var open = 0
    /// Slots full of random bytes that claim to be open.
    var nonsense = 0

    /// - Returns: the journal's folder and the stream of each shard.
    @discardableResult
    func leave() throws -> (folder: String, streams: [StreamIdentity]) {
        var configuration = MappedJournal.Configuration(
            folder: folder, shards: shards, segmentBytes: 64 << 10, budgetBytes: 16 << 20,
            slots: open + nonsense + 2, endpoint: endpoint)
        configuration.host = host
        configuration.service = service
        let journal = try MappedJournal(configuration)
        for shard in 0..<shards {
            for number in 1...max(events, 1) where events > 0 {
                let event = AppJournal.event(shard, number)
                _ = event.withUnsafeBytes { bytes in
                    journal.shards[shard].append(
                        kind: .event, flags: 0, arrival: 1, capacity: bytes.count, slot: nil
                    ) { target in
                        if let base = bytes.baseAddress {
                            target.copyMemory(from: base, byteCount: bytes.count)
                        }
                        return bytes.count
                    }
                }
            }
        }
        for number in 0..<open { Self.fill(journal.claimSlot(), number) }
        var random = FastRandom(seed: 11)
        for _ in 0..<nonsense {
            guard let slot = journal.claimSlot() else { continue }
            for offset in stride(from: 8, to: SlotLayout.size, by: 8) {
                slot.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
            }
            slot.storeBytes(of: SlotLayout.stateOpen, as: UInt32.self)
        }
        journal.counter(PipelineCounter.journalFull.index).pointee.store(3, ordering: .relaxed)
        journal.signOfLife(SystemClock.wallNanoseconds())
        let streams = (0..<shards).map {
            StreamIdentity(JournalStream(journal: journal.id, opening: journal.opening, shard: UInt32($0)))
        }
        let place = journal.folder ?? ""
        journal.close(clean: false)
        return (place, streams)
    }

    private static func fill(_ slot: UnsafeMutableRawPointer?, _ number: Int) {
        guard let slot else { return }
        var log = FieldLog(
            block: slot, capacity: SlotLayout.size - SlotLayout.fields, limits: EventLimits())
        defer { log.destroy() }
        slot.storeBytes(of: Int32(4711), toByteOffset: SlotLayout.pid, as: Int32.self)
        slot.storeBytes(of: 1_000.5, toByteOffset: SlotLayout.start, as: Double.self)
        slot.storeBytes(of: 1.0, toByteOffset: SlotLayout.rate, as: Double.self)
        slot.storeBytes(
            of: UInt64(number + 1).bigEndian, toByteOffset: SlotLayout.traceID + 8, as: UInt64.self)
        slot.storeBytes(of: UInt64(number + 1), toByteOffset: SlotLayout.span, as: UInt64.self)
        let type = Array("request".utf8)
        slot.storeBytes(of: UInt16(type.count), toByteOffset: SlotLayout.typeLength, as: UInt16.self)
        (slot + SlotLayout.type).copyMemory(from: type, byteCount: type.count)
        let key = Array("number".utf8)
        key.withUnsafeBytes {
            if let base = $0.baseAddress {
                _ = log.setScalar(
                    base, key.count, literal: false, type: 0x12, bits: UInt64(number), size: 8)
            }
        }
        slot.storeBytes(of: SlotLayout.stateOpen, as: UInt32.self)
    }
}

/// The types of documents, and the numbers of abandoned ones.
struct Delivered {
    var abandoned: [Int64] = []
    var processes: [BSONDocument] = []
    var others = 0

    init(_ documents: some Sequence<[UInt8]>) {
        for bytes in documents {
            let document = BSONDocument(unchecked: bytes)
            if document[path: "error.type"] == "abandoned" {
                abandoned.append(document[path: "body.number"]?.intValue ?? -1)
            } else if document["type"] == "skein.process" {
                processes.append(document)
            } else {
                others += 1
            }
        }
    }
}
