internal import SkeinPlatform
public import SkeinWire
internal import Synchronization

// A cheap clock: the time-stamp counter, tied to the system's clocks by an anchor that the first reader of each second
// renews, so that NTP's corrections are followed. Where the counter cannot be trusted, clock_gettime.

/// What one reading of the clock is good for.
struct EventInstant {
    /// Ticks of the counter, or monotonic nanoseconds.
    var ticks: UInt64
    /// Unix seconds.
    var unix: Double
}

/// The time source of a pipeline.
final class EventTime: Sendable {
    // The anchor: ticks, Unix seconds and seconds a tick that belong together. A seqlock, its parts atomic words.
    private let anchorTicks: Atomic<UInt64>
    private let anchorUnix: Atomic<UInt64>
    private let secondsPerTick: Atomic<UInt64>
    private let generation = Atomic<UInt64>(0)
    private let renewing = Atomic<Bool>(false)
    private let first: (ticks: UInt64, monotonic: Int64)
    let usesCounter: Bool
    /// Whether any time source of the process reads the counter, for who reads it before knowing which.
    private static let isCounterUsed = Atomic<Bool>(false)
    private let manual: (any EventClock)?
    private let isManual: Bool

    init(clock: (any EventClock)? = nil) {
        manual = clock
        isManual = clock != nil
        usesCounter = clock == nil && CycleCounter.isTrustworthy
        let start = Self.sample(usesCounter)
        first = (start.ticks, start.monotonic)
        var perTick = 1.0
        if usesCounter {
            // Two milliseconds give a rate that is right to 1 in 20,000; `renew` refines it.
            var later = start
            while later.monotonic - start.monotonic < 2_000_000 { later = Self.sample(true) }
            perTick = Double(later.monotonic - start.monotonic) / Double(later.ticks &- start.ticks)
        }
        anchorTicks = Atomic(start.ticks)
        anchorUnix = Atomic((Double(start.wall) * 1e-9).bitPattern)
        secondsPerTick = Atomic((perTick * 1e-9).bitPattern)
        if usesCounter { Self.isCounterUsed.store(true, ordering: .relaxed) }
    }

    /// A reading for ``now(after:read:)``, taken before it is known which time source wants it: while the processor waits for
    /// the answer to that, it has time for the counter. 0 where nobody reads it.
    @inline(__always)
    static func readAhead() -> UInt64 {
        isCounterUsed.load(ordering: .relaxed) ? CycleCounter.now() : 0
    }

    /// Ties the counter to the system's clocks anew, unless another thread is about to.
    @inline(never)
    private func renew() {
        guard
            renewing.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing)
                .exchanged
        else { return }
        defer { renewing.store(false, ordering: .releasing) }
        let now = Self.sample(usesCounter)
        let span = now.monotonic - first.monotonic
        generation.add(1, ordering: .acquiringAndReleasing)
        if usesCounter, span > 100_000_000 {
            let rate = Double(span) * 1e-9 / Double(now.ticks &- first.ticks)
            secondsPerTick.store(rate.bitPattern, ordering: .relaxed)
        }
        anchorTicks.store(now.ticks, ordering: .relaxed)
        anchorUnix.store((Double(now.wall) * 1e-9).bitPattern, ordering: .relaxed)
        generation.add(1, ordering: .releasing)
    }

    /// Reads the clock: 10 to 30 ns.
    @inline(__always)
    func now() -> EventInstant {
        if isManual { return manualNow() }
        let ticks = ticksNow()
        while true {
            let before = generation.load(ordering: .acquiring)
            let ticksThen = anchorTicks.load(ordering: .relaxed)
            let unixThen = Double(bitPattern: anchorUnix.load(ordering: .relaxed))
            let rate = Double(bitPattern: secondsPerTick.load(ordering: .relaxed))
            atomicMemoryFence(ordering: .acquiring)
            if before & 1 == 0, generation.load(ordering: .relaxed) == before {
                let elapsed = Double(Int64(bitPattern: ticks &- ticksThen)) * rate
                if elapsed > 1 { renew() }
                return EventInstant(ticks: ticks, unix: unixThen + elapsed)
            }
        }
    }

    /// Reads the clock soon after an earlier reading: the time between counts, so that what happens inside something else stands
    /// inside it, however the system's clock is stepped meanwhile.
    /// - Parameter ahead: of ``readAhead()``; 0: read it now.
    @inline(__always)
    func now(after earlier: EventInstant, read ahead: UInt64 = 0) -> EventInstant {
        guard !isManual else { return manualNow() }
        let ticks = usesCounter && ahead != 0 ? ahead : ticksNow()
        let passed = Int64(bitPattern: ticks &- earlier.ticks)
        let elapsed = Double(passed) * Double(bitPattern: secondsPerTick.load(ordering: .relaxed))
        // Later, the corrections of the system's clock count for more.
        guard passed >= 0, elapsed < 1 else { return now() }
        return EventInstant(ticks: ticks, unix: earlier.unix + elapsed)
    }

    /// Unix seconds, for ids: cheaper than ``now()``.
    @inline(__always)
    func wholeSeconds() -> Int64 {
        isManual ? Int64(manualNow().unix) : SystemClock.coarseWallSeconds()
    }

    /// Seconds from an earlier reading to now; never negative.
    @inline(__always)
    func seconds(since start: UInt64) -> Double {
        if isManual { return max(0, Double(Int64(bitPattern: manualNow().ticks &- start)) * 1e-9) }
        let elapsed = Int64(bitPattern: ticksNow() &- start)
        return elapsed <= 0
            ? 0 : Double(elapsed) * Double(bitPattern: secondsPerTick.load(ordering: .relaxed))
    }

    @inline(__always)
    func ticksNow() -> UInt64 {
        if isManual { return manualNow().ticks }
        return usesCounter ? CycleCounter.now() : UInt64(bitPattern: SystemClock.monotonicNanoseconds())
    }

    #if Tracing
        /// How many ticks a time takes; nil for more than 68 years.
        func ticks(in seconds: Double) -> Int64? {
            guard abs(seconds) < 0x1p31 else { return nil }
            if isManual { return Int64(seconds * 1e9) }
            return Int64(seconds / Double(bitPattern: secondsPerTick.load(ordering: .relaxed)))
        }
    #endif

    @inline(never)
    private func manualNow() -> EventInstant {
        guard let manual else { return EventInstant(ticks: 0, unix: 0) }
        return EventInstant(
            ticks: UInt64(bitPattern: manual.monotonicNanoseconds()),
            unix: Double(manual.unixNanoseconds()) * 1e-9)
    }

    private static func sample(_ counter: Bool) -> (ticks: UInt64, wall: Int64, monotonic: Int64) {
        let monotonic = SystemClock.monotonicNanoseconds()
        let ticks = counter ? CycleCounter.now() : UInt64(bitPattern: monotonic)
        return (ticks, SystemClock.wallNanoseconds(), monotonic)
    }
}

/// A clock that a pipeline may be given instead of the system's; for tests (`ManualClock` in SkeinTesting).
public protocol EventClock: Sendable {
    /// Nanoseconds since 1970-01-01 UTC.
    func unixNanoseconds() -> Int64
    /// Nanoseconds since any start; must not go back.
    func monotonicNanoseconds() -> Int64
}

/// Where a pipeline's ids come from, if not from its own generators; for tests (`CountingIDs` in SkeinTesting).
public protocol EventIDSource: Sendable {
    /// A trace id; must not be all zero.
    func nextTraceID() -> TraceID
    /// A span id; must not be zero.
    func nextSpanID() -> UInt64
}
