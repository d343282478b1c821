import SkeinPlatform
import Synchronization

@testable import SkeinJournal

/// A collector's journal beside the simplest model of it: two lists of records. What is read after any crash must be
/// what was durable, in order, and a beginning of what was written after.
final class BatchDriver {
    struct Entry: Equatable {
        var stream: UInt32
        var number: UInt64
        var text: String
    }

    struct Wrong: Error, CustomStringConvertible {
        let description: String
    }

    static let streams = 3
    var random: FastRandom
    var disk: SimulatedDisk
    var journal: BatchJournal?
    var reader: JournalReader?
    /// Covered by a sync that returned, from the cursor on.
    var durable: [Entry] = []
    /// Read, not acknowledged.
    var read = 0
    /// Ends of the runs that were read, with how many records were read then.
    var runs: [(run: RecordRun, read: Int)] = []
    /// Written since the last sync.
    var written: [Entry] = []
    /// Taken of each stream, refused ones included: durable, and not.
    var taken: [UInt32: (durable: UInt64, now: UInt64)] = [:]
    /// The cursor was being moved over so many when the power went.
    var maybeAcknowledged: [Int] = []
    var boot: UInt64 = 1
    var log: [String] = []

    init(seed: UInt64) {
        random = FastRandom(seed: seed)
        disk = SimulatedDisk()
    }

    static func key(_ index: Int) -> JournalStream { stream(UInt64(index)) }

    // MARK: Opening

    func open() throws {
        let journal = try BatchJournal(
            .init(folder: "j", segmentBytes: 16 << 10, budgetBytes: 96 << 10), storage: disk,
            boot: JournalID(low: boot, high: 1))
        self.journal = journal
        let reader = try journal.reader(named: "r")
        self.reader = reader
        read = 0
        runs = []
        // Everything behind the cursor.
        var found: [Entry] = []
        while let run = try reader.next(maximumBytes: 1 + random.below(8000)) {
            found += try entries(run, journal)
        }
        reader.rewindToCursor()
        // The move of the cursor that the power cut met took place, or did not.
        let all = durable + written
        let starts = [0] + maybeAcknowledged
        guard
            let start = starts.first(where: { start in
                start + found.count <= all.count && start + found.count >= durable.count
                    && found == Array(all[start..<start + found.count])
            })
        else {
            throw Wrong(
                description:
                    "found \(describe(found)) of durable \(describe(durable)) and written \(describe(written)), "
                    + "perhaps \(maybeAcknowledged) acknowledged; \(journal.recovered.damagedRecords) damaged, "
                    + "\(journal.recovered.skippedRecords) skipped")
        }
        if journal.recovered.damagedRecords > 0 {
            let segments = journal.store.segments(lane: 0).map {
                "\($0.sequence): \($0.extents) of \(SegmentHeader.committed($0.file.mapping.bytes))"
            }
            throw Wrong(
                description:
                    "damage was reported: \(journal.recovered.damagedRecords) records; \(segments), cursor "
                    + "\(reader.position)")
        }
        let kept = Array(all[..<(start + found.count)])
        for index in 0...Self.streams {
            let index = UInt32(index)
            let row = index == 0 ? journal.stream(0) : journal.stream(Self.key(Int(index)))
            let highest = row?.highest ?? 0
            let known = taken[index] ?? (0, 0)
            let inLog = kept.last { $0.stream == index }?.number ?? 0
            // At least what may have been acknowledged; at most what was sent; and never above what is there,
            // unless what is above was refused.
            guard highest >= known.durable, highest <= known.now, highest >= inLog else {
                throw Wrong(
                    description: "stream \(index) is held up to \(highest), not \(known) (log \(inLog))")
            }
            let missing = (durable + written).filter {
                $0.stream == index && $0.number > inLog && $0.number <= highest && $0.number > known.durable
            }
            guard missing.isEmpty else {
                throw Wrong(
                    description: "stream \(index) is held up to \(highest) without \(describe(missing))")
            }
            taken[index] = (highest, highest)
        }
        durable = Array(kept[start...])
        written = []
        maybeAcknowledged = []
    }

    private func entries(_ run: RecordRun, _ journal: BatchJournal) throws -> [Entry] {
        var records = run.makeCursor()
        var entries: [Entry] = []
        while let record = records.next() {
            let index = record.streamIndex
            let row = index == 0 ? nil : journal.stream(index)
            if index != 0 && row == nil {
                throw Wrong(description: "a record of the unknown stream \(index)")
            }
            entries.append(
                Entry(
                    stream: UInt32(row?.stream.journal.low ?? 0), number: record.number,
                    text: String(decoding: record.payload, as: UTF8.self)))
        }
        if !records.isAtEnd { throw Wrong(description: "a run ends inside a record") }
        return entries
    }

    private func describe(_ entries: [Entry]) -> String {
        "[" + entries.map { "\($0.stream)/\($0.number)" }.joined(separator: " ") + "]"
    }

    // MARK: Steps

    /// One random thing. What fails because the power is gone is fine; what must not happen throws ``Wrong``.
    func step() throws {
        guard let journal, let reader else { return }
        let choice = random.below(20)
        log.append("\(choice)")
        switch choice {
        case 0...7: appendBatch(journal)
        case 8...9: appendOwn(journal)
        case 10...12: try sync(journal)
        case 13...15: try readSome(reader, journal)
        case 16...17: acknowledge(reader)
        case 18:
            reader.rewindToCursor()
            read = 0
            runs = []
        default:
            let index = 1 + random.below(Self.streams)
            if let row = journal.stream(Self.key(index)) { try? journal.endStream(row.index) }
        }
    }

    private func text(_ stream: UInt32, _ number: UInt64) -> String {
        "\(stream)/\(number) " + random.filler(below: 3000)
    }

    private func appendBatch(_ journal: BatchJournal) {
        let key = UInt32(1 + random.below(Self.streams))
        guard let row = try? journal.openStream(Self.key(Int(key)), isDurable: true, highest: 0, now: 1)
        else {
            return
        }
        let held = taken[key]?.now ?? 0
        let first = held + 1 - UInt64(random.below(Int(min(held, 5)) + 1))
        let count = 1 + UInt64(random.below(8))
        let records = (first..<first + count).map { (number: $0, text: text(key, $0)) }
        let refuses = random.oneIn(3)
        let outcome = journal.append(records, stream: row.index) { !refuses || $0.number % 3 != 0 }
        var left = outcome.journaled
        var reached = held
        for record in records where record.number > held {
            let isRefused = refuses && record.number % 3 == 0
            if isRefused {
                if left == 0 && outcome.failure != nil { break }
            } else {
                if left == 0 { break }
                left -= 1
                written.append(Entry(stream: key, number: record.number, text: record.text))
            }
            reached = record.number
        }
        taken[key] = (taken[key]?.durable ?? 0, max(reached, journal.stream(row.index)?.highest ?? 0))
    }

    private func appendOwn(_ journal: BatchJournal) {
        let number = (taken[0]?.now ?? 0) + 1
        let text = text(0, number)
        guard let given = try? journal.append(own: text, useReserve: random.oneIn(2)) else { return }
        written.append(Entry(stream: 0, number: given, text: text))
        taken[0] = (taken[0]?.durable ?? 0, given)
    }

    private func sync(_ journal: BatchJournal) throws {
        if random.oneIn(12) { disk.state.withLock { $0.failSyncAfter = 1 + random.below(3) } }
        defer { disk.state.withLock { $0.failSyncAfter = .max } }
        do {
            let mark = try journal.beginMark()
            let marked = written.count
            let numbers = taken
            // Killed between the write and its sync.
            if random.oneIn(12) { return try killAndOpen() }
            // What arrives after the mark is not covered.
            if random.oneIn(2) { appendBatch(journal) }
            try journal.sync(mark)
            durable += written[..<marked]
            written.removeFirst(marked)
            for (stream, number) in numbers { taken[stream]?.durable = number.now }
            for held in mark.held where held.index != 0 {
                let key = UInt32(held.stream.journal.low)
                guard held.number <= numbers[key]?.now ?? 0 else {
                    throw Wrong(description: "held \(held.number) of \(key), sent \(numbers[key]?.now ?? 0)")
                }
            }
        } catch let error as JournalError {
            guard error.code == .unsynced, disk.state.withLock({ $0.powerAfter > 0 }) else { return }
            // Killed before it takes anything back: the next process reads what is on no disk.
            if random.oneIn(3) { return try killAndOpen() }
            let before = taken
            do {
                for lost in try journal.rollBack() {
                    let key = UInt32(lost.index == 0 ? 0 : lost.stream.journal.low)
                    guard lost.durable >= before[key]?.durable ?? 0 else {
                        throw Wrong(
                            description: "\(key) went back to \(lost.durable) from \(before[key] ?? (0, 0))")
                    }
                }
            } catch is JournalError {
                // Taken back, but until a new segment says so on the disk a crash may bring it up again.
                kill()
                return try open()
            }
            written = []
            taken = taken.mapValues { ($0.durable, $0.durable) }
        }
    }

    private func readSome(_ reader: JournalReader, _ journal: BatchJournal) throws {
        guard let run = try reader.next(maximumBytes: 1 + random.below(6000)) else { return }
        let found = try entries(run, journal)
        guard read + found.count <= durable.count, found == Array(durable[read..<read + found.count]) else {
            throw Wrong(
                description:
                    "read \(describe(found)) where durable is \(describe(Array(durable[min(read, durable.count)...])))"
            )
        }
        read += found.count
        runs.append((run, read))
        if random.oneIn(2) { run.release() }
    }

    private func acknowledge(_ reader: JournalReader) {
        guard !runs.isEmpty else { return }
        let index = random.below(runs.count)
        let (run, count) = runs[index]
        do {
            try reader.advance(past: run)
        } catch {
            maybeAcknowledged.append(count)
            return
        }
        durable.removeFirst(count)
        read -= count
        runs = runs[(index + 1)...].map { ($0.run, $0.read - count) }
    }

    // MARK: Crashes

    /// The process is killed; the kernel goes on.
    func kill() {
        disk = disk.killed()
        forget()
    }

    /// The power goes.
    func cutPower(chance: UInt8? = nil) {
        disk = disk.powerCut(&random, chance: chance)
        boot += 1
        forget()
    }

    /// The process is killed, and while the next one opens the journal the power goes on running out.
    private func killAndOpen() throws {
        let power = disk.state.withLock { $0.powerAfter }
        kill()
        disk.state.withLock { $0.powerAfter = power }
        do {
            try open()
        } catch is JournalError where disk.state.withLock({ $0.isDead }) {
            // Nothing happens any more until the power is back.
            journal = nil
            reader = nil
        }
    }

    /// Opens a journal with power for so many operations, and again if it went.
    func open(powerFor operations: Int) throws {
        disk.state.withLock { $0.powerAfter = operations }
        do {
            try open()
            disk.state.withLock { $0.powerAfter = .max }
        } catch is JournalError where disk.state.withLock({ $0.isDead }) {
            cutPower()
            try open()
        }
    }

    private func forget() {
        // The old objects write to the old disk, which nobody looks at any more.
        journal = nil
        reader = nil
        runs = []
        read = 0
    }
}
