import SkeinBSON
import SkeinJournal
import SkeinWire
import Synchronization

/// The collector's account of what came in. It balances at any quiet moment:
/// `received = journaled + duplicate + rejected[reason] + dropped[reason]`.
///
/// The counts stand in the head of the journal and outlive the process. The inlets' thread alone changes them.
final class HopLedger {
    /// Places in the head of a collector's journal. Never reused for another meaning.
    enum Place: Int, CaseIterable {
        case received = 0
        case journaled = 1
        case duplicate = 2
        /// Dropped, since the journal was over its budget.
        case journalFull = 3
        /// Dropped, since the disk was full.
        case diskFull = 4
        /// Dropped, since the journal could not be made durable.
        case syncFailed = 5
        /// In hand when the process was killed.
        case killed = 6
        /// Numbers of streams that never came, and never will.
        case lostUpstream = 7
        case notBSON = 16
        case trailingBytes = 17
        case tooLarge = 18
        case noType = 19
        case badType = 20
        case foreignProtocol = 21
        case badFrames = 22
        case badTopic = 23
        case badJSON = 24
        case badPickle = 25
        case badRecord = 26
        /// Of outlets, not of the hop: what waited for those that were removed.
        case outletRemoved = 32

        init?(_ reason: RejectReason) {
            switch reason {
            case .notBSON: self = .notBSON
            case .trailingBytes: self = .trailingBytes
            case .tooLarge: self = .tooLarge
            case .noType: self = .noType
            case .badType: self = .badType
            case .foreignProtocol: self = .foreignProtocol
            case .badFrames: self = .badFrames
            case .badTopic: self = .badTopic
            case .badJSON: self = .badJSON
            case .badPickle: self = .badPickle
            case .badRecord: self = .badRecord
            case .refusedByOutlet: return nil
            }
        }
    }

    private static let dropped: [(Place, String)] = [
        (.journalFull, "journal_full"), (.diskFull, "disk_full"), (.syncFailed, "sync_failed"),
        (.killed, "killed"),
    ]

    /// What had been journaled before a place. Two copies in turn, each of four counters: generation, journaled, sequence,
    /// offset; the generation is stored last.
    private static let notes = [96, 100]

    private let counter: (Int) -> UnsafeMutablePointer<Atomic<UInt64>>

    /// - Parameter counter: the journal's counters by their places.
    init(_ counter: @escaping (Int) -> UnsafeMutablePointer<Atomic<UInt64>>) {
        self.counter = counter
    }

    /// Sets the account right after a process that may have been killed: it may have journaled more than it counted, and
    /// counted more than it journaled. Before any outlet reads: what they pass is recycled, and cannot be counted.
    /// - Parameters:
    ///   - end: where the journal ends; everything before is durable.
    ///   - countRecords: counts the journal's records from a place on; nil if it cannot be read.
    func recover(end: JournalPosition, countRecords: (JournalPosition) -> UInt64?) {
        if let (journaled, position) = lastNote(upTo: end), let since = countRecords(position) {
            store(journaled &+ since, at: Place.journaled.rawValue)
        }
        // From here on is counted next time: this process may be killed before its first sync, and after its outlets have
        // had everything recycled that was counted now.
        note(journaled: value(.journaled), position: end)
        // What was received and has no fate yet was in the hands of a process that is no more.
        let fates =
            value(.journaled) &+ value(.duplicate)
            &+ RejectReason.allCases.compactMap { Place($0) }.reduce(0) { $0 &+ value($1) }
            &+ Self.dropped.reduce(0) { $0 &+ value($1.0) }
        if value(.received) > fates {
            add(.killed, value(.received) - fates)
        } else if value(.received) < fates {
            add(.received, fates - value(.received))
        }
    }

    /// Remembers how many records were journaled before a place. All of them are with the kernel, so that a kill takes none
    /// back; and no outlet has been beyond that place, so that all which come after it are there to be counted.
    func note(journaled: UInt64, position: JournalPosition) {
        let generations = Self.notes.map { load($0) }
        let copy = Self.notes[generations[0] <= generations[1] ? 0 : 1]
        store(journaled, at: copy + 1)
        store(position.sequence, at: copy + 2)
        store(position.offset, at: copy + 3)
        counter(copy).pointee.store(max(generations[0], generations[1]) &+ 1, ordering: .releasing)
    }

    /// The last of the two that lies within the journal: after a power cut what the newer one covers may be gone.
    private func lastNote(upTo end: JournalPosition) -> (journaled: UInt64, position: JournalPosition)? {
        Self.notes.filter { load($0) > 0 }.sorted { load($0) > load($1) }.lazy
            .map {
                (
                    self.load($0 + 1),
                    JournalPosition(sequence: self.load($0 + 2), offset: self.load($0 + 3))
                )
            }
            .first { $0.1 <= end }
    }

    private func load(_ index: Int) -> UInt64 { counter(index).pointee.load(ordering: .relaxed) }

    private func store(_ value: UInt64, at index: Int) {
        counter(index).pointee.store(value, ordering: .relaxed)
    }

    func value(_ place: Place) -> UInt64 {
        counter(place.rawValue).pointee.load(ordering: .relaxed)
    }

    func add(_ place: Place, _ count: UInt64) {
        guard count > 0 else { return }
        let counter = counter(place.rawValue)
        // One thread writes, so this needs no atomic addition.
        counter.pointee.store(counter.pointee.load(ordering: .relaxed) &+ count, ordering: .relaxed)
    }

    func add(_ place: Place, _ count: Int) {
        add(place, UInt64(clamping: count))
    }

    /// Takes back what turned out not to be so.
    func subtract(_ place: Place, _ count: UInt64) {
        let counter = counter(place.rawValue)
        counter.pointee.store(counter.pointee.load(ordering: .relaxed) &- count, ordering: .relaxed)
    }

    /// Counts something that was received and rejected.
    func reject(_ reason: RejectReason, _ count: Int = 1) {
        if let place = Place(reason) { add(place, count) }
    }

    var document: BSONDocument {
        func number(_ place: Place) -> BSONValue { .int64(Int64(bitPattern: value(place))) }
        var rejected = BSONDocument()
        for reason in RejectReason.allCases {
            guard let place = Place(reason), value(place) > 0 else { continue }
            rejected.append(reason.rawValue, number(place))
        }
        var dropped = BSONDocument()
        for (place, name) in Self.dropped where value(place) > 0 { dropped.append(name, number(place)) }
        return [
            "received": number(.received), "journaled": number(.journaled), "duplicate": number(.duplicate),
            "rejected": .document(rejected), "dropped": .document(dropped),
            "lost_upstream": number(.lostUpstream),
        ]
    }
}
