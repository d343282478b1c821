public import SkeinBSON
public import SkeinWire

/// Decides whether a rule applies to an event. The filter language is one; a type of your own is another.
///
/// Called on the outlet's thread for every event it reads, so it must be quick, and must answer the same for the
/// same bytes every time: after a crash an outlet reads again what it had read.
public protocol EventFilter: Sendable {
    /// - Parameters:
    ///   - event: the bytes of one well-formed document, lent for the call.
    ///   - envelope: where its envelope is in them.
    func matches(_ event: UnsafeRawBufferPointer, _ envelope: EventEnvelope) -> Bool
    /// How often an answer was "no" because finding it out went over a limit. Any thread. Without an implementation, never.
    var overruns: UInt64 { get }
}

extension EventFilter {
    public var overruns: UInt64 { 0 }
}

/// What makes an ``EventFilter`` of the text behind `match:`.
public typealias EventFilterCompiler = @Sendable (_ text: String) throws -> any EventFilter

/// What becomes of events: where they go, and what is changed in them before any outlet sees them (`Docs/Rules.md`).
///
/// Every rule that matches applies, in order; each sees the event as the rules before it left it. An event reaches each
/// outlet at most once.
///
/// ```swift
/// var configuration = CollectorConfiguration(dataPath: "/var/lib/checkout/events")
/// var secrets = Rule()
/// secrets.redact = [.init(keys: ["**.password", "**.*token*"], by: .mask("***"))]
/// configuration.rules = [secrets]
/// ```
public struct Rule: Sendable, Hashable {
    /// What stands in place of values that are not to be kept.
    public struct Redaction: Sendable, Hashable {
        /// How a value is hidden.
        public enum Method: Sendable, Hashable {
            /// This text stands there instead.
            case mask(String)
            /// The first 16 bytes of its HMAC-SHA-256 stand there, as hex: equal values stay equal. Needs
            /// ``CollectorConfiguration/redactKeyFile``.
            case hash
            /// The field is not there any more.
            case remove
        }

        /// Patterns of dotted keys, as `Docs/Rules.md` has them.
        public var keys: [String]
        /// What becomes of the values.
        public var method: Method

        /// Values to hide, by their keys.
        public init(keys: [String], by method: Method = .mask("***")) {
            self.keys = keys
            self.method = method
        }
    }

    /// A field that is put into events.
    public struct Addition: Sendable, Hashable {
        /// Dotted, below the body.
        public var path: String
        /// What stands there then, whatever stood there before.
        public var value: BSONValue

        /// A field by its path.
        public init(_ path: String, _ value: BSONValue) {
            self.path = path
            self.value = value
        }
    }

    /// Which events wait for what becomes of their group, and how long.
    public struct Hold: Sendable, Hashable {
        /// The field that makes a group, in the filter language's words.
        public var by: String
        /// The condition that lets a group go: one event of it that meets this is enough.
        public var until: String
        /// How long a group is held behind its last event, and let go at once behind the event that let it go.
        public var window: Duration
        /// The most events of a group that are held: the oldest give way.
        public var capacity: Int

        /// A hold with the defaults but for its condition.
        public init(
            by: String = "id", until: String, window: Duration = .seconds(60), capacity: Int = 1000
        ) {
            self.by = by
            self.until = until
            self.window = window
            self.capacity = capacity
        }
    }

    /// What the rule is called in STATUS.
    public var name: String?
    /// The condition as it was written; nil: every event.
    public var match: String?
    /// Names of outlets.
    public var to: [String]
    /// Whether events go nowhere.
    public var isDropping = false
    /// The part of trees whose events go on, above 0 and at most 1; nil: all.
    public var rate: Double?
    /// Patterns of dotted keys of fields that are taken out.
    public var remove: [String] = []
    /// Values that are hidden.
    public var redact: [Redaction] = []
    /// Fields that are put in.
    public var add: [Addition] = []
    /// What keeps events back from the rule's outlets; nil: nothing.
    public var hold: Hold?
    /// Where it was written.
    public var place: ConfigurationMistake.Place

    /// A rule made in code: its place is the property `rules`.
    public init(match: String? = nil, to: [String] = []) {
        self.match = match
        self.to = to
        place = .property("rules")
    }

    /// Whether it changes what an event holds.
    var isRewriting: Bool { rate != nil || !remove.isEmpty || !redact.isEmpty || !add.isEmpty }

    /// Whether it does more than to name outlets.
    var isActing: Bool { isDropping || isRewriting || hold != nil }

    /// The same rule, wherever it was written.
    var withoutPlace: Rule {
        var rule = self
        rule.place = .property("rules")
        return rule
    }
}
