internal import SkeinPlatform

/// Holds the detail of a tree back until its end says whether anybody wants to see it.
///
/// ```swift
/// try withContext("request", keep: .onError) { request in
///     withContext(".sql") { $0["rows"] = 3 }         // held with the request
///     if Bool.random() { throw CancellationError() } // lets it go: first request.sql, then the request
/// }
/// ```
/// Child contexts, and log records below a level, are held with the context that has the keep, its *root*. All of it is let go, in
/// order, when
/// - an error leaves the root's closure (or ``Context/finish(throwing:)`` ends it),
/// - a record of the burst level or above is made anywhere below the root,
/// - the root took longer than ``slowerThan``,
/// - somebody calls ``Context/keepDetail()``,
/// - or the process dies, if it has a spool: the crash is the error.
///
/// Otherwise it goes nowhere, and is counted as held (``EventStatistics/held``), not as lost. The root's own event is no detail: it
/// is recorded either way, unless the tree was not sampled. Such a tree is held whole, and let go by the same events.
///
/// Cost: about 400 ns for the root, 50 ns more for what is held than for what is recorded; memory only for what is held. Contexts
/// outside of such a tree pay nothing.
public struct Keep: Sendable, Hashable {
    /// Records below this level are held, others go at once. Default: 20, info; so debug and trace are held.
    public var below: Int32 = 20
    /// A record of this level or above lets everything go at once. Default: 40, error.
    public var burst: Int32 = 40
    /// A root that took longer lets everything go. Default: time does not matter.
    public var slowerThan: Duration?
    /// How many events are held, 1 to 1,000,000: beyond that the oldest give way, and are counted. Default: 1,000.
    public var capacity = 1_000
    /// How many bytes of events are held, 8 KiB to 1 GiB; as ``capacity``. Default: 1 MiB.
    public var bytes = 1 << 20
    /// How long detail is still held after its root ended well, 0 to 10 minutes: so long another service may ask for it
    /// (``EventPipeline/Configuration/releaseAcrossServices``, without which it means nothing). Default: 0.
    public var linger: Duration = .zero

    /// Lets go on an error, or a record of level error.
    public static let onError = Keep()

    /// As ``onError``, and when the root takes longer than it should.
    public static func onError(slowerThan limit: Duration) -> Keep { Keep(slowerThan: limit) }

    /// Values out of their range are brought into it.
    public init(
        below: Int32 = 20, burst: Int32 = 40, slowerThan: Duration? = nil, capacity: Int = 1_000,
        bytes: Int = 1 << 20, linger: Duration = .zero
    ) {
        self.below = below
        self.burst = burst
        self.slowerThan = slowerThan
        self.capacity = capacity
        self.bytes = bytes
        self.linger = linger
    }

    /// With every value in its range.
    var bounded: Keep {
        var keep = self
        keep.capacity = min(max(capacity, 1), 1_000_000)
        keep.bytes = min(max(bytes, 8 << 10), 1 << 30)
        keep.linger = min(max(linger, .zero), .seconds(600))
        return keep
    }
}

extension Context {
    /// Says that the detail of this tree is wanted: what its ``Keep`` holds is let go at once, in order, and nothing more is held.
    ///
    /// ```swift
    /// withContext("request", keep: .onError) { request in
    ///     if let retries: Int = request["retries"], retries > 3 { request.keepDetail() }
    /// }
    /// ```
    /// Any context of the tree may say so. Where nothing is held it does nothing. Threads: any. Cost: about 100 ns an event.
    public func keepDetail() {
        guard let tree = inheritedParts?.keep, let hot = state.pointee.core, tree.hot == hot, hot.isOpen
        else {
            return
        }
        tree.letAllGo()
    }
}
