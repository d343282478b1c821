import SkeinBSON
import SkeinJournal
import SkeinPlatform

/// What is held, on disk: a journal of its own in `<dataPath>/hold`. One thread.
///
/// What was decided over a run of the main journal is written as changes and a mark behind them, and synced, before anything
/// comes of it. A restart reads from the last beginning on, and takes what stands before a mark: so decisions are made once,
/// whatever the rules are by then.
final class HoldJournal {
    /// What was found.
    struct Recovered {
        var state = HoldState()
        var counts: [UInt64: HoldCounts] = [:]
        /// Everything before it in the main journal is decided; nil: nothing is.
        var decided: JournalPosition?
        /// What goes on and may not have come into the main journal yet, in order.
        var gone: [LetGoEvent] = []
    }

    private let journal: BatchJournal
    private let reader: JournalReader
    private let origin: JournalID
    /// Something may stand behind the last mark that is not whole.
    private var needsVoid = true
    /// Bytes since the last beginning.
    private(set) var bytes = 0
    let path: String

    /// - Parameters:
    ///   - origin: the main journal.
    ///   - budgetBytes: the most that is held at a time.
    init(path: String, origin: JournalID, segmentBytes: Int, budgetBytes: Int) throws(JournalError) {
        self.path = path
        self.origin = origin
        // A held event is a little longer than its record.
        let segment = min(1 << 30, segmentBytes + 4096)
        journal = try BatchJournal(
            .init(
                folder: path, segmentBytes: segment,
                budgetBytes: 4 * segment + 8 * max(budgetBytes, Self.leastBytes)))
        do throws(JournalError) {
            reader = try journal.reader(named: "hold", from: .oldest)
        } catch {
            journal.close()
            throw error
        }
    }

    func close() { journal.close() }

    // MARK: Recovery

    /// Reads what an earlier life left; nil if it is of another main journal.
    func recover() throws(JournalError) -> Recovered? {
        var found = Recovered()
        var open: [HoldRecord.Entry] = []
        reader.rewindToCursor()
        while let run = try reader.next(maximumBytes: 1 << 20) {
            defer { run.release() }
            bytes += run.bytes.count
            var records = run.makeCursor()
            while let record = records.next() {
                switch HoldRecord.parse(record) {
                case .void: open = []
                case .mark(let mark):
                    guard mark["journal"]?.stringValue == origin.description else { return nil }
                    take(open, mark, &found)
                    open = []
                case .some(let entry): open.append(entry)
                case nil: break
                }
            }
        }
        return found
    }

    private func take(_ entries: [HoldRecord.Entry], _ mark: BSONDocument, _ found: inout Recovered) {
        for entry in entries {
            switch entry {
            case .begin:
                found.state = HoldState(clock: found.state.clock, next: found.state.next)
                found.gone = []
            case .change(let change): found.gone += found.state.apply(change)
            case .mark, .void: break
            }
        }
        func number(_ key: String) -> UInt64 { UInt64(bitPattern: mark[key]?.intValue ?? 0) }
        found.state = found.state.with(
            clock: Int64(bitPattern: number("clock")), next: number("next"))
        found.decided = JournalPosition(sequence: number("sequence"), offset: number("offset"))
        let confirmed = number("confirmed")
        found.gone.removeAll { $0.number <= confirmed }
        found.counts = [:]
        for (key, value) in mark["counts"]?.documentValue ?? [:] {
            guard let id = UInt64(key, radix: 16), let document = value.documentValue else { continue }
            found.counts[id] = HoldCounts(document)
        }
    }

    // MARK: Writing

    /// What a mark says.
    struct Mark {
        var decided: JournalPosition
        /// Everything up to this number is in the main journal.
        var confirmed: UInt64
        var counts: [UInt64: HoldCounts]
        var clock: Int64
        var next: UInt64
    }

    /// Writes changes and a mark, durably.
    func write(_ changes: [HoldChange], _ mark: Mark) throws(JournalError) {
        try mend()
        needsVoid = true
        for change in changes {
            let (kind, bytes, event) = HoldRecord.payload(change)
            try append(bytes, kind, event)
        }
        try append(HoldRecord.mark(document(mark)), .verdict, nil)
        try journal.sync(try journal.beginMark())
        needsVoid = false
    }

    private static let leastBytes = 8 << 20

    /// Whether so much counts no more that it is time to begin anew.
    func isDue(live: Int) -> Bool { bytes > max(Self.leastBytes, 3 * live) }

    /// Writes all that there is once more, and lets go of what was before.
    func begin(_ state: HoldState, _ gone: [LetGoEvent], _ mark: Mark) throws(JournalError) {
        try mend()
        try journal.sync(try journal.beginMark())
        let place = journal.durablePosition
        let before = bytes
        needsVoid = true
        try append(HoldRecord.begin, .verdict, nil)
        for event in gone {
            let key = HoldKey(hold: event.hold, key: [])
            let (kind, bytes, held) = HoldRecord.payload(.pass(key, event.event, number: event.number))
            try append(bytes, kind, held)
        }
        for (key, group) in state.groups {
            for event in group.events[group.head...] {
                let (kind, bytes, held) = HoldRecord.payload(.hold(key, event, pushes: false))
                try append(bytes, kind, held)
            }
            if group.count == 0 {
                let (kind, bytes, _) = HoldRecord.payload(
                    .letGo(key, until: group.openUntil, first: state.next))
                try append(bytes, kind, nil)
            }
        }
        try append(HoldRecord.mark(document(mark)), .verdict, nil)
        try journal.sync(try journal.beginMark())
        needsVoid = false
        bytes -= before
        try reader.advance(to: place)
    }

    private func mend() throws(JournalError) {
        if journal.needsRollBack { _ = try journal.rollBack() }
        guard needsVoid else { return }
        try append(HoldRecord.void, .verdict, nil)
        needsVoid = false
    }

    private func append(_ payload: [UInt8], _ kind: RecordKind, _ event: HeldEvent?) throws(JournalError) {
        let arrival = event?.arrival ?? SystemClock.wallNanoseconds()
        try payload.withUnsafeBufferPointer { bytes throws(JournalError) in
            _ = try journal.append(
                UnsafeRawBufferPointer(bytes), kind: kind, flags: event?.flags ?? 0, arrival: arrival)
        }
        bytes += (RecordFrame.headerBytes + payload.count + 7) & ~7
    }

    private func document(_ mark: Mark) -> BSONDocument {
        var counts = BSONDocument()
        for (id, count) in mark.counts { counts.append(String(id, radix: 16), .document(count.document)) }
        return [
            "journal": .string(origin.description),
            "sequence": .int64(Int64(bitPattern: mark.decided.sequence)),
            "offset": .int64(Int64(bitPattern: mark.decided.offset)),
            "confirmed": .int64(Int64(bitPattern: mark.confirmed)),
            "clock": .int64(mark.clock), "next": .int64(Int64(bitPattern: mark.next)),
            "counts": .document(counts),
        ]
    }
}
