public import Skein

/// A pipeline that keeps its events, with questions a test asks of them.
///
/// ```swift
/// let recorder = try TestRecorder()
/// recorder.withContext("request") { $0["response.status"] = 200 }
/// let tree = recorder.tree("request")
/// assert(tree?.event["response.status"] == 200)
/// ```
/// Nothing is process-wide: tests may run in parallel, each with its own.
public final class TestRecorder: Sendable {
    /// What the events are recorded with: hand it to the code under test, or ``bind(_:)`` it.
    public let pipeline: EventPipeline
    private let memory: MemoryRecorder

    /// - Parameters:
    ///   - clock: default: the system's.
    ///   - ids: default: random ones.
    ///   - configure: changes the configuration before the pipeline is made.
    public init(
        clock: (any EventClock)? = nil, ids: (any EventIDSource)? = nil,
        configure: (inout EventPipeline.Configuration) -> Void = { _ in }
    ) throws {
        memory = MemoryRecorder()
        var configuration = EventPipeline.Configuration(recorder: memory)
        configuration.clock = clock
        configuration.ids = ids
        configure(&configuration)
        pipeline = try EventPipeline(configuration)
    }

    /// All events so far, in the order of closing.
    public var events: [RecordedEvent] { memory.events.map { RecordedEvent($0) } }

    /// The events of a type, or of all types that begin with what stands before a `*`.
    public func events(_ type: String) -> [RecordedEvent] {
        events.filter { type.hasSuffix("*") ? $0.type.hasPrefix(type.dropLast()) : $0.type == type }
    }

    /// All trees so far.
    public var trees: [RecordedTree] { RecordedTree.trees(of: events) }

    /// The first tree whose root is of a type.
    public func tree(_ type: String) -> RecordedTree? { trees.first { $0.event.type == type } }

    /// Forgets all events.
    public func removeAll() { memory.removeAll() }

    /// Binds the pipeline to the task: what is called inside records here, however deep.
    public func bind<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        try pipeline.bind(body)
    }

    /// As the synchronous one, for an asynchronous closure.
    public func bind<Result, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        try await pipeline.bind(isolation: isolation, body)
    }

    /// Runs a closure inside a new context of this pipeline.
    public func withContext<Result, Failure: Error>(
        _ type: StaticString, id: String? = nil, sample: Sampling = .always,
        _ body: (Context) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try pipeline.withContext(type, id: id, sample: sample, body)
    }

    /// As the synchronous one, for an asynchronous closure.
    public func withContext<Result, Failure: Error>(
        _ type: StaticString, id: String? = nil, sample: Sampling = .always,
        isolation: isolated (any Actor)? = #isolation, _ body: (Context) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        try await pipeline.withContext(type, id: id, sample: sample, isolation: isolation, body)
    }
}
