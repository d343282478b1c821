import SkeinPlatform

/// What an opening found of those before it.
public struct RecoveredJournal: Sendable {
    /// The owner before this one, or an earlier one whose end nobody has reported; nil if the journal is new.
    public internal(set) var owner: DeadOwner?
    /// Records that all openings before this one numbered, whether they are still there or not.
    public internal(set) var earlierRecords: UInt64 = 0
    /// Streams of earlier openings that still have records, in no order. Readers return them before newer ones.
    public internal(set) var streams: [RecoveredStream] = []
    /// Slots of contexts that were open when their process died, and whose event is in no record. They stay
    /// claimed until ``MappedJournal/releaseSlot(_:)``: append the abandoned event with the slot, then release it,
    /// and a kill in between neither loses nor doubles it.
    public internal(set) var openSlots: [RecoveredSlot] = []
    /// What was held of trees whose root had not ended when their process died, or whose verdict was being carried out. The
    /// chunks stay claimed until ``HeldArena/release(_:)``.
    public internal(set) var heldTrees: [RecoveredTree] = []
    /// Records that could not be read, at least: damage, or, after a power cut, what never reached the disk.
    public internal(set) var damagedRecords = 0
    /// Bytes that could not be read as records.
    public internal(set) var damagedBytes = 0
    /// Whole records beyond the place where the log ends.
    public internal(set) var skippedRecords = 0
    /// Cursors that did not fit the segments, and what was done.
    public internal(set) var movedCursors: [MovedCursor] = []

    /// Who had the journal before.
    public struct DeadOwner: Sendable {
        /// Whether it closed the journal.
        public let wasClean: Bool
        /// Whether that was in this boot of the machine.
        public let isSameBoot: Bool
        /// Its process id.
        public let pid: UInt32
        /// Where its records were to go; empty if it did not say.
        public let endpoint: String
        /// The machine that it ran on; empty if it did not say.
        public let host: String
        /// The service that it was; empty if it did not say.
        public let service: String
        /// Unix nanoseconds.
        public let opened: Int64
        /// Unix nanoseconds.
        public let lastSignOfLife: Int64
        /// How many records it numbered.
        public let records: UInt64
        /// The 128 counters when this opening began. They go on from there: nothing resets them.
        public let counters: [UInt64]
        /// What it counted itself, of the first 32 counters.
        public let counted: [UInt64]
        /// Whether it did not close the journal, and no record tells of its end yet:
        /// ``MappedJournal/deadOwnerSlot``.
        public let isUnreported: Bool
    }
}

/// A stream of an earlier opening.
public struct RecoveredStream: Sendable, Equatable {
    /// Which stream it is.
    public let stream: JournalStream
    /// Of the records that are still there.
    public let first: UInt64
    /// The highest number that is still there.
    public let last: UInt64
    /// How many records are still there.
    public let records: Int
}

/// A slot that a dead owner left open. See `Docs/Journal.md` for its bytes, which nobody has checked.
public struct RecoveredSlot: @unchecked Sendable {
    // Sendable: nobody else uses the slot until it is released.

    /// 4,096 bytes of the journal's mapping.
    public let slot: UnsafeMutableRawPointer

    /// A copy of the slot.
    public var bytes: [UInt8] {
        Array(UnsafeRawBufferPointer(start: slot, count: SlotLayout.bytes))
    }
}

/// A cursor that pointed outside the segments.
public struct MovedCursor: Sendable, Equatable {
    /// Why it was moved.
    public enum Reason: Sendable {
        /// It lay beyond the end, and was set to the end.
        case beyondEnd
        /// It lay before the oldest segment, and was set to its start: records between are gone.
        case beforeOldest
        /// Its file could not be read: it was set to the oldest record.
        case damaged
    }

    /// The reader's name.
    public let name: String
    /// The shard that it reads, from 0.
    public let shard: Int
    /// Where it pointed.
    public let from: JournalPosition
    /// Where it points now.
    public let to: JournalPosition
    /// Why it was moved.
    public let reason: Reason
}
