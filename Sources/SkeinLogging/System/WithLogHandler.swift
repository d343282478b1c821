import SkeinPlatform
public import Synchronization

/// A handler bound to a task, and those around it.
@usableFromInline
final class LogHandlerBinding: Sendable {
    let box: HandlerBox
    let bubbles: Bool
    let outer: LogHandlerBinding?

    init(_ handler: any LogRecordHandler, bubbles: Bool) {
        box = .of(handler)
        self.bubbles = bubbles
        outer = Self.place.bound.map { $0._withUnsafeGuaranteedRef { $0 } }
    }

    /// Bound to nothing; never asked.
    private init() {
        box = .of(ContextHandler())
        bubbles = true
        outer = nil
    }

    static let local = TaskLocal<LogHandlerBinding>(wrappedValue: LogHandlerBinding())
    static let place = TaskLocalPlace(local)
    @usableFromInline static let bound = Atomic<Int>(0)

    /// Whether any task has a binding, so that nobody else need look.
    @inlinable @inline(__always)
    static var isAnyBound: Bool { bound.load(ordering: .relaxed) > 0 }

    static func entered() { bound.add(1, ordering: .relaxed) }
    static func left() { bound.subtract(1, ordering: .relaxed) }

    /// Whether a record of this level is taken by any handler it would come to.
    func takes(_ level: LogLevel) -> Bool {
        var binding: LogHandlerBinding? = self
        while let current = binding {
            if current.box.takes(level) { return true }
            binding = current.outer
        }
        return LogSystem.processTakes(level)
    }
}

/// Sends the records made inside a closure, and in the child tasks of what is called there, to a handler.
///
/// ```swift
/// withLogHandler(ContextHandler(level: .warning, type: ".skipped"), bubbles: true) {
///     EventLogger("import").warning("line skipped", ["line": 17])
/// }
/// ```
/// - Parameters:
///   - handler: asked first; the handlers bound further out, and the process's, follow.
///   - bubbles: whether a record that the handler takes goes on to those around it. What it does not take always does.
/// Cost: one allocation. The handler is neither flushed nor closed at the end.
public func withLogHandler<Result, Failure: Error>(
    _ handler: any LogRecordHandler, bubbles: Bool = false, _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
    let binding = LogHandlerBinding(handler, bubbles: bubbles)
    LogHandlerBinding.entered()
    defer { LogHandlerBinding.left() }
    let outcome: Swift.Result<Result, Failure> = LogHandlerBinding.local.withValue(binding) {
        do throws(Failure) { return .success(try body()) } catch { return .failure(error) }
    }
    return try outcome.get()
}

/// As the synchronous ``withLogHandler(_:bubbles:_:)-(_,_,()(Failure)->Result)``; the closure runs on the caller's actor.
public func withLogHandler<Result, Failure: Error>(
    _ handler: any LogRecordHandler, bubbles: Bool = false, isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws(Failure) -> Result
) async throws(Failure) -> Result {
    let binding = LogHandlerBinding(handler, bubbles: bubbles)
    LogHandlerBinding.entered()
    defer { LogHandlerBinding.left() }
    let outcome: Swift.Result<Result, Failure> = await LogHandlerBinding.local.withValue(
        binding,
        operation: {
            do throws(Failure) { return .success(try await body()) } catch { return .failure(error) }
        }, isolation: isolation)
    return try outcome.get()
}
