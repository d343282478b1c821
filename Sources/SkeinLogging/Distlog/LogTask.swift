import SkeinPlatform
package import SkeinWire
import Synchronization

/// A goal while it is being reached: Distlog's task, on top of a ``Context``.
///
/// ```swift
/// let count = 10
/// withTask("counting up to \(count)", ["job": "count up"]) { task in
///     withSubtask("print numbers") { step in
///         EventLogger("demo").debug("one")
///         step.success("printed \(count) numbers")
///     }
/// }
/// ```
/// It logs its message when it begins (info), and at its end that of ``success(_:)``, or the same again; if an error leaves it,
/// `FAILED` and the message, with the error. All records made inside belong to it, in child tasks of Swift's, too: a
/// ``ZeroMQHandler`` gives each the key `<counter>@<id>`, and the counter counts the records of this task from 0.
///
/// Ids: a task's is that of its context's tree, its children are numbered `<id>/<n>` from 1, whatever process they run in. So the
/// goals of several programs, Distlog's among them, are one tree.
///
/// Threads: any, at the same time.
public final class LogTask: Sendable {
    private struct State {
        var data = BSONDocument()
        var success: LogMessage?
    }

    /// The whole id, `<root>/<n>/<n>…`.
    public let id: String
    /// What is to be reached.
    public let message: LogMessage
    /// The context that the task is: set fields on it, read its ids. It does nothing while nothing is configured.
    public let context: Context
    private let place: LogSource
    private let state: Monitor<State>
    private let recordCount = Atomic<UInt64>(0)
    private let childCount = Atomic<UInt64>(0)

    init(
        id: String, _ message: LogMessage, _ data: LogMetadata, _ context: Context, isNew: Bool,
        _ place: LogSource
    ) {
        self.id = id
        self.message = message
        self.context = context
        self.place = place
        state = Monitor(State())
        // As a collector works it out from the key of a record, so that records of other programs find their parent.
        if isNew { context.identify(span: RecordKey(counter: 0, task: id).span) }
        data.visit { bind($0, $1) }
    }

    // MARK: What it says

    /// Sets what is said at the end, if it is reached. The last call counts.
    public func success(_ message: LogMessage) {
        state.withLock { $0.success = message }
    }

    /// Adds to the data of the task: a field of its context, and of the `context` of its records from now on. The tasks
    /// inside it do not repeat it.
    ///
    /// - Parameter key: not `key`, which is that of the record.
    public func bind(_ key: String, _ value: any FieldValue & Sendable) {
        let value = value.bsonValue
        context.set(dynamic: key, value)
        state.withLock { $0.data[key] = value }
    }

    // MARK: Other processes

    /// Takes the next child's number for a task in another process, and tells its id, to be handed over in whatever way. There,
    /// ``importTask(id:_:_:type:file:fileID:function:line:_:)-(_,_,_,_,_,_,_,_,(LogTask)(Failure)->Result)`` or Distlog's `import_task`
    /// continues under it.
    ///
    /// ```swift
    /// let id = withTask("order") { task in task.foreignTask() }
    /// importTask(id: id, "reserve stock") { task in task.success("reserved") }
    /// ```
    public func foreignTask() -> String { nextChild() }

    func nextChild() -> String {
        "\(id)/\(childCount.add(1, ordering: .relaxed).newValue)"
    }

    /// The task that the calling code is in, if it is in one.
    public static var current: LogTask? { local.get() }

    static let local = TaskLocal<LogTask?>(wrappedValue: nil)
    private static let open = Atomic<Int>(0)

    /// Whether any task of the process is open, so that nobody else need look. 1 ns.
    static var isAnyOpen: Bool { open.load(ordering: .relaxed) > 0 }

    // MARK: Records

    /// What the next record of the task is named by, and the data that it carries.
    func stamp() -> TaskStamp {
        let number = recordCount.add(1, ordering: .relaxed).oldValue
        return TaskStamp(key: RecordKey(counter: number, task: id), data: state.withLock { $0.data })
    }

    // MARK: The life of a task

    func run<Result, Failure: Error>(_ body: (LogTask) throws(Failure) -> Result) throws(Failure) -> Result {
        Self.open.add(1, ordering: .relaxed)
        defer { Self.open.subtract(1, ordering: .relaxed) }
        let outcome: Swift.Result<Result, Failure> = Self.local.withValue(self) {
            begin()
            do throws(Failure) {
                let value = try body(self)
                reach()
                return .success(value)
            } catch {
                fail(error)
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    func run<Result, Failure: Error>(
        isolation: isolated (any Actor)?, _ body: (LogTask) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        Self.open.add(1, ordering: .relaxed)
        defer { Self.open.subtract(1, ordering: .relaxed) }
        let outcome: Swift.Result<Result, Failure> = await Self.local.withValue(
            self,
            operation: {
                begin()
                do throws(Failure) {
                    let value = try await body(self)
                    reach()
                    return .success(value)
                } catch {
                    fail(error)
                    return .failure(error)
                }
            }, isolation: isolation)
        return try outcome.get()
    }

    private func begin() { say(.info, message) }

    private func reach() { say(.info, state.withLock { $0.success } ?? message) }

    private func fail(_ error: any Error) {
        say(.error, LogMessage("FAILED " + message.description), error)
    }

    /// Tasks speak as the logger `root`, as in Distlog.
    private func say(_ level: LogLevel, _ message: LogMessage, _ error: (any Error)? = nil) {
        guard LogSystem.takes(level) else { return }
        LogSystem.handle(
            LogRecord(level: level, message, logger: "root", error: error, source: place))
    }
}

/// What a record has from the task it was made in.
package final class TaskStamp: Sendable {
    package let key: RecordKey
    private let data: BSONDocument

    init(key: RecordKey, data: BSONDocument) {
        self.key = key
        self.data = data
    }

    /// Of the task that the calling code is in; nil outside of any.
    static var current: TaskStamp? {
        guard LogTask.isAnyOpen else { return nil }
        return LogTask.current?.stamp()
    }

    /// Distlog's `context`: the key, then the bound data.
    package var document: BSONDocument {
        var document: BSONDocument = ["key": .string(key.description)]
        for (name, value) in data where name != "key" { document.append(name, value) }
        return document
    }
}
