/// The keys of an event document, in the order in which Skein writes them (`Docs/EventDocument.md`).
public enum EventKey {
    public static let id: StaticString = "id"
    public static let type: StaticString = "type"
    public static let host: StaticString = "host"
    public static let pid: StaticString = "pid"
    public static let start: StaticString = "start"
    public static let end: StaticString = "end"
    public static let body: StaticString = "body"
    public static let span: StaticString = "span"
    public static let parent: StaticString = "parent"
    public static let trace: StaticString = "trace"
    public static let service: StaticString = "service"
    public static let rate: StaticString = "rate"
    public static let error: StaticString = "error"
    public static let level: StaticString = "level"
}
