// The doors to a context that holds the detail below it back. Apart from the others, so that those need not carry the question.

/// Runs a closure inside a new context that holds the detail below it back, until it is clear whether anybody wants to see it.
///
/// ```swift
/// let found = try withContext("request", keep: .onError(slowerThan: .milliseconds(250))) { request in
///     try withContext(".sql") { sql in
///         sql["rows"] = 3
///         if Bool.random() { throw CancellationError() }
///         return true
///     }
/// }
/// ```
/// As ``withContext(_:id:sample:pipeline:_:)-(_,_,_,_,(Context)(Failure)->Result)`` otherwise; what is held and what lets it go is
/// ``Keep``'s. A keep inside a kept tree: what lets the inner one go lets go the inner detail alone; if the inner root ends well, what
/// was held there is held with the outer one from then on.
@inlinable
public func withContext<Result, Failure: Error>(
    _ type: StaticString, id: String? = nil, sample: Sampling = .always, keep: Keep,
    pipeline: EventPipeline? = nil, _ body: (Context) throws(Failure) -> Result
) throws(Failure) -> Result {
    if let idle = EventSystem.idleContext { return try Context.run(unbound: idle, body) }
    return try Context.run(
        Context.begin(dynamic: type.description, id: id, sample: sample, keep: keep, pipeline: pipeline), body
    )
}

/// As ``withContext(_:id:sample:keep:pipeline:_:)-(_,_,_,_,_,(Context)(Failure)->Result)``, for an asynchronous closure.
@inlinable
public func withContext<Result, Failure: Error>(
    _ type: StaticString, id: String? = nil, sample: Sampling = .always, keep: Keep,
    pipeline: EventPipeline? = nil,
    isolation: isolated (any Actor)? = #isolation, _ body: (Context) async throws(Failure) -> Result
) async throws(Failure) -> Result {
    if let idle = EventSystem.idleContext { return try await body(idle.takeUnretainedValue()) }
    return try await Context.run(
        Context.begin(dynamic: type.description, id: id, sample: sample, keep: keep, pipeline: pipeline),
        isolation: isolation, body)
}

/// As ``withContext(_:id:sample:keep:pipeline:_:)-(_,_,_,_,_,(Context)(Failure)->Result)``, with a type that is computed.
@inlinable
public func withContext<Result, Failure: Error>(
    dynamic type: String, id: String? = nil, sample: Sampling = .always, keep: Keep,
    pipeline: EventPipeline? = nil, _ body: (Context) throws(Failure) -> Result
) throws(Failure) -> Result {
    if let idle = EventSystem.idleContext { return try Context.run(unbound: idle, body) }
    return try Context.run(
        Context.begin(dynamic: type, id: id, sample: sample, keep: keep, pipeline: pipeline), body)
}

/// As ``withContext(_:id:sample:keep:pipeline:_:)-(_,_,_,_,_,(Context)(Failure)->Result)``, with a type that is computed, for an asynchronous closure.
@inlinable
public func withContext<Result, Failure: Error>(
    dynamic type: String, id: String? = nil, sample: Sampling = .always, keep: Keep,
    pipeline: EventPipeline? = nil,
    isolation: isolated (any Actor)? = #isolation, _ body: (Context) async throws(Failure) -> Result
) async throws(Failure) -> Result {
    if let idle = EventSystem.idleContext { return try await body(idle.takeUnretainedValue()) }
    return try await Context.run(
        Context.begin(dynamic: type, id: id, sample: sample, keep: keep, pipeline: pipeline),
        isolation: isolation, body)
}

/// As ``withContext(_:id:sample:keep:pipeline:_:)-(_,_,_,_,_,(Context)(Failure)->Result)``, continuing a tree of another process.
@inlinable
public func withContext<Result, Failure: Error>(
    _ type: StaticString, continuing carrier: some PropagationCarrier, sample: Sampling = .always, keep: Keep,
    pipeline: EventPipeline? = nil, _ body: (Context) throws(Failure) -> Result
) throws(Failure) -> Result {
    if let idle = EventSystem.idleContext { return try Context.run(unbound: idle, body) }
    return try Context.run(
        Context.begin(
            dynamic: type.description, continuing: carrier, sample: sample, keep: keep, pipeline: pipeline),
        body)
}

/// As ``withContext(_:id:sample:keep:pipeline:_:)-(_,_,_,_,_,(Context)(Failure)->Result)``, continuing a tree of another process, for an
/// asynchronous closure.
@inlinable
public func withContext<Result, Failure: Error>(
    _ type: StaticString, continuing carrier: some PropagationCarrier, sample: Sampling = .always, keep: Keep,
    pipeline: EventPipeline? = nil,
    isolation: isolated (any Actor)? = #isolation, _ body: (Context) async throws(Failure) -> Result
) async throws(Failure) -> Result {
    if let idle = EventSystem.idleContext { return try await body(idle.takeUnretainedValue()) }
    return try await Context.run(
        Context.begin(
            dynamic: type.description, continuing: carrier, sample: sample, keep: keep, pipeline: pipeline),
        isolation: isolation, body)
}

extension Context {
    /// As ``open(_:id:sample:pipeline:)``, holding back the detail below it: see ``Keep``.
    public static func open(
        _ type: StaticString, id: String? = nil, sample: Sampling = .always, keep: Keep,
        pipeline: EventPipeline? = nil
    ) -> Context {
        guard EventSystem.isActive else { return .disabled }
        return begin(dynamic: type.description, id: id, sample: sample, keep: keep, pipeline: pipeline).owned
    }

    /// As ``open(_:continuing:sample:pipeline:)``, holding back the detail below it: see ``Keep``.
    public static func open(
        _ type: StaticString, continuing carrier: some PropagationCarrier, sample: Sampling = .always,
        keep: Keep, pipeline: EventPipeline? = nil
    ) -> Context {
        guard EventSystem.isActive else { return .disabled }
        return begin(
            dynamic: type.description, continuing: carrier, sample: sample, keep: keep, pipeline: pipeline
        ).owned
    }
}

extension EventPipeline {
    /// Runs a closure inside a new context of this pipeline that holds the detail below it back; see ``Keep``.
    @inlinable
    public func withContext<Result, Failure: Error>(
        _ type: StaticString, id: String? = nil, sample: Sampling = .always, keep: Keep,
        _ body: (Context) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try Skein.withContext(type, id: id, sample: sample, keep: keep, pipeline: self, body)
    }

    /// As the synchronous one, for an asynchronous closure.
    @inlinable
    public func withContext<Result, Failure: Error>(
        _ type: StaticString, id: String? = nil, sample: Sampling = .always, keep: Keep,
        isolation: isolated (any Actor)? = #isolation, _ body: (Context) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        try await Skein.withContext(
            type, id: id, sample: sample, keep: keep, pipeline: self, isolation: isolation, body)
    }
}
