// The doors: a closure runs inside a context, which ends with it.

/// Runs a closure inside a new context, which closes into an event when the closure ends.
///
/// ```swift
/// let size = withContext("request") { context in
///     context["path"] = "/search"
///     return withContext(".sql") { sql in      // type request.sql, same id, child of the request
///         sql["rows"] = 3
///         return 3
///     }
/// }
/// ```
/// Names: `.x` joins the current context, `^.x` the outermost, a plain name starts a new tree; without a current context
/// `.x` is `x`. An error that leaves the closure is recorded as `error: {type, message}` and goes on.
///
/// - Parameters:
///   - type: the type, spelled as a literal; for a computed one see ``withContext(dynamic:id:sample:pipeline:_:)-(_,_,_,_,(Context)(Failure)->Result)``.
///   - id: for a new tree, the id to share; any text of up to 224 bytes. Default: a new one. Ignored where the name joins.
///   - sample: which share is recorded; see ``Sampling``.
///   - pipeline: where to record; default: that of the surrounding context, else the process's (``EventSystem``).
/// - Returns: what the closure returns.
/// Cost: about 150 ns with five fields; 3 to 4 ns when no pipeline is active; see `Docs/Performance.md`.
@inlinable
public func withContext<Result, Failure: Error>(
    _ type: StaticString, id: String? = nil, sample: Sampling = .always, pipeline: EventPipeline? = nil,
    _ body: (Context) throws(Failure) -> Result
) throws(Failure) -> Result {
    if let idle = EventSystem.idleContext { return try Context.run(unbound: idle, body) }
    return try Context.run(Context.begin(type, id: id, sample: sample, pipeline: pipeline), body)
}

/// As ``withContext(_:id:sample:pipeline:_:)-(_,_,_,_,(Context)(Failure)->Result)``, with a type that is computed: one
/// dictionary look-up slower.
@inlinable
public func withContext<Result, Failure: Error>(
    dynamic type: String, id: String? = nil, sample: Sampling = .always, pipeline: EventPipeline? = nil,
    _ body: (Context) throws(Failure) -> Result
) throws(Failure) -> Result {
    if let idle = EventSystem.idleContext { return try Context.run(unbound: idle, body) }
    return try Context.run(Context.begin(dynamic: type, id: id, sample: sample, pipeline: pipeline), body)
}

/// Continues a tree that another process began, as its headers tell; without valid headers, begins one.
///
/// ```swift
/// let headers = ["traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]
/// withContext("request", continuing: headers) { context in
///     context["path"] = "/"
/// }
/// ```
/// The flag that came in `traceparent` wins over `sample`, so that a tree is whole or absent across services.
@inlinable
public func withContext<Result, Failure: Error>(
    _ type: StaticString, continuing carrier: some PropagationCarrier, sample: Sampling = .always,
    pipeline: EventPipeline? = nil, _ body: (Context) throws(Failure) -> Result
) throws(Failure) -> Result {
    if let idle = EventSystem.idleContext { return try Context.run(unbound: idle, body) }
    return try Context.run(
        Context.begin(type, continuing: carrier, sample: sample, pipeline: pipeline), body)
}

/// As the synchronous ``withContext(_:id:sample:pipeline:_:)-(_,_,_,_,(Context)(Failure)->Result)``. Child tasks inherit the
/// context; the closure runs on the caller's actor.
@inlinable
public func withContext<Result, Failure: Error>(
    _ type: StaticString, id: String? = nil, sample: Sampling = .always, pipeline: EventPipeline? = nil,
    isolation: isolated (any Actor)? = #isolation, _ body: (Context) async throws(Failure) -> Result
) async throws(Failure) -> Result {
    if let idle = EventSystem.idleContext { return try await body(idle.takeUnretainedValue()) }
    return try await Context.run(
        Context.begin(type, id: id, sample: sample, pipeline: pipeline), isolation: isolation, body)
}

/// As the synchronous ``withContext(dynamic:id:sample:pipeline:_:)-(_,_,_,_,(Context)(Failure)->Result)``.
@inlinable
public func withContext<Result, Failure: Error>(
    dynamic type: String, id: String? = nil, sample: Sampling = .always, pipeline: EventPipeline? = nil,
    isolation: isolated (any Actor)? = #isolation, _ body: (Context) async throws(Failure) -> Result
) async throws(Failure) -> Result {
    if let idle = EventSystem.idleContext { return try await body(idle.takeUnretainedValue()) }
    return try await Context.run(
        Context.begin(dynamic: type, id: id, sample: sample, pipeline: pipeline), isolation: isolation, body)
}

/// As the synchronous ``withContext(_:continuing:sample:pipeline:_:)-(_,_,_,_,(Context)(Failure)->Result)``.
@inlinable
public func withContext<Result, Failure: Error>(
    _ type: StaticString, continuing carrier: some PropagationCarrier, sample: Sampling = .always,
    pipeline: EventPipeline? = nil, isolation: isolated (any Actor)? = #isolation,
    _ body: (Context) async throws(Failure) -> Result
) async throws(Failure) -> Result {
    if let idle = EventSystem.idleContext { return try await body(idle.takeUnretainedValue()) }
    return try await Context.run(
        Context.begin(type, continuing: carrier, sample: sample, pipeline: pipeline), isolation: isolation,
        body)
}

extension Context {
    /// Binds, runs, ends. A context that `begin` did not make anew (disabled, or a silenced parent) is neither bound nor
    /// ended.
    @inlinable @inline(__always)
    static func run<Result, Failure: Error>(
        _ opened: Opened, _ body: (Context) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard opened.isNew else { return try run(unbound: opened.context, body) }
        switch bound(opened, body) {
        case .success(let value):
            end(opened, nil)
            return value
        case .failure(let error):
            end(opened, error)
            throw error
        }
    }

    /// Runs with what stands in for a context, or with a silenced parent: it lives, and nothing is to be ended.
    @inlinable @inline(__always)
    static func run<Result, Failure: Error>(
        unbound context: Unmanaged<Context>, _ body: (Context) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let outcome: Swift.Result<Result, Failure> = context._withUnsafeGuaranteedRef { context in
            do throws(Failure) { return .success(try body(context)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    /// A function of its own, so that no reference of it to the context outlives it: what nobody else holds is reused.
    @inlinable @inline(__always)
    static func bound<Result, Failure: Error>(
        _ opened: Opened, _ body: (Context) throws(Failure) -> Result
    ) -> Swift.Result<Result, Failure> {
        opened.context._withUnsafeGuaranteedRef { context in
            madeLocal._withUnsafeGuaranteedRef { local in
                local.withValue(context) {
                    do throws(Failure) {
                        return .success(try body(context))
                    } catch {
                        return .failure(error)
                    }
                }
            }
        }
    }

    @inlinable @inline(__always)
    static func run<Result, Failure: Error>(
        _ opened: Opened, isolation: isolated (any Actor)?, _ body: (Context) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        guard opened.isNew else { return try await body(opened.context.takeUnretainedValue()) }
        switch await bound(opened, isolation: isolation, body) {
        case .success(let value):
            end(opened, nil)
            return value
        case .failure(let error):
            end(opened, error)
            throw error
        }
    }

    @inlinable
    static func bound<Result, Failure: Error>(
        _ opened: Opened, isolation: isolated (any Actor)?, _ body: (Context) async throws(Failure) -> Result
    ) async -> Swift.Result<Result, Failure> {
        let context = opened.context.takeUnretainedValue()
        return await local.withValue(
            context,
            operation: {
                do throws(Failure) {
                    return .success(try await body(context))
                } catch {
                    return .failure(error)
                }
            }, isolation: isolation)
    }
}
