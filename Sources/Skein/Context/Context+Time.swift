internal import SkeinBSON
public import SkeinPlatform

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
        defer { setElapsed(key, since: start) }
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
        defer { setElapsed(key, since: start) }
        return try await body()
    }

    @inlinable @inline(__always)
    func ticks() -> UInt64 { state.pointee.countsCycles ? CycleCounter.now() : ticksOfClock() }

    @usableFromInline @inline(never)
    func ticksOfClock() -> UInt64 { state.pointee.core?.ticks() ?? 0 }

    @usableFromInline
    func setElapsed(_ key: StaticString, since start: UInt64) {
        guard let core = state.pointee.core else { return }
        let elapsed = core.seconds(since: start)
        guard key.hasPointerRepresentation else { return set(dynamic: key.description, elapsed) }
        writeScalar(
            key.utf8Start, key.utf8CodeUnitCount, literal: true, type: BSONType.double.rawValue,
            bits: elapsed.bitPattern, size: 8)
    }
}
