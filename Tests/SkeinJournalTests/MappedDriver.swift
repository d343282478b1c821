import SkeinPlatform
import Synchronization

@testable import SkeinJournal

/// An app's journal beside the simplest model of it: a list of records for each shard.
final class MappedDriver {
    struct Entry: Equatable {
        var stream: JournalStream
        var number: UInt64
        var text: String
    }

    struct Wrong: Error, CustomStringConvertible {
        let description: String
    }

    /// How the process ended, and so what must be there.
    enum End {
        /// Everything.
        case killed
        /// Of what was written, some pages.
        case powerCut
        /// A file lost its end, or has nonsense in it.
        case damaged
    }

    static let segmentBytes = 16 << 10
    static let budgetBytes = 112 << 10

    var random: FastRandom
    var disk = SimulatedDisk(keepsReservations: true)
    var atOpening: SimulatedDisk?
    var journal: MappedJournal?
    var readers: [JournalReader] = []
    /// Not acknowledged, by shard.
    var lanes: [[Entry]] = []
    /// How many of them are read.
    var read: [Int] = []
    var lent: [(run: RecordRun, texts: [String])] = []
    /// Everything ever appended, and in which order streams began.
    var texts: [JournalStream: [UInt64: String]] = [:]
    var order: [JournalStream: Int] = [:]
    /// Slots of contexts that are open: what stands in them.
    var open: [UInt32: UnsafeMutableRawPointer] = [:]
    var nextMark: UInt32 = 1
    var boot: UInt64 = 1
    var wasDamaged = false
    var log: [String] = []

    init(seed: UInt64) {
        random = FastRandom(seed: seed)
    }

    // MARK: Opening

    func open(after end: End) throws {
        atOpening = disk.killed()
        if end != .killed { wasDamaged = true }
        guard let lock = try disk.lock("m/lock") else { throw Wrong(description: "locked") }
        let configuration = MappedJournal.Configuration(
            shards: 1 + random.below(3), segmentBytes: Self.segmentBytes, budgetBytes: Self.budgetBytes,
            slots: random.below(6))
        let journal = MappedJournal(
            try MappedOpening(
                configuration, storage: disk, folder: "m", lock: lock, boot: JournalID(low: boot, high: 9)))
        self.journal = journal
        readers = try (0..<journal.readableShards).map { try journal.reader(shard: $0) }
        while lanes.count < readers.count { lanes.append([]) }
        read = Array(repeating: 0, count: readers.count)
        lent = []
        for shard in readers.indices { try check(shard, end) }
        for (shard, kept) in lanes.enumerated() where shard >= readers.count && !kept.isEmpty {
            if end == .killed {
                throw Wrong(description: "shard \(shard) is gone with \(kept.count) records")
            }
            lanes[shard] = []
        }
        try checkSlots(journal, end)
    }

    private func check(_ shard: Int, _ end: End) throws {
        let reader = readers[shard]
        var found: [Entry] = []
        while let run = try reader.next(maximumBytes: 1 + random.below(9000)) { found += try entries(run) }
        reader.rewindToCursor()
        if end == .killed {
            guard found == lanes[shard] else {
                throw Wrong(
                    description: "shard \(shard) has \(describe(found)), not \(describe(lanes[shard]))")
            }
            // What an earlier crash left is found again as long as its segment is there.
            guard
                wasDamaged
                    || (journal?.recovered.damagedRecords == 0 && journal?.recovered.skippedRecords == 0)
            else {
                throw Wrong(description: "damage is reported after a kill")
            }
        } else {
            var last = (-1, UInt64(0))
            for entry in found {
                let place = (order[entry.stream] ?? -1, entry.number)
                guard place > last, texts[entry.stream]?[entry.number] == entry.text else {
                    throw Wrong(
                        description: "shard \(shard) has \(entry.stream)/\(entry.number) after \(last)")
                }
                last = place
            }
            lanes[shard] = found
        }
        let streams = reader.unacknowledgedStreams()
        for (stream, first) in Dictionary(lanes[shard].map { ($0.stream, $0.number) }, uniquingKeysWith: min)
        {
            guard let known = streams.first(where: { $0.stream == stream }),
                wasDamaged ? known.first <= first : known.first == first,
                let last = known.last, last >= lanes[shard].last(where: { $0.stream == stream })?.number ?? 0
            else {
                throw Wrong(description: "shard \(shard): \(streams) does not tell of \(first) in \(stream)")
            }
        }
        if end == .killed && Set(streams.map(\.stream)) != Set(lanes[shard].map(\.stream)) {
            throw Wrong(description: "shard \(shard): \(streams) tells of too many")
        }
    }

    private func checkSlots(_ journal: MappedJournal, _ end: End) throws {
        let found = Set(
            journal.recovered.openSlots.map { $0.slot.load(fromByteOffset: 100, as: UInt32.self) })
        if end == .killed && found != Set(open.keys) {
            throw Wrong(description: "open slots \(found.sorted()), not \(open.keys.sorted())")
        }
        open = [:]
        for slot in journal.recovered.openSlots {
            // Some become records at once, and some when the next process finds them.
            if random.oneIn(2) {
                let shard = random.below(journal.shards.count)
                if append(shard, slot: slot.slot) { journal.releaseSlot(slot.slot) } else { keep(slot.slot) }
            } else {
                keep(slot.slot)
            }
        }
    }

    private func keep(_ slot: UnsafeMutableRawPointer) {
        open[slot.load(fromByteOffset: 100, as: UInt32.self)] = slot
    }

    private func entries(_ run: RecordRun) throws -> [Entry] {
        var records = run.makeCursor()
        var entries: [Entry] = []
        while let record = records.next() {
            entries.append(
                Entry(
                    stream: run.stream, number: record.number,
                    text: String(decoding: record.payload, as: UTF8.self)))
        }
        guard records.isAtEnd, entries.count == run.count, entries.first?.number == run.first,
            entries.last?.number == run.last
        else { throw Wrong(description: "a run is not what it says") }
        return entries
    }

    private func describe(_ entries: [Entry]) -> String {
        "[" + entries.map { "\(order[$0.stream] ?? -1)/\($0.number)" }.joined(separator: " ") + "]"
    }

    // MARK: Steps

    func step() throws {
        guard let journal else { return }
        let choice = random.below(24)
        log.append("\(choice)")
        let shard = random.below(readers.count)
        switch choice {
        case 0...9: _ = append(random.below(journal.shards.count), slot: nil)
        case 10...13: try readSome(shard)
        case 14...16: try acknowledge(shard)
        case 17:
            readers[shard].rewindToCursor()
            read[shard] = 0
        case 18: try rewind(shard)
        case 19:
            if !lent.isEmpty { try release(random.below(lent.count)) }
        case 20:
            if random.oneIn(2) { journal.prepareSpares() } else { journal.signOfLife(1) }
        case 21:
            guard let slot = journal.claimSlot() else { break }
            slot.storeBytes(of: nextMark, toByteOffset: 100, as: UInt32.self)
            slot.storeBytes(of: 1, as: UInt32.self)
            open[nextMark] = slot
            nextMark += 1
        default:
            guard let (mark, slot) = open.min(by: { $0.key < $1.key }) else { break }
            if append(random.below(journal.shards.count), slot: slot) {
                open[mark] = nil
                // Between the commit and the release anything may happen.
                if random.oneIn(2) { journal.releaseSlot(slot) }
            }
        }
    }

    @discardableResult
    private func append(_ shard: Int, slot: UnsafeMutableRawPointer?) -> Bool {
        guard let journal else { return false }
        let stream = JournalStream(journal: journal.id, opening: journal.opening, shard: UInt32(shard))
        let text = "\(nextMark)." + random.filler(below: 4000)
        let number = journal.shards[shard].append(text, slot: slot)
        guard number != 0 else { return false }
        if order[stream] == nil { order[stream] = order.count }
        texts[stream, default: [:]][number] = text
        lanes[shard].append(Entry(stream: stream, number: number, text: text))
        return true
    }

    /// The process is killed while it writes a record: that is nowhere, and everything before it is there.
    private func killWithinAppend(_ shard: Int) -> SimulatedDisk? {
        guard let journal else { return nil }
        let text = Array(random.filler(below: 4000).utf8)
        let written = random.below(text.count + 1)
        var image: SimulatedDisk?
        _ = journal.shards[shard].append(kind: .event, flags: 0, arrival: 7, capacity: text.count, slot: nil)
        {
            memory in
            memory.copyMemory(from: text, byteCount: written)
            image = disk.killed()
            return -1
        }
        return image
    }

    private func readSome(_ shard: Int) throws {
        guard let run = try readers[shard].next(maximumBytes: 1 + random.below(9000)) else {
            guard read[shard] == lanes[shard].count else {
                throw Wrong(
                    description: "shard \(shard): nothing after \(read[shard]) of \(lanes[shard].count)")
            }
            return
        }
        let found = try entries(run)
        guard read[shard] + found.count <= lanes[shard].count,
            found == Array(lanes[shard][read[shard]..<read[shard] + found.count])
        else {
            throw Wrong(
                description:
                    "shard \(shard) read \(describe(found)) after \(read[shard]) of \(describe(lanes[shard]))"
            )
        }
        read[shard] += found.count
        lent.append((run, found.map(\.text)))
        if random.oneIn(2) { try release(lent.count - 1) }
    }

    private func release(_ index: Int) throws {
        let (run, texts) = lent.remove(at: index)
        guard run.texts == texts else { throw Wrong(description: "what was lent has changed") }
        run.release()
    }

    /// An acknowledgement of anything up to a little beyond what was read.
    private func acknowledge(_ shard: Int) throws {
        let limit = min(lanes[shard].count, read[shard] + (random.oneIn(4) ? 5 : 0))
        guard limit > 0 else { return }
        let index = random.below(limit)
        let entry = lanes[shard][index]
        try readers[shard].advance(past: entry.number, of: entry.stream)
        // Of an earlier stream all must be acknowledged first.
        guard lanes[shard][..<index].allSatisfy({ $0.stream == entry.stream }) else {
            readers[shard].rewindToCursor()
            read[shard] = 0
            return
        }
        lanes[shard].removeFirst(index + 1)
        read[shard] = max(0, read[shard] - index - 1)
        guard readers[shard].acknowledgedNumber == entry.number else {
            throw Wrong(
                description: "the cursor is at \(readers[shard].acknowledgedNumber), not \(entry.number)")
        }
    }

    private func rewind(_ shard: Int) throws {
        guard read[shard] > 0 else { return }
        let index = random.below(read[shard])
        let entry = lanes[shard][index]
        readers[shard].rewind(toAfter: entry.number, of: entry.stream)
        read[shard] = index + 1
    }

    // MARK: Crashes

    func crash() throws {
        for index in lent.indices.reversed() { try release(index) }
        let end: End = random.oneIn(2) ? .killed : random.oneIn(2) ? .powerCut : .damaged
        log.append("\(end)")
        switch end {
        case .killed:
            // At any instruction: also between a slot's stamp and its record's commit.
            if let (_, slot) = open.first, let journal, random.oneIn(3) {
                let shard = random.below(journal.shards.count)
                slot.storeBytes(of: journal.shards[shard].lastNumber + 1, toByteOffset: 8, as: UInt64.self)
                slot.storeBytes(of: UInt32(shard), toByteOffset: 16, as: UInt32.self)
                slot.storeBytes(of: journal.opening, toByteOffset: 24, as: UInt64.self)
                slot.storeBytes(of: 2, as: UInt32.self)
            }
            let shard = random.below(journal?.shards.count ?? 1)
            disk = (random.oneIn(2) ? killWithinAppend(shard) : nil) ?? disk.killed()
        case .powerCut:
            disk = disk.powerCutOfPages(&random, before: atOpening ?? disk)
            boot += 1
        case .damaged:
            disk = disk.killed()
            boot += 1
            let path = disk.paths[random.below(disk.paths.count)]
            if random.oneIn(2) {
                disk.truncate(path, to: random.below(disk.byteCount(path) + 1))
            } else {
                var random = random
                disk.edit(path) { bytes in
                    guard !bytes.isEmpty else { return }
                    let start = random.below(bytes.count)
                    for index in start..<min(bytes.count, start + random.below(600)) {
                        bytes[index] = UInt8.random(in: 0...255, using: &random)
                    }
                }
                self.random = random
            }
        }
        journal = nil
        readers = []
        try open(after: end)
    }
}
