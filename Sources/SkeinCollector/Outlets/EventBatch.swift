import SkeinJournal
import SkeinPlatform

/// Where an event's document stands in the bytes of a run of the journal.
struct EventPlace {
    /// Offset of the document; the record's header ends there.
    var offset: UInt32
    var count: UInt32
}

/// Events that the rules send to an outlet, lent for the call.
struct EventBatch {
    /// The run's records with their headers.
    let bytes: UnsafeRawBufferPointer
    /// The events for this outlet, in order.
    let events: UnsafeBufferPointer<EventPlace>
    /// Where the bytes begin in the main journal; nil: they are copies in a backlog, numbered by their places there.
    var start: JournalPosition?

    /// The document of an event.
    @inline(__always)
    func document(_ place: EventPlace) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            rebasing: bytes[Int(place.offset)..<Int(place.offset) &+ Int(place.count)])
    }

    /// An event's place in the main journal as a number (``JournalPosition/ordinal``).
    func number(_ place: EventPlace) -> UInt64 {
        let offset = Int(place.offset) &- RecordFrame.headerBytes
        if let start {
            return JournalPosition(sequence: start.sequence, offset: start.offset + UInt64(offset)).ordinal
        }
        return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset &+ 16, as: UInt64.self))
    }

    /// When an event arrived, Unix nanoseconds.
    @inline(__always)
    func arrival(_ place: EventPlace) -> Int64 {
        Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: Int(place.offset) &- 8, as: Int64.self))
    }
}
