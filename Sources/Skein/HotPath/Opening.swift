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

    static var nothing: Opened {
        EventSystem.settleIdle()
        return Opened(context: Unmanaged.passUnretained(.disabled), isNew: false)
    }
    static func new(_ context: Unmanaged<Context>) -> Opened {
        #if Tracing
            TaskBridge.note(context)
        #endif
        return Opened(context: context, isNew: true)
    }
    /// The parent is kept by the task that it is bound to.
    static func silenced(_ parent: Unmanaged<Context>) -> Opened {
        Opened(context: parent, isNew: false)
    }

    /// For those who end it by hand.
    var owned: Context {
        guard isNew else { return context.takeUnretainedValue() }
        context._withUnsafeGuaranteedRef { $0.state.adoptParent() }
        return context.takeRetainedValue()
    }
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
        guard let core = (pipeline?.core.hot ?? EventSystem.pipelineForRoot)?.live else {
            return .nothing
        }
        let thread = ThreadState.current(core)
        guard let descriptor = known(literal, parent: 0, core, thread) else {
            return beginUnknown(type, literal, below: nil, core, thread, id, sample)
        }
        return .new(root(core, thread, descriptor, id, sample))
    }

    /// Opens a context for a type that is computed.
    @usableFromInline
    static func begin(
        dynamic type: String, id: String?, sample: Sampling, pipeline: EventPipeline?
    ) -> Opened {
        if type.hasPrefix(".") || type.hasPrefix("^"), let outer = surrounding(pipeline) {
            let parent = type.hasPrefix("^") ? outermost(outer) : outer
            let above = parent.state
            guard above.pointee.isSampled, let core = above.pointee.core?.live else {
                return beginSilenced(type, below: parent, sample)
            }
            let descriptor = core.withOwner {
                $0.descriptor($0.cleaned(above.name + type.drop { $0 == "^" }))
            }
            let thread = ThreadState.current(core)
            if let keep = descriptor.keep {
                return .new(keptChild(of: parent, core, thread, descriptor, sample, keep))
            }
            return .new(child(of: parent, core, thread, descriptor, sample))
        }
        guard let core = (pipeline?.core.hot ?? EventSystem.pipelineForRoot)?.live else {
            return .nothing
        }
        let descriptor = core.withOwner { rootDescriptor(of: type, $0) }
        let thread = ThreadState.current(core)
        if let keep = descriptor.keep {
            return .new(keptRoot(core, thread, descriptor, id, sample, keep))
        }
        return .new(root(core, thread, descriptor, id, sample))
    }

    /// A name that joins: a child of the current context or of the outermost, or a root if there is none.
    @inline(__always)
    private static func join(
        _ type: StaticString, _ literal: UInt, fromOutermost: Bool, _ id: String?, _ sample: Sampling,
        _ pipeline: EventPipeline?
    ) -> Opened {
        let ahead = EventTime.readAhead()
        guard let outer = surrounding(pipeline) else {
            guard let core = (pipeline?.core.hot ?? EventSystem.pipelineForRoot)?.live else {
                return .nothing
            }
            let thread = ThreadState.current(core)
            guard let descriptor = known(literal, parent: 0, core, thread) else {
                return beginUnknown(type, literal, below: nil, core, thread, id, sample)
            }
            return .new(root(core, thread, descriptor, id, sample))
        }
        let parent = fromOutermost ? outermost(outer) : outer
        let above = parent.state
        guard above.pointee.isSampled, let core = above.pointee.core?.live else {
            return beginSilenced(type.description, below: parent, sample)
        }
        let joined = UInt(bitPattern: above.pointee.descriptor.toOpaque())
        let thread = ThreadState.current(core)
        guard let descriptor = known(literal, parent: joined, core, thread) else {
            return beginUnknown(type, literal, below: parent, core, thread, id, sample)
        }
        return .new(child(of: parent, core, thread, descriptor, sample, read: ahead))
    }

    /// The context the task is in, if it belongs to the pipeline asked for. The task keeps it.
    @inline(__always)
    static func surrounding(_ pipeline: EventPipeline?) -> Unmanaged<Context>? {
        guard let outer = bound else { return nil }
        if outer._withUnsafeGuaranteedRef({ $0.isScope }) { return nil }
        if let pipeline, pipeline.core.hot != outer.state.pointee.core,
            pipeline.core.hot.live != outer.state.pointee.core
        {
            return nil
        }
        return outer
    }

    static func outermost(_ context: Unmanaged<Context>) -> Unmanaged<Context> {
        var context = context
        while let parent = context.state.pointee.parent { context = parent }
        return context
    }

    static func rootDescriptor(of type: String, _ core: PipelineCore) -> Unmanaged<TypeDescriptor> {
        core.descriptor(core.cleaned(String(type.drop { $0 == "." || $0 == "^" })))
    }

    /// The type that this literal stood for when the thread last met it below such a parent.
    @inline(__always)
    static func known(
        _ literal: UInt, parent: UInt, _ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>
    ) -> Unmanaged<TypeDescriptor>? {
        let entry = thread.pointee.remembered + place(literal, parent)
        guard entry.pointee.literal == literal, entry.pointee.parent == parent,
            entry.pointee.pipeline == core.pointee.identity
        else { return nil }
        return entry.pointee.descriptor
    }

    @inline(__always)
    private static func place(_ literal: UInt, _ parent: UInt) -> Int {
        Int(
            truncatingIfNeeded: (literal ^ (literal >> 8) ^ (parent >> 5))
                & UInt(ThreadState.rememberedCount - 1))
    }

    static func remember(
        _ literal: UInt, parent: UInt, _ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>,
        _ descriptor: Unmanaged<TypeDescriptor>
    ) {
        thread.pointee.remembered[place(literal, parent)] = ThreadState.Remembered(
            literal: literal, parent: parent, pipeline: core.pointee.identity, descriptor: descriptor)
    }

    @inline(__always)
    static func remembered(
        _ literal: UInt, parent: UInt, _ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>,
        make: (PipelineCore) -> Unmanaged<TypeDescriptor>
    ) -> Unmanaged<TypeDescriptor> {
        if let descriptor = known(literal, parent: parent, core, thread) { return descriptor }
        let descriptor = core.withOwner(make)
        remember(literal, parent: parent, core, thread, descriptor)
        return descriptor
    }
}

extension Unmanaged where Instance == Context {
    @inline(__always)
    var state: UnsafeMutablePointer<ContextState> { _withUnsafeGuaranteedRef { $0.state } }
}
