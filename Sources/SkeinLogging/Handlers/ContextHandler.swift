/// Records become events of the current context: type `<context>.log`, its id, its span as their parent.
///
/// ```swift
/// LogSystem.bootstrap(ContextHandler(level: .info))
/// withContext("request") { _ in
///     EventLogger("shop").info("cart is full", ["items": 30])       // an event of type request.log
/// }
/// ```
/// Outside of any context a record is a tree of its own, of type `log`. A context that is not sampled silences its records. The
/// event has `level`, and in its body `name`, `level` (its name), `msg`, `exception`, `file`, `line`, `function`, `module`, `thread`
/// and `data`, the metadata, in which dots nest; see `Docs/EventDocument.md`.
///
/// Cost: about 150 ns, and none while no pipeline is active; no allocation if the message is a literal.
public struct ContextHandler: LogRecordHandler {
    /// The lowest that becomes an event.
    public let level: LogLevel
    private let type: RecordType

    /// - Parameters:
    ///   - level: the lowest that becomes an event.
    ///   - type: `.x` joins the current context, `^.x` the outermost, a plain name starts a tree, as with `withContext`.
    public init(level: LogLevel = .all, type: StaticString = ".log") {
        self.level = level
        self.type = RecordType(type)
    }

    /// As ``init(level:type:)``, with a type that is computed. There should be few of them: each is kept for ever.
    public init(level: LogLevel = .all, dynamicType type: String) {
        self.level = level
        self.type = RecordType(computed: type)
    }

    @discardableResult
    public func handle(_ record: LogRecord) -> Bool {
        guard EventSystem.isActive else { return false }
        return Context.record(type, level: record.level.rawValue, from: record.origin) { context in
            if !record.logger.isEmpty { context.set("name", record.logger) }
            context.set("level", record.level.name)
            context.set("msg", record.message.description)
            if let exception = record.exception { context.set("exception", exception) }
            record.source.write(to: context)
            context.set("thread", record.thread)
            record.details.visit { context.set(below: "data", $0, $1) }
        }
    }
}
