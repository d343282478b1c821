extension Context {
    /// Runs a closure and sets the field to how long it took, in seconds; also when it throws.
    ///
    /// ```swift
    /// withContext("request") { context in
    ///     context.time("query_time") { _ = 1 + 1 }
    /// }
    /// ```
    @inlinable
    public func time<Result, Failure: Error>(
        _ key: StaticString, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard listens else { return try body() }
        let start = ticks()
        defer { set(key, seconds(since: start)) }
        return try body()
    }

    /// As ``time(_:_:)-(_,()(Failure)->Result)``, for an asynchronous closure.
    @inlinable
    public func time<Result, Failure: Error>(
        _ key: StaticString, isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        guard listens else { return try await body() }
        let start = ticks()
        defer { set(key, seconds(since: start)) }
        return try await body()
    }

    @usableFromInline
    func ticks() -> UInt64 { state.pointee.core?.ticks() ?? 0 }

    @usableFromInline
    func seconds(since start: UInt64) -> Double { state.pointee.core?.seconds(since: start) ?? 0 }
}
