internal import SkeinPlatform
internal import SkeinWire
internal import Synchronization

// How a context with a keep of its own begins: apart from the others, which have nothing to do with it.

extension Context {
    /// Opens a context that holds the detail below it back.
    @usableFromInline
    static func begin(
        dynamic type: String, id: String?, sample: Sampling, keep: Keep, pipeline: EventPipeline?
    ) -> Opened {
        if type.hasPrefix(".") || type.hasPrefix("^"), let outer = surrounding(pipeline) {
            let parent = type.hasPrefix("^") ? outermost(outer) : outer
            guard let core = parent.state.pointee.core?.live else { return .silenced(parent) }
            let descriptor = core.withOwner {
                $0.descriptor($0.cleaned(parent.state.name + type.drop { $0 == "^" }))
            }
            return .new(
                keptChild(of: parent, core, ThreadState.current(core), descriptor, sample, keep))
        }
        guard let core = (pipeline?.core.hot ?? EventSystem.pipelineForRoot)?.live else {
            return .nothing
        }
        let descriptor = core.withOwner { rootDescriptor(of: type, $0) }
        return .new(keptRoot(core, ThreadState.current(core), descriptor, id, sample, keep))
    }

    /// Below a parent that is not sampled only what has a keep, by its type, is recorded.
    @inline(never)
    static func beginSilenced(_ type: String, below parent: Unmanaged<Context>, _ sample: Sampling) -> Opened
    {
        guard let core = parent.state.pointee.core?.live, core.withOwner({ $0.keepsTypes }) else {
            return .silenced(parent)
        }
        let descriptor = core.withOwner {
            $0.descriptor($0.cleaned(parent.state.name + type.drop { $0 == "^" }))
        }
        guard let keep = descriptor.keep else { return .silenced(parent) }
        return .new(keptChild(of: parent, core, ThreadState.current(core), descriptor, sample, keep))
    }

    /// A literal that the thread does not know yet, or whose type has a keep, and so is never known.
    @inline(never)
    static func beginUnknown(
        _ type: StaticString, _ literal: UInt, below parent: Unmanaged<Context>?, _ core: HotCorePointer,
        _ thread: UnsafeMutablePointer<ThreadState>, _ id: String?, _ sample: Sampling
    ) -> Opened {
        let descriptor = core.withOwner { owner in
            guard let parent else { return rootDescriptor(of: type.description, owner) }
            return owner.descriptor(
                owner.cleaned(parent.state.name + type.description.drop { $0 == "^" }))
        }
        if let keep = descriptor.keep {
            guard let parent else { return .new(keptRoot(core, thread, descriptor, id, sample, keep)) }
            return .new(keptChild(of: parent, core, thread, descriptor, sample, keep))
        }
        let known = parent.map { UInt(bitPattern: $0.state.pointee.descriptor.toOpaque()) } ?? 0
        remember(literal, parent: known, core, thread, descriptor)
        guard let parent else { return .new(root(core, thread, descriptor, id, sample)) }
        return .new(child(of: parent, core, thread, descriptor, sample))
    }

    /// - Parameter rate: its own, that of the path above it aside: what is let go is of every tree in which something went wrong.
    static func startKept(
        _ keep: Keep, below parent: Unmanaged<Context>, _ core: HotCorePointer,
        _ thread: UnsafeMutablePointer<ThreadState>, _ descriptor: Unmanaged<TypeDescriptor>, sampled: Bool,
        rate: Double
    ) -> Unmanaged<Context> {
        let above = parent.state
        let isRecorded = above.pointee.isSampled
        return startKept(
            keep, core, thread, descriptor, trace: above.pointee.trace, parentSpan: above.pointee.span,
            sampled: sampled && isRecorded, rate: above.pointee.rate * rate,
            isRecorded ? core.now(after: above.began) : core.now(), shard: above.pointee.shard,
            inherited: above.pointee.inherited?._withUnsafeGuaranteedRef { $0 }, parent: parent)
    }

    /// - Parameter rate: as its event says it if it is sampled.
    static func startKept(
        _ keep: Keep, _ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>,
        _ descriptor: Unmanaged<TypeDescriptor>, trace: TraceID, parentSpan: UInt64, sampled: Bool,
        rate: Double, _ now: EventInstant, shard: Int, inherited: Inherited?,
        parent: Unmanaged<Context>? = nil
    ) -> Unmanaged<Context> {
        let outer = inherited?.keep.flatMap { $0.hot == core ? $0 : nil }
        let span = nextSpan(core, thread)
        let store = core.withOwner { $0.held }
        let tree = HeldTree(
            keep, core, store, trace: trace, givenID: inherited?.givenID, rootSpan: span,
            rateFactor: sampled && rate > 0 ? 1 / rate : 1, isSampledOut: !sampled, outer: outer)
        let parts = Inherited(
            givenID: inherited?.givenID, isDerived: inherited?.isDerived ?? false,
            baggage: inherited?.baggage ?? Baggage(), traceState: inherited?.traceState ?? "", keep: tree)
        let context = take(core, thread)
        start(
            context, core, thread, descriptor, trace: trace, parentSpan: parentSpan, sampled: true,
            rate: sampled ? rate : 1, now, shard: shard, inherited: Unmanaged.passRetained(parts),
            parent: parent, span: span)
        tree.shard = context.state.pointee.shard
        store.register(tree)
        return context
    }
}

extension Unmanaged where Instance == TypeDescriptor {
    var keep: Keep? { _withUnsafeGuaranteedRef { $0.keep } }
}
