internal import SkeinPlatform
internal import SkeinWire
internal import Synchronization

extension Context {
    /// - Parameter ahead: of ``EventTime/readAhead()``.
    static func child(
        of parent: Unmanaged<Context>, _ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>,
        _ descriptor: Unmanaged<TypeDescriptor>, _ sample: Sampling, read ahead: UInt64 = 0
    ) -> Unmanaged<Context> {
        child(of: parent, core, thread, descriptor, sample, keep: nil, read: ahead)
    }

    /// As the one above, holding back the detail below it. Its parent need not be sampled.
    @inline(never)
    static func keptChild(
        of parent: Unmanaged<Context>, _ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>,
        _ descriptor: Unmanaged<TypeDescriptor>, _ sample: Sampling, _ keep: Keep
    ) -> Unmanaged<Context> {
        child(of: parent, core, thread, descriptor, sample, keep: keep, read: 0)
    }

    @inline(__always)
    private static func child(
        of parent: Unmanaged<Context>, _ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>,
        _ descriptor: Unmanaged<TypeDescriptor>, _ sample: Sampling, keep: Keep?,
        read ahead: UInt64
    ) -> Unmanaged<Context> {
        let trace = parent.state.pointee.trace
        var sampled = true
        if !sample.isAlways {
            let hash = descriptor._withUnsafeGuaranteedRef { $0.hash }
            let decider = decidingSpan(parent, descriptor, sample, core, thread)
            sampled =
                SamplingHash.fraction(trace: trace, span: decider.span, typeHash: hash) < sample.rate
            if let keep {
                return startKept(
                    keep, below: parent, core, thread, descriptor, sampled: sampled, rate: sample.rate)
            }
            let context = take(core, thread)
            start(
                context, core, thread, descriptor, trace: trace, parentSpan: parent.state.pointee.span,
                sampled: sampled,
                rate: parent.state.pointee.rate * sample.rate,
                core.now(after: parent.state.began, read: ahead),
                shard: parent.state.pointee.shard,
                inherited: parent.state.pointee.inherited?.retain(), parent: parent, span: decider.own)
            return context
        }
        if let keep {
            return startKept(keep, below: parent, core, thread, descriptor, sampled: true, rate: 1)
        }
        let context = take(core, thread)
        start(
            context, core, thread, descriptor, trace: trace, parentSpan: parent.state.pointee.span,
            sampled: true,
            rate: parent.state.pointee.rate, core.now(after: parent.state.began, read: ahead),
            shard: parent.state.pointee.shard,
            inherited: parent.state.pointee.inherited?.retain(), parent: parent)
        return context
    }

    /// The span whose decision it is; and the new context's own span, if that is the one.
    private static func decidingSpan(
        _ parent: Unmanaged<Context>, _ descriptor: Unmanaged<TypeDescriptor>, _ sample: Sampling,
        _ core: HotCorePointer,
        _ thread: UnsafeMutablePointer<ThreadState>
    ) -> (span: UInt64, own: UInt64?) {
        if let name = sample.ancestorName, name != ".",
            name != descriptor._withUnsafeGuaranteedRef({ $0.name })
        {
            switch name {
            case "..": return (parent.state.pointee.span, nil)
            case "^": return (outermost(parent).state.pointee.span, nil)
            default:
                var candidate: Unmanaged<Context>? = parent
                while let state = candidate?.state {
                    if state.name == name { return (state.pointee.span, nil) }
                    candidate = state.pointee.parent
                }
                core.count(.unknownAncestors)
            }
        }
        let own = nextSpan(core, thread)
        return (own, own)
    }

    @inline(__always)
    static func nextSpan(_ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>)
        -> UInt64
    {
        if core.pointee.givesIDs, let span = core.withOwner({ $0.ids?.nextSpanID() }) { return span }
        return thread.pointee.random.next() | 1
    }
}
