/// The keys of an event document, in the order in which Skein writes them (`Docs/EventDocument.md`).
public enum EventKey {
    /// String: what a whole tree shares.
    public static let id: StaticString = "id"
    /// String: the dotted path that says what happened.
    public static let type: StaticString = "type"
    /// String: the host name.
    public static let host: StaticString = "host"
    /// Int32: the process id.
    public static let pid: StaticString = "pid"
    /// Double: when the context opened, in Unix seconds.
    public static let start: StaticString = "start"
    /// Double: when the context closed, in Unix seconds; never below `start`.
    public static let end: StaticString = "end"
    /// Document: the fields.
    public static let body: StaticString = "body"
    /// String: the event's own span id, 16 lowercase hex digits.
    public static let span: StaticString = "span"
    /// String: the parent's span id. Not at a root.
    public static let parent: StaticString = "parent"
    /// String: the trace id, 32 lowercase hex digits. Only if `id` is no trace id.
    public static let trace: StaticString = "trace"
    /// String: the service's name. Only if one is configured.
    public static let service: StaticString = "service"
    /// Double: the product of the sampling rates along the path. Only if below 1.
    public static let rate: StaticString = "rate"
    /// Document of `type` and `message`. Only if the body threw.
    public static let error: StaticString = "error"
    /// Int32: the level of a log record, 5 (trace) to 50 (critical). Only at records.
    public static let level: StaticString = "level"
}
