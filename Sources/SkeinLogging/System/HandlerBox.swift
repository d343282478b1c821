/// A handler in an object: it is asked by one indirect call, where an existential would be copied first.
class HandlerBox: @unchecked Sendable {
    // Sendable: immutable, here and below.

    static func of(_ handler: any LogRecordHandler) -> HandlerBox { opened(handler) }

    private static func opened<Handler: LogRecordHandler>(_ handler: Handler) -> HandlerBox {
        TypedHandlerBox(handler)
    }

    /// Whether nothing comes of a record while no pipeline is active.
    let needsPipeline: Bool

    fileprivate init(needsPipeline: Bool) { self.needsPipeline = needsPipeline }

    /// Whether a record of a level would be taken now.
    final func takes(_ level: LogLevel) -> Bool {
        level >= self.level && (!needsPipeline || EventSystem.isActive)
    }

    var handler: any LogRecordHandler { NullHandler() }
    var level: LogLevel { .off }
    func offer(_ record: LogRecord) -> Bool { false }
}

private final class TypedHandlerBox<Handler: LogRecordHandler>: HandlerBox, @unchecked Sendable {
    // Sendable: a constant of a type that is.
    private let typed: Handler

    init(_ handler: Handler) {
        typed = handler
        super.init(needsPipeline: handler is ContextHandler)
    }

    override var handler: any LogRecordHandler { typed }
    override var level: LogLevel { typed.level }
    override func offer(_ record: LogRecord) -> Bool { typed.offer(record) }
}
