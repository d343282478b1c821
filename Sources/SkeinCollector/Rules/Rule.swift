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

/// Which events go to which outlets. Every rule that matches applies; an event reaches each outlet at most once.
public struct Rule: Sendable, Hashable {
    /// The condition as it was written; nil: every event.
    public var match: String?
    /// Names of outlets.
    public var to: [String]
    /// Where it was written.
    public var place: ConfigurationMistake.Place

    /// A rule made in code: its place is the property `rules`.
    public init(match: String? = nil, to: [String]) {
        self.match = match
        self.to = to
        place = .property("rules")
    }
}
