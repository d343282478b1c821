/// The way of events out of a process: contexts record into it, it ships what they close into.
///
/// An app has one for the process (``EventSystem``); tests and libraries make their own and pass or bind it:
///
/// ```swift
/// let recorder = MemoryRecorder()
/// let pipeline = try EventPipeline(.init(recorder: recorder))
/// pipeline.withContext("job") { context in context["n"] = 1 }
/// ```
/// In a child made by fork without exec it goes on by itself, on anonymous memory and to the same endpoint, with the first context
/// opened there. Contexts open at the fork are the parent's: in the child nothing comes of them, but what is opened inside them is of
/// their tree. Before such a child ends it should wait with ``flushBlocking(timeout:)``.
///
/// Threads: safe on any. It never blocks, throws into or crashes its host: what it cannot keep is dropped and counted.
public final class EventPipeline: Sendable {
    let core: PipelineCore
    /// Where its events go.
    public let recorder: any EventRecorder

    /// Makes a pipeline and starts its shipper.
    /// - Throws: ``EventConfigurationError``, which names the key, the value and what is accepted.
    public init(_ configuration: Configuration) throws(EventConfigurationError) {
        try configuration.check()
        recorder = try configuration.makeRecorder()
        core = PipelineCore(configuration, recorder: recorder)
        EventSystem.opened()
    }

    deinit {
        core.isOpen = false
        EventSystem.closed()
    }

    /// Binds the pipeline to the task for the length of a closure: contexts opened inside record into it.
    public func bind<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        let scope = Context(core: core, isScope: true)
        scope.noteBinding()
        let outcome: Swift.Result<Result, Failure> = Context.local.withValue(scope) {
            do throws(Failure) { return .success(try body()) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    /// As ``bind(_:)-(()(Failure)->Result)``, for an asynchronous closure.
    public func bind<Result, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let scope = Context(core: core, isScope: true)
        scope.noteBinding()
        let outcome: Swift.Result<Result, Failure> = await Context.local.withValue(
            scope,
            operation: {
                do throws(Failure) { return .success(try await body()) } catch { return .failure(error) }
            }, isolation: isolation)
        return try outcome.get()
    }

    /// Runs a closure inside a new context of this pipeline; see the function of the same name.
    @inlinable
    public func withContext<Result, Failure: Error>(
        _ type: StaticString, id: String? = nil, sample: Sampling = .always,
        _ body: (Context) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try Skein.withContext(type, id: id, sample: sample, pipeline: self, body)
    }

    /// As the synchronous one, for an asynchronous closure.
    @inlinable
    public func withContext<Result, Failure: Error>(
        _ type: StaticString, id: String? = nil, sample: Sampling = .always,
        isolation: isolated (any Actor)? = #isolation, _ body: (Context) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        try await Skein.withContext(type, id: id, sample: sample, pipeline: self, isolation: isolation, body)
    }

    /// Waits until every event closed before is acknowledged (or wherever its recorder brings it), at most for the time given.
    /// Returns whether they are.
    @discardableResult
    public func flush(timeout: Duration = .seconds(5)) async -> Bool {
        await acting.recorder.flush(timeout: timeout)
    }

    /// As ``flush(timeout:)``, but blocks the calling thread: for places without a task, and for the child of a fork, which has no
    /// thread to run one. Not for the cooperative pool. Without a ``ShippingRecorder`` there is nothing to wait for: true.
    @discardableResult
    public func flushBlocking(timeout: Duration = .seconds(5)) -> Bool {
        (acting.recorder as? ShippingRecorder)?.flushBlocking(timeout: timeout) ?? true
    }

    /// What records now: in the child of a fork something else than was made here.
    private var acting: (core: PipelineCore, recorder: any EventRecorder) {
        let acting = core.acting
        return (acting, acting === core ? recorder : acting.shipping ?? recorder)
    }

    /// Flushes, at most for the time given, and ends the pipeline. Contexts opened afterwards do nothing; open ones that
    /// close afterwards are counted as dropped (`shut_down`).
    public func shutdown(timeout: Duration = .seconds(2)) async {
        let acting = acting
        await acting.recorder.shutdown(timeout: timeout)
        acting.core.isOpen = false
        acting.core.held.close()
    }

    /// What the pipeline has done so far.
    public var statistics: EventStatistics {
        let acting = acting
        return EventStatistics(core: acting.core, recorder: acting.recorder)
    }
}
