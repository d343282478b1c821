public import SkeinFilter

/// What events are asked for: those that meet everything that is said here.
///
/// ```swift
/// var query = StoreQuery()
/// query.types = [.prefix("request")]
/// query.minimumLevel = 40
/// query.limit = 100
/// ```
public struct StoreQuery: Sendable {
    /// A word, or the beginning of one.
    public enum Match: Sendable, Hashable {
        /// Exactly this.
        case exact(String)
        /// Whatever begins like this.
        case prefix(String)

        func matches(_ text: String) -> Bool {
            switch self {
            case .exact(let wanted): text == wanted
            case .prefix(let beginning): text.utf8.starts(with: beginning.utf8)
            }
        }
    }

    /// In which order they are answered.
    public enum Order: Sendable, Hashable {
        /// By their time, the latest first; of one time, the last stored first.
        case newestFirst
        /// By their time, the earliest first.
        case oldestFirst
    }

    /// A place between two events of an answer, to go on from.
    public struct Place: Sendable, Hashable {
        /// The last event's time, µs since 1970.
        public var time: Int64
        /// The last event's number.
        public var number: Int64

        /// After that event.
        public init(time: Int64, number: Int64) {
            self.time = time
            self.number = number
        }
    }

    /// Times, µs since 1970, both ends inclusive.
    public var times: ClosedRange<Int64> = .min ... .max
    /// One of them; empty: any type.
    public var types: [Match] = []
    /// One of them; empty: any.
    public var services: [Match] = []
    /// One of them; empty: any.
    public var hosts: [Match] = []
    /// Of a record's logger, one of them; empty: any.
    public var names: [Match] = []
    /// Records of this level and above; nil: events without a level, too.
    public var minimumLevel: Int?
    /// Only what has a level.
    public var recordsOnly = false
    /// µs, both ends inclusive; nil: events without a duration, too.
    public var durations: ClosedRange<Int64>?
    /// Whether the event has an `error`; nil: both.
    public var hasFailed: Bool?
    /// What the document itself must meet. Costs a look at each event that meets everything else.
    public var filter: EventFilter?
    /// In which order.
    public var order = Order.newestFirst
    /// Go on after this place in that order.
    public var after: Place?
    /// At most so many.
    public var limit = 100

    /// Every event.
    public init() {}
}
