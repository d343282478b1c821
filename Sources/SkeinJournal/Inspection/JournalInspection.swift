import SkeinPlatform

/// What the folder of one journal holds, seen without changing anything: by whoever wrote it, living or dead.
///
/// What recovery would make of it is found by recovery's own code, so the two cannot differ. A living owner goes on
/// meanwhile: what changed while it was looked at is marked, and is no damage.
package struct JournalInspection: Sendable {
    /// Which of the two writers the journal is of.
    package enum Writer: String, Sendable {
        case app, collector
    }

    /// What the head says of the last opening.
    package struct Head: Sendable {
        package var journal: JournalID
        package var opening: UInt64
        package var isSameBoot: Bool
        package var pid: UInt32
        /// Unix nanoseconds.
        package var opened: Int64
        /// Unix nanoseconds; 0 where the owner never gave one (a collector does not).
        package var lastSignOfLife: Int64
        package var wasClosed: Bool
        package var endpoint: String
        package var segmentBytes: UInt64
    }

    /// What a segment file is to the journal.
    package enum Role: String, Sendable {
        /// Part of the log.
        case log
        /// Behind every cursor: kept for reuse.
        case passed
        /// Beyond the end: never acknowledged, and dropped at the next opening.
        case dropped
        /// Without a header: to be used next.
        case free
        /// Neither copy of the header holds, and no header was found under which its records do.
        case headless
        /// Of another journal, or of a use of its sequence that was given up.
        case foreign
    }

    package struct Segment: Sendable {
        package var file: String
        package var role: Role
        package var fileBytes: Int
        package var shard = 0
        package var sequence: UInt64 = 0
        package var opening: UInt64 = 0
        /// Unix nanoseconds.
        package var begun: Int64 = 0
        package var isSameBoot = false
        /// What the header says is committed; 4,096 is nothing yet.
        package var committed = 0
        package var isSealed = false
        /// Where its last record ends.
        package var end = SegmentHeader.bytes
        package var records = 0
        /// Records that stand for what a repair found lost, and other records of the journal's own.
        package var tables = 0
        /// Bytes of whole records with their headers.
        package var bytes = 0
        /// Of an app's records, whose numbers rise within a segment.
        package var firstNumber: UInt64?
        package var lastNumber: UInt64?
        /// Arrival, Unix nanoseconds.
        package var oldest: Int64?
        package var newest: Int64?
        /// Records that could not be read, at least.
        package var damagedRecords = 0
        package var damagedBytes = 0
        /// Whole records beyond the end.
        package var skippedRecords = 0
        /// A living owner began a new use of the file while it was looked at.
        package var isChanging = false
    }

    package struct Stream: Sendable {
        package var stream: JournalStream
        /// Its row in a collector's table; 0 is the collector's own, and every one of an app's.
        package var index: UInt32
        package var records = 0
        package var first: UInt64?
        package var last: UInt64?
        /// In a collector's journal: everything up to here was taken.
        package var highest: UInt64?
        package var isEnded = false
    }

    /// One cursor in one shard.
    package struct Cursor: Sendable {
        package var name: String
        package var shard: Int
        /// As its file has it; nil if the file has nothing for this shard, or nothing that holds.
        package var position: JournalPosition?
        package var number: UInt64
        /// Records it has not passed.
        package var recordsBehind = 0
        /// Bytes of those with their headers.
        package var bytesBehind = 0
        /// Arrival of the oldest of those, Unix nanoseconds.
        package var oldestBehind: Int64?
    }

    package struct Slots: Sendable {
        package var total = 0
        package var open = 0
        package var closing = 0
        /// Open ones by the type that stands in them, as bytes that nobody has checked.
        package var types: [(type: [UInt8], count: Int)] = []
    }

    /// A place that is not as it was written.
    package struct Fault: Sendable {
        /// Name in the folder.
        package var file: String
        /// Bytes from the start of the file, where it is one place.
        package var offset: Int?
        package var reason: String
        /// Whether repair can make the journal whole there.
        package var isRepairable = true
    }

    package var folder: String
    package var writer: Writer
    package var head: Head?
    /// Whether a process holds the journal's lock.
    package var isOwnerAlive: Bool
    /// Those of the log in the order of writing, by shard; then the others.
    package var segments: [Segment] = []
    package var streams: [Stream] = []
    package var cursors: [Cursor] = []
    package var slots = Slots()
    package var faults: [Fault] = []
    /// Records that could not be read, at least.
    package var damagedRecords = 0
    package var damagedBytes = 0
    /// Whole records beyond the place where the log ends, which were never acknowledged.
    package var skippedRecords = 0

    /// Records of the log, but for those of the journal's own.
    package var records: Int { segments.reduce(0) { $0 + ($1.role == .log ? $1.records - $1.tables : 0) } }

    /// Whether everything is as it was written.
    package var isWhole: Bool { faults.isEmpty }

    /// Whether a repair would change anything.
    package var needsRepair: Bool { faults.contains { $0.isRepairable } }
}

extension JournalInspection {
    /// The journals at a path: the folder itself, or those of a spool (`0`, `1`, …), or those of a collector's data folder
    /// (`journal` and `backlog/<outlet>`). Empty where there is none.
    package static func journals(at path: String) throws(JournalError) -> [String] {
        func names(_ folder: String) throws(JournalError) -> [String] {
            do throws(SystemError) {
                return try InspectionStorage().names(in: folder)
            } catch {
                if error.code == ENOTDIR { return [] }
                throw JournalError("listing \(folder)", error)
            }
        }
        func isJournal(_ folder: String) -> Bool { (try? JournalSurvey.names(ofJournal: folder)) != nil }
        if isJournal(path) { return [path] }
        let spool = try names(path).compactMap { Int($0) }.sorted().map { "\(path)/\($0)" }
        let backlogs = try names("\(path)/backlog").sorted()
            .filter { !$0.contains(JournalRepair.damagedSuffix) && !$0.hasSuffix(JournalRepair.workSuffix) }
            .map { "\(path)/backlog/\($0)" }
        return (spool + ["\(path)/journal"] + backlogs).filter(isJournal)
    }
}
