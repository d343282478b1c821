internal import SkeinPlatform
internal import SkeinWire
internal import Synchronization

// How a context begins. Order of things: is anything listening, whose pipeline, who is the parent, is it sampled; only then
// the clock and the slot.

/// What an opening led to.
@usableFromInline @frozen
struct Opened {
    /// Owned by the caller if it is new.
    @usableFromInline let context: Unmanaged<Context>
    /// Whether the context was made for its caller, who binds and ends it. Not so for ``Context/disabled`` and for the
    /// silenced parent of what is not recorded.
    @usableFromInline let isNew: Bool

    static var nothing: Opened { Opened(context: Unmanaged.passUnretained(.disabled), isNew: false) }
    static func new(_ context: Unmanaged<Context>) -> Opened { Opened(context: context, isNew: true) }
    /// The parent is kept by the task that it is bound to.
    static func silenced(_ parent: Context) -> Opened {
        Opened(context: Unmanaged.passUnretained(parent), isNew: false)
    }

    /// For those who end it by hand.
    var owned: Context { isNew ? context.takeRetainedValue() : context.takeUnretainedValue() }
}

extension Context {
    /// Opens a context for a type spelled as a literal.
    @usableFromInline
    static func begin(
        _ type: StaticString, id: String?, sample: Sampling, pipeline: EventPipeline?
    ) -> Opened {
        guard type.hasPointerRepresentation else {
            return begin(dynamic: type.description, id: id, sample: sample, pipeline: pipeline)
        }
        let literal = UInt(bitPattern: type.utf8Start)
        let first = type.utf8CodeUnitCount > 0 ? type.utf8Start[0] : 0
        if first == 0x2E || first == 0x5E {
            return join(type, literal, fromOutermost: first == 0x5E, id, sample, pipeline)
        }
        guard let core = pipeline?.core.hot ?? EventSystem.pipelineForRoot, core.isOpen else {
            return .nothing
        }
        let descriptor = remembered(literal, parent: 0, core) { rootDescriptor(of: type.description, $0) }
        return .new(root(core, descriptor, id, sample))
    }

    /// Opens a context for a type that is computed.
    @usableFromInline
    static func begin(
        dynamic type: String, id: String?, sample: Sampling, pipeline: EventPipeline?
    ) -> Opened {
        if type.hasPrefix(".") || type.hasPrefix("^"), let outer = surrounding(pipeline) {
            let parent = type.hasPrefix("^") ? outer.outermost : outer
            guard parent.isSampled, let core = parent.state.pointee.core, core.isOpen else {
                return .silenced(parent)
            }
            let descriptor = core.withOwner {
                $0.descriptor($0.cleaned(parent.type + type.drop { $0 == "^" }))
            }
            return .new(child(of: parent, core, descriptor, sample))
        }
        guard let core = pipeline?.core.hot ?? EventSystem.pipelineForRoot, core.isOpen else {
            return .nothing
        }
        return .new(root(core, core.withOwner { rootDescriptor(of: type, $0) }, id, sample))
    }

    /// A name that joins: a child of the current context or of the outermost, or a root if there is none.
    @inline(__always)
    private static func join(
        _ type: StaticString, _ literal: UInt, fromOutermost: Bool, _ id: String?, _ sample: Sampling,
        _ pipeline: EventPipeline?
    ) -> Opened {
        guard let outer = surrounding(pipeline) else {
            guard let core = pipeline?.core.hot ?? EventSystem.pipelineForRoot, core.isOpen else {
                return .nothing
            }
            let descriptor = remembered(literal, parent: 0, core) { rootDescriptor(of: type.description, $0) }
            return .new(root(core, descriptor, id, sample))
        }
        let parent = fromOutermost ? outer.outermost : outer
        guard parent.state.pointee.isSampled, let core = parent.state.pointee.core, core.isOpen else {
            return .silenced(parent)
        }
        let above = UInt(bitPattern: parent.state.pointee.descriptor.toOpaque())
        let descriptor = remembered(literal, parent: above, core) {
            $0.descriptor($0.cleaned(parent.type + type.description.drop { $0 == "^" }))
        }
        return .new(child(of: parent, core, descriptor, sample))
    }

    /// The context the task is in, if it belongs to the pipeline asked for.
    @inline(__always)
    private static func surrounding(_ pipeline: EventPipeline?) -> Context? {
        let outer = local.get()
        if outer.isScope { return nil }
        if let pipeline, pipeline.core.hot != outer.state.pointee.core { return nil }
        return outer
    }

    static func rootDescriptor(of type: String, _ core: PipelineCore) -> Unmanaged<TypeDescriptor> {
        core.descriptor(core.cleaned(String(type.drop { $0 == "." || $0 == "^" })))
    }

    @inline(__always)
    private static func remembered(
        _ literal: UInt, parent: UInt, _ core: HotCorePointer,
        make: (PipelineCore) -> Unmanaged<TypeDescriptor>
    ) -> Unmanaged<TypeDescriptor> {
        let thread = ThreadState.current
        let place = Int(
            truncatingIfNeeded: (literal ^ (literal >> 8) ^ (parent >> 5))
                & UInt(ThreadState.rememberedCount - 1))
        let entry = thread.pointee.remembered + place
        if entry.pointee.literal == literal, entry.pointee.parent == parent,
            entry.pointee.pipeline == core.pointee.identity, let descriptor = entry.pointee.descriptor
        {
            return descriptor
        }
        let descriptor = core.withOwner(make)
        entry.pointee = ThreadState.Remembered(
            literal: literal, parent: parent, pipeline: core.pointee.identity, descriptor: descriptor)
        return descriptor
    }

    // MARK: Roots

    static func root(
        _ core: HotCorePointer, _ descriptor: Unmanaged<TypeDescriptor>, _ id: String?, _ sample: Sampling,
        baggage: Baggage? = nil
    ) -> Unmanaged<Context> {
        let thread = ThreadState.current
        let now = core.now()
        var inherited: Inherited? = nil
        let trace: TraceID
        if let id {
            (trace, inherited) = given(id, core, baggage: baggage ?? Baggage(), traceState: "")
        } else if core.pointee.givesIDs {
            trace = core.withOwner { $0.ids?.nextTraceID() } ?? TraceID(high: 0, low: 1)
        } else {
            let seconds = UInt64(UInt32(truncatingIfNeeded: Int64(now.unix)))
            trace = TraceID(
                high: seconds << 32 | thread.pointee.random.next() & 0xFFFF_FFFF,
                low: thread.pointee.random.next() | 1)
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
        let context = take(core, thread)
        start(
            context, core, thread, descriptor, trace: trace, parentSpan: 0, sampled: sampled,
            rate: sample.rate, now,
            shard: -1, inherited: inherited)
        return context
    }

    /// A root here that continues a tree of another process.
    static func root(
        _ core: HotCorePointer, _ descriptor: Unmanaged<TypeDescriptor>, continuing remote: RemoteContext,
        _ sample: Sampling
    ) -> Unmanaged<Context> {
        let thread = ThreadState.current
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
        // The flag that came wins: a tree is whole or absent across services.
        let context = take(core, thread)
        start(
            context, core, thread, descriptor, trace: trace, parentSpan: remote.span,
            sampled: remote.isSampled,
            rate: remote.rate, now, shard: -1, inherited: inherited)
        return context
    }

    private static func given(
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

    // MARK: Children

    private static func child(
        of parent: Context, _ core: HotCorePointer, _ descriptor: Unmanaged<TypeDescriptor>,
        _ sample: Sampling
    ) -> Unmanaged<Context> {
        let thread = ThreadState.current
        let trace = parent.state.pointee.trace
        var sampled = true
        if !sample.isAlways {
            let hash = descriptor._withUnsafeGuaranteedRef { $0.hash }
            let decider = decidingSpan(parent, descriptor, sample, core, thread)
            sampled =
                SamplingHash.fraction(trace: trace, span: decider.span, typeHash: hash) < sample.rate
            let context = take(core, thread)
            start(
                context, core, thread, descriptor, trace: trace, parentSpan: parent.state.pointee.span,
                sampled: sampled,
                rate: parent.state.pointee.rate * sample.rate, core.now(),
                shard: parent.state.pointee.shard,
                inherited: parent.inheritedParts, parent: parent, span: decider.own)
            return context
        }
        let context = take(core, thread)
        start(
            context, core, thread, descriptor, trace: trace, parentSpan: parent.state.pointee.span,
            sampled: true,
            rate: parent.state.pointee.rate, core.now(), shard: parent.state.pointee.shard,
            inherited: parent.inheritedParts, parent: parent)
        return context
    }

    /// The span whose decision it is; and the new context's own span, if that is the one.
    private static func decidingSpan(
        _ parent: Context, _ descriptor: Unmanaged<TypeDescriptor>, _ sample: Sampling,
        _ core: HotCorePointer,
        _ thread: UnsafeMutablePointer<ThreadState>
    ) -> (span: UInt64, own: UInt64?) {
        if let name = sample.ancestorName, name != ".",
            name != descriptor._withUnsafeGuaranteedRef({ $0.name })
        {
            switch name {
            case "..": return (parent.state.pointee.span, nil)
            case "^": return (parent.outermost.state.pointee.span, nil)
            default:
                var candidate: Context? = parent
                while let context = candidate {
                    if context.type == name { return (context.state.pointee.span, nil) }
                    candidate = context.parentContext
                }
                core.count(.unknownAncestors)
            }
        }
        let own = nextSpan(core, thread)
        return (own, own)
    }

    @inline(__always)
    private static func nextSpan(_ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>)
        -> UInt64
    {
        if core.pointee.givesIDs, let span = core.withOwner({ $0.ids?.nextSpanID() }) { return span }
        return thread.pointee.random.next() | 1
    }

    // MARK: The object

    @inline(__always)
    private static func take(_ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>)
        -> Unmanaged<Context>
    {
        if thread.pointee.poolCount > 0, thread.pointee.poolOwner == core.pointee.identity {
            thread.pointee.poolCount -= 1
            return thread.pointee.pool[thread.pointee.poolCount]
        }
        return Unmanaged.passRetained(core.withOwner { Context(core: $0) })
    }

    @inline(__always)
    private static func start(
        _ unmanaged: Unmanaged<Context>, _ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>,
        _ descriptor: Unmanaged<TypeDescriptor>,
        trace: TraceID, parentSpan: UInt64, sampled: Bool, rate: Double, _ now: EventInstant, shard: Int,
        inherited: Inherited?, parent: Context? = nil, span: UInt64? = nil
    ) {
        let state = unmanaged._withUnsafeGuaranteedRef { $0.state }
        state.pointee.descriptor = descriptor
        state.pointee.trace = trace
        state.pointee.span = span ?? nextSpan(core, thread)
        state.pointee.parentSpan = parentSpan
        state.pointee.isSampled = sampled
        state.pointee.rate = rate
        state.pointee.level = 0
        state.pointee.trimmed = 0
        state.pointee.shard =
            shard >= 0
            ? shard : core.pointee.shardCount == 0 ? 0 : thread.pointee.ordinal % core.pointee.shardCount
        if let inherited { state.pointee.inherited = Unmanaged.passRetained(inherited) }
        if let parent { state.pointee.parent = Unmanaged.passRetained(parent) }
        guard sampled else {
            core.count(.unsampled)
            state.pointee.isOpen = false
            state.pointee.status.store(0, ordering: .relaxed)
            return
        }
        state.pointee.startTicks = now.ticks
        state.pointee.start = now.unix
        state.pointee.log.reset()
        if state.pointee.homeIsSlot { writeSlotHead(state, core) }
        state.pointee.isOpen = true
        state.pointee.status.store(1, ordering: .releasing)
    }

    @inline(__always)
    private static func writeSlotHead(_ state: UnsafeMutablePointer<ContextState>, _ core: HotCorePointer) {
        let slot = state.pointee.home
        slot.storeBytes(of: 0, toByteOffset: SlotLayout.committed, as: UInt32.self)
        slot.storeBytes(of: core.pointee.pid, toByteOffset: SlotLayout.pid, as: Int32.self)
        slot.storeBytes(of: state.pointee.start, toByteOffset: SlotLayout.start, as: Double.self)
        slot.storeBytes(of: state.pointee.rate, toByteOffset: SlotLayout.rate, as: Double.self)
        slot.storeBytes(
            of: state.pointee.trace.high.bigEndian, toByteOffset: SlotLayout.traceID, as: UInt64.self)
        slot.storeBytes(
            of: state.pointee.trace.low.bigEndian, toByteOffset: SlotLayout.traceID + 8, as: UInt64.self)
        slot.storeBytes(of: state.pointee.span, toByteOffset: SlotLayout.span, as: UInt64.self)
        slot.storeBytes(of: state.pointee.parentSpan, toByteOffset: SlotLayout.parentSpan, as: UInt64.self)
        slot.storeBytes(of: 0, toByteOffset: SlotLayout.flags, as: UInt32.self)
        state.pointee.descriptor._withUnsafeGuaranteedRef { descriptor in
            let length = descriptor.bytes.count
            slot.storeBytes(of: UInt16(length), toByteOffset: SlotLayout.typeLength, as: UInt16.self)
            descriptor.bytes.withUnsafeBytes {
                if let base = $0.baseAddress {
                    (slot + SlotLayout.type).copyMemory(from: base, byteCount: length)
                }
            }
        }
        var idLength = 0
        if let inherited = state.pointee.inherited {
            inherited._withUnsafeGuaranteedRef {
                guard let given = $0.givenID else { return }
                idLength = given.count
                given.withUnsafeBytes {
                    if let base = $0.baseAddress {
                        (slot + SlotLayout.givenID).copyMemory(from: base, byteCount: idLength)
                    }
                }
            }
        }
        slot.storeBytes(of: UInt16(idLength), toByteOffset: SlotLayout.idLength, as: UInt16.self)
        SlotHead(slot).state(SlotLayout.stateOpen)
    }
}
