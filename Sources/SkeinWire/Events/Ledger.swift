/// The counters of an app's pipeline, by their place in the head of its journal (`Docs/Journal.md`), so that whoever
/// recovers a spool can report them. Places are never reused for another meaning.
public enum PipelineCounter: Int, Sendable, CaseIterable {
    /// Contexts that closed and were to be recorded.
    case closed = 0
    /// Events dropped because the journal was over its budget.
    case journalFull = 1
    /// Events dropped because they exceed a segment.
    case tooLarge = 2
    /// Events dropped because the pipeline was shut down.
    case shutDown = 3
    /// Values cut to the limit.
    case trimmed = 4
    /// Fields dropped: bad key, path through a value, too many, no room.
    case fieldsDropped = 5
    /// Writes after the context had ended.
    case writesAfterClose = 6
    /// Contexts that were finished more than once.
    case finishedTwice = 7
    /// Contexts that went on in the heap, because their slot was too small or none was free.
    case unslotted = 8
    /// Incoming trace headers that were malformed.
    case malformedHeaders = 9
    /// Sampling by an ancestor that is not open.
    case unknownAncestors = 10
    /// Types that had to be cleaned of characters that a type must not have.
    case invalidTypes = 11
    /// Given ids that were cut.
    case trimmedIDs = 12
    /// Contexts released without having been finished.
    case unfinished = 13
    /// Contexts not sampled.
    case unsampled = 14
    /// Events that the collector refused as invalid.
    case refusedInvalid = 15
    /// Events acknowledged.
    case acknowledged = 16
    /// Events that were held back with their tree, which ended well: they went nowhere, and are no loss.
    case held = 17
    /// Events dropped because more was held of their tree than may be, and the tree was let go afterwards.
    case heldFull = 18
    /// Requests of other services to let go what is held that made no sense.
    case badReleases = 19

    /// Its name in documents and statistics.
    public var name: String {
        switch self {
        case .closed: "closed"
        case .journalFull: "journal_full"
        case .tooLarge: "too_large"
        case .shutDown: "shut_down"
        case .trimmed: "trimmed"
        case .fieldsDropped: "fields_dropped"
        case .writesAfterClose: "writes_after_close"
        case .finishedTwice: "finished_twice"
        case .unslotted: "unslotted"
        case .malformedHeaders: "malformed_headers"
        case .unknownAncestors: "unknown_ancestors"
        case .invalidTypes: "invalid_types"
        case .trimmedIDs: "trimmed_ids"
        case .unfinished: "unfinished"
        case .unsampled: "unsampled"
        case .refusedInvalid: "invalid"
        case .acknowledged: "acknowledged"
        case .held: "held"
        case .heldFull: "held_full"
        case .badReleases: "bad_releases"
        }
    }

    /// Whether each count is an event that was lost.
    public var isLoss: Bool {
        switch self {
        case .journalFull, .tooLarge, .shutDown, .refusedInvalid, .heldFull: true
        default: false
        }
    }

    /// Whether events that are so counted were never given a number in a journal.
    public var isLossBeforeJournal: Bool {
        switch self {
        case .journalFull, .tooLarge, .shutDown, .heldFull: true
        default: false
        }
    }

    /// Where the counter stands.
    public var index: Int { rawValue }
}
