/// The way of events out of a process: contexts record into it, it ships what they close into.
///
/// An app has one for the process (``EventSystem``); tests and libraries make their own and pass or bind it:
///
/// ```swift
/// let recorder = MemoryRecorder()
/// let pipeline = try EventPipeline(.init(recorder: recorder))
/// pipeline.withContext("job") { context in context["n"] = 1 }
/// ```
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
        await recorder.flush(timeout: timeout)
    }

    /// Flushes, at most for the time given, and ends the pipeline. Contexts opened afterwards do nothing; open ones that
    /// close afterwards are counted as dropped (`shut_down`).
    public func shutdown(timeout: Duration = .seconds(2)) async {
        await recorder.shutdown(timeout: timeout)
        core.isOpen = false
    }

    /// What the pipeline has done so far.
    public var statistics: EventStatistics { EventStatistics(core: core, recorder: recorder) }
}
