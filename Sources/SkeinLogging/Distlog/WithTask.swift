import SkeinPlatform
import SkeinWire

/// Runs a closure as a task of its own: a goal, with the records and the subtasks that lead to it.
///
/// ```swift
/// let count = 2
/// withTask("counting up to \(count)", ["job": "count up"]) { task in
///     for number in 1...count {
///         withSubtask("count \(number)") { step in step.bind("number", number) }
///     }
///     task.success("counted up to \(count)")
/// }
/// ```
/// - Parameters:
///   - message: what is to be reached; logged at the begin and, without another one, at the end.
///   - data: fields of the task's context; they also stand in the `context` of its records.
///   - id: the id to share; default: a new one, 32 hexadecimal digits (a UUID without its hyphens).
///   - type: the type of the context.
/// - Returns: what the closure returns. An error that leaves it is logged and goes on.
/// Cost: that of a context and two records. Threads: any.
public func withTask<Result, Failure: Error>(
    _ message: LogMessage, _ data: LogMetadata = [:], id: String? = nil, type: StaticString = "task",
    file: StaticString = #filePath, fileID: StaticString = #fileID, function: StaticString = #function,
    line: Int = #line,
    _ body: (LogTask) throws(Failure) -> Result
) throws(Failure) -> Result {
    let place = LogSource(file: file, fileID: fileID, function: function, line: line)
    let outer = Context.current
    let id = TaskRoot.meant(id)
    return try withContext(type, id: id) { context throws(Failure) in
        let root = TaskRoot(context, outer, id)
        return try LogTask(id: root.id, message, data, context, isNew: root.isNew, place).run(body)
    }
}

/// Runs a closure as a part of the task around it: its context is a child, its id `<task's id>/<n>`. Outside of any task it is
/// one of its own.
///
/// - Parameters:
///   - message: what is to be reached; logged at the begin and, without another one, at the end.
///   - data: fields of the subtask's context; they also stand in the `context` of its records.
///   - type: the type of the context: `.x` joins the current one.
/// - Returns: what the closure returns. An error that leaves it is logged and goes on.
/// Cost: that of a context and two records. Threads: any.
public func withSubtask<Result, Failure: Error>(
    _ message: LogMessage, _ data: LogMetadata = [:], type: StaticString = ".task",
    file: StaticString = #filePath,
    fileID: StaticString = #fileID, function: StaticString = #function, line: Int = #line,
    _ body: (LogTask) throws(Failure) -> Result
) throws(Failure) -> Result {
    let place = LogSource(file: file, fileID: fileID, function: function, line: line)
    let outer = Context.current
    let id = LogTask.current?.nextChild()
    return try withContext(type) { context throws(Failure) in
        let root = TaskRoot(context, outer, nil)
        return try LogTask(id: id ?? root.id, message, data, context, isNew: root.isNew, place).run(body)
    }
}

/// Continues, as a task of this process, under an id that a task of another one took with ``LogTask/foreignTask()`` (or Distlog's
/// `get_foreign_task`): its tree goes on here, as a child of the task that took it.
///
/// - Parameters:
///   - id: the id as it was handed over, `<root>/<n>…`. Any other text begins a tree with that id.
///   - message: what is to be reached; logged at the begin and, without another one, at the end.
///   - data: fields of the task's context; they also stand in the `context` of its records.
///   - type: the type of the context.
/// - Returns: what the closure returns. An error that leaves it is logged and goes on.
/// Cost: that of a context and two records. Threads: any.
public func importTask<Result, Failure: Error>(
    id: String, _ message: LogMessage, _ data: LogMetadata = [:], type: StaticString = "task",
    file: StaticString = #filePath, fileID: StaticString = #fileID, function: StaticString = #function,
    line: Int = #line,
    _ body: (LogTask) throws(Failure) -> Result
) throws(Failure) -> Result {
    let place = LogSource(file: file, fileID: fileID, function: function, line: line)
    guard let carrier = ForeignTask.carrier(id) else {
        return try withTask(
            message, data, id: id, type: type, file: file, fileID: fileID, function: function, line: line,
            body)
    }
    let outer = Context.current
    return try withContext(type, continuing: carrier) { context throws(Failure) in
        let root = TaskRoot(context, outer, id)
        return try LogTask(id: id, message, data, context, isNew: root.isNew, place).run(body)
    }
}

// MARK: Asynchronous

/// As the synchronous ``withTask(_:_:id:type:file:fileID:function:line:_:)-(_,_,_,_,_,_,_,_,(LogTask)(Failure)->Result)``. Child tasks
/// of Swift's inherit the task; the closure runs on the caller's actor.
public func withTask<Result, Failure: Error>(
    _ message: LogMessage, _ data: LogMetadata = [:], id: String? = nil, type: StaticString = "task",
    file: StaticString = #filePath, fileID: StaticString = #fileID, function: StaticString = #function,
    line: Int = #line,
    isolation: isolated (any Actor)? = #isolation, _ body: (LogTask) async throws(Failure) -> Result
) async throws(Failure) -> Result {
    let place = LogSource(file: file, fileID: fileID, function: function, line: line)
    let outer = Context.current
    let id = TaskRoot.meant(id)
    return try await withContext(type, id: id, isolation: isolation) { context async throws(Failure) in
        let root = TaskRoot(context, outer, id)
        let task = LogTask(id: root.id, message, data, context, isNew: root.isNew, place)
        return try await task.run(isolation: isolation, body)
    }
}

/// As the synchronous ``withSubtask(_:_:type:file:fileID:function:line:_:)-(_,_,_,_,_,_,_,(LogTask)(Failure)->Result)``.
public func withSubtask<Result, Failure: Error>(
    _ message: LogMessage, _ data: LogMetadata = [:], type: StaticString = ".task",
    file: StaticString = #filePath,
    fileID: StaticString = #fileID, function: StaticString = #function, line: Int = #line,
    isolation: isolated (any Actor)? = #isolation, _ body: (LogTask) async throws(Failure) -> Result
) async throws(Failure) -> Result {
    let place = LogSource(file: file, fileID: fileID, function: function, line: line)
    let outer = Context.current
    let id = LogTask.current?.nextChild()
    return try await withContext(type, isolation: isolation) { context async throws(Failure) in
        let root = TaskRoot(context, outer, nil)
        let task = LogTask(id: id ?? root.id, message, data, context, isNew: root.isNew, place)
        return try await task.run(isolation: isolation, body)
    }
}

/// As the synchronous ``importTask(id:_:_:type:file:fileID:function:line:_:)-(_,_,_,_,_,_,_,_,(LogTask)(Failure)->Result)``.
public func importTask<Result, Failure: Error>(
    id: String, _ message: LogMessage, _ data: LogMetadata = [:], type: StaticString = "task",
    file: StaticString = #filePath, fileID: StaticString = #fileID, function: StaticString = #function,
    line: Int = #line,
    isolation: isolated (any Actor)? = #isolation, _ body: (LogTask) async throws(Failure) -> Result
) async throws(Failure) -> Result {
    let place = LogSource(file: file, fileID: fileID, function: function, line: line)
    guard let carrier = ForeignTask.carrier(id) else {
        return try await withTask(
            message, data, id: id, type: type, file: file, fileID: fileID, function: function, line: line,
            isolation: isolation, body)
    }
    let outer = Context.current
    return try await withContext(type, continuing: carrier, isolation: isolation) {
        context async throws(Failure) in
        let root = TaskRoot(context, outer, id)
        let task = LogTask(id: id, message, data, context, isNew: root.isNew, place)
        return try await task.run(isolation: isolation, body)
    }
}

// MARK: Ids

/// What a task of its own is named by.
private struct TaskRoot {
    let id: String
    /// Whether the context is this task's: one that is not sampled hands down its parent.
    let isNew: Bool

    init(_ context: Context, _ outer: Context?, _ given: String?) {
        isNew = outer.map { $0 !== context } ?? true
        let own = context.id
        id = own.isEmpty ? given ?? Self.newID() : own
    }

    /// The id that was given, if it is one.
    static func meant(_ id: String?) -> String? { id?.isEmpty == true ? nil : id }

    /// What a context's tree would have.
    private static func newID() -> String {
        let seconds = UInt64(truncatingIfNeeded: SystemClock.wallNanoseconds() / 1_000_000_000)
        return TraceID(
            high: seconds << 32 | KernelRandom.word() & 0xFFFF_FFFF, low: max(1, KernelRandom.word())
        )
        .description
    }
}

/// A task's id from another process, as the headers that say the same.
private enum ForeignTask {
    /// Nil if the id names no task below a root.
    static func carrier(_ id: String) -> [String: String]? {
        let key = RecordKey(counter: 0, task: id)
        guard let parent = key.parent, !key.root.isEmpty, key.root.utf8.count <= EventLimits.idBytes else {
            return nil
        }
        let root = key.root
        let known = TraceID(hex: root)
        let trace = known ?? TraceID(derivedFrom: root.utf8)
        var carrier = ["traceparent": "00-\(trace)-\(Hex.string(parent))-01"]
        if known == nil {
            var baggage = Baggage()
            baggage["skein.id"] = root
            carrier["baggage"] = baggage.header
        }
        return carrier
    }
}
