internal import SkeinPlatform
internal import SkeinWire
internal import Synchronization

extension Context {
    static func root(
        _ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>,
        _ descriptor: Unmanaged<TypeDescriptor>, _ id: String?, _ sample: Sampling, baggage: Baggage? = nil
    ) -> Unmanaged<Context> {
        root(core, thread, descriptor, id, sample, baggage: baggage, keep: nil)
    }

    /// As the one above, holding the detail of the tree back.
    @inline(never)
    static func keptRoot(
        _ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>,
        _ descriptor: Unmanaged<TypeDescriptor>, _ id: String?, _ sample: Sampling, baggage: Baggage? = nil,
        _ keep: Keep
    ) -> Unmanaged<Context> {
        root(core, thread, descriptor, id, sample, baggage: baggage, keep: keep)
    }

    @inline(__always)
    private static func root(
        _ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>,
        _ descriptor: Unmanaged<TypeDescriptor>, _ id: String?, _ sample: Sampling, baggage: Baggage?,
        keep: Keep?
    ) -> Unmanaged<Context> {
        var now: EventInstant? = nil
        var inherited: Inherited? = nil
        let trace: TraceID
        if let id {
            (trace, inherited) = given(id, core, baggage: baggage ?? Baggage(), traceState: "")
        } else {
            // Not even a clock is read for what is surely not recorded, but for the kernel's last tick.
            now = sample.rate > 0 ? core.now() : nil
            trace = newTrace(core, thread, now)
        }
        if inherited == nil, let baggage, !baggage.isEmpty {
            inherited = Inherited(givenID: nil, isDerived: false, baggage: baggage, traceState: "")
        }
        var sampled = true
        if !sample.isAlways {
            if let name = sample.ancestorName, name != ".",
                name != descriptor._withUnsafeGuaranteedRef({ $0.name }),
                name != ".."
            {
                core.count(.unknownAncestors)
            }
            sampled = trace.fraction < sample.rate
        }
        if let keep {
            return startKept(
                keep, core, thread, descriptor, trace: trace, parentSpan: 0, sampled: sampled,
                rate: sample.rate, now ?? core.now(), shard: -1, inherited: inherited)
        }
        let context = take(core, thread)
        start(
            context, core, thread, descriptor, trace: trace, parentSpan: 0, sampled: sampled,
            rate: sample.rate, now ?? (sampled ? core.now() : EventInstant(ticks: 0, unix: 0)),
            shard: -1, inherited: inherited.map { Unmanaged.passRetained($0) })
        return context
    }

    /// An id for a new tree.
    @inline(__always)
    static func newTrace(
        _ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>, _ now: EventInstant?
    ) -> TraceID {
        if core.pointee.givesIDs {
            return core.withOwner { $0.ids?.nextTraceID() } ?? TraceID(high: 0, low: 1)
        }
        let seconds = UInt64(UInt32(truncatingIfNeeded: now.map { Int64($0.unix) } ?? core.wholeSeconds()))
        return TraceID(
            high: seconds << 32 | thread.pointee.random.next() & 0xFFFF_FFFF,
            low: thread.pointee.random.next() | 1)
    }

    /// A root here that continues a tree of another process.
    static func root(
        _ core: HotCorePointer, _ descriptor: Unmanaged<TypeDescriptor>, continuing remote: RemoteContext,
        _ sample: Sampling, _ keep: Keep?
    ) -> Unmanaged<Context> {
        let thread = ThreadState.current(core)
        let now = core.now()
        var inherited: Inherited? = nil
        var trace = remote.trace
        if let id = remote.givenID {
            let (derived, parts) = given(id, core, baggage: remote.baggage, traceState: remote.traceState)
            if derived == trace || !remote.trace.isValid {
                trace = derived
                inherited = parts
            }
        }
        if inherited == nil, !remote.baggage.isEmpty || !remote.traceState.isEmpty {
            inherited = Inherited(
                givenID: nil, isDerived: false, baggage: remote.baggage, traceState: remote.traceState)
        }
        if let keep {
            return startKept(
                keep, core, thread, descriptor, trace: trace, parentSpan: remote.span,
                sampled: remote.isSampled, rate: remote.rate, now, shard: -1, inherited: inherited)
        }
        // The flag that came wins: a tree is whole or absent across services.
        let context = take(core, thread)
        start(
            context, core, thread, descriptor, trace: trace, parentSpan: remote.span,
            sampled: remote.isSampled,
            rate: remote.rate, now, shard: -1, inherited: inherited.map { Unmanaged.passRetained($0) })
        return context
    }

    static func given(
        _ id: String, _ core: HotCorePointer, baggage: Baggage, traceState: String
    ) -> (TraceID, Inherited?) {
        if let trace = TraceID(hex: id) {
            let plain = baggage.isEmpty && traceState.isEmpty
            return (
                trace,
                plain
                    ? nil
                    : Inherited(givenID: nil, isDerived: false, baggage: baggage, traceState: traceState)
            )
        }
        var bytes = Array(id.utf8)
        if bytes.count > EventLimits.idBytes {
            core.count(.trimmedIDs)
            let border = bytes.withUnsafeBufferPointer { characterBorder($0, below: EventLimits.idBytes) }
            bytes.removeLast(bytes.count - border)
        }
        return (
            TraceID(derivedFrom: bytes),
            Inherited(givenID: bytes, isDerived: true, baggage: baggage, traceState: traceState)
        )
    }
}
