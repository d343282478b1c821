internal import SkeinPlatform
public import SkeinWire
public import Synchronization

/// A piece of work while it runs: it has a type, an id shared by its tree, and fields; it closes into one event.
///
/// ```swift
/// withContext("request") { context in
///     context["response.status"] = 200
///     Context.current?["cache.hit"] = true      // the same context, found through the task
/// }
/// ```
///
/// Contexts are made by ``withContext(_:id:sample:pipeline:_:)-(_,_,_,_,(Context)(Failure)->Result)`` and its kin, which
/// end them; for callback frameworks by ``open(_:id:sample:pipeline:)``. Child tasks inherit the current one.
///
/// Threads: every method may be called from any thread, at the same time. Failure: none throws; what cannot be kept is
/// dropped and counted (``EventPipeline/statistics``). A write after the end is dropped and counted.
public final class Context: @unchecked Sendable {  // mutable state is behind the state's lock, or atomic
    @usableFromInline let state: UnsafeMutablePointer<ContextState>
    /// Nil in the context that stands for "nothing is configured".
    let core: PipelineCore?
    /// Bound to a task to carry a pipeline, with no context open in it.
    let isScope: Bool

    /// - Parameter usesSlot: whether who recovers a spool is to see it while it is open.
    init(core: PipelineCore?, isScope: Bool = false, usesSlot: Bool = true) {
        self.core = core
        self.isScope = isScope
        state = .allocate()
        var home: UnsafeMutableRawPointer? = isScope || !usesSlot ? nil : core?.claimSlot()
        let homeIsSlot = home != nil
        if home == nil {
            let block = UnsafeMutableRawPointer.allocate(byteCount: SlotLayout.size, alignment: 64)
            block.initializeMemory(as: UInt8.self, repeating: 0, count: SlotLayout.fields)
            home = block
        }
        let limits = core?.limits ?? EventLimits()
        let block = home ?? UnsafeMutableRawPointer.allocate(byteCount: SlotLayout.size, alignment: 64)
        state.initialize(
            to: ContextState(
                core: core?.hot, home: block, homeIsSlot: homeIsSlot, valueLimit: limits.valueBytes,
                descriptor: PipelineCore.noDescriptor))
        state.log.initialize(
            to: FieldLog(block: block, capacity: SlotLayout.size - SlotLayout.fields, limits: limits))
    }

    deinit {
        if state.pointee.isOpen {
            core?.count(.unfinished)
            close(error: .unfinished)
        }
        clear()
        state.log.pointee.destroy()
        if state.pointee.homeIsSlot {
            core?.releaseSlot(state.pointee.home)
        } else {
            state.pointee.home.deallocate()
        }
        state.deinitialize(count: 1)
        state.deallocate()
    }

    /// Stands in where nothing records: every call on it is a no-op.
    @usableFromInline static let disabled = Context(core: nil)

    /// Lets go of what the last use held, so that the object can be used again.
    func clear() {
        if let parent = state.pointee.parent {
            if state.pointee.ownsParent { parent.release() }
            state.pointee.parent = nil
            state.pointee.ownsParent = false
        }
        if let inherited = state.pointee.inherited {
            inherited.release()
            state.pointee.inherited = nil
        }
        Self.dropGrown(state)
    }

    static func dropGrown(_ state: UnsafeMutablePointer<ContextState>) {
        guard let grown = state.pointee.grown else { return }
        state.pointee.grown = nil
        let bytes = state.log.pointee.blockBytes
        state.pointee.core?.withOwner { $0.freed(bytes: bytes) }
        state.log.pointee.rehouse(
            in: state.pointee.home, capacity: SlotLayout.size - SlotLayout.fields)
        grown.deallocate()
    }

    // MARK: The current one

    /// What a task is in that is in no context.
    private static let none = Context(core: nil, isScope: true)

    /// Not optional: a class reference is copied faster than an optional one by the runtime that keeps task-locals.
    @usableFromInline static let local = TaskLocal<Context>(wrappedValue: none)

    /// The same without the question whether it was made: for who has a context that a pipeline opened, which made it.
    @inlinable @inline(__always)
    static var madeLocal: Unmanaged<TaskLocal<Context>> {
        unsafeBitCast(EventSystem.local.load(ordering: .relaxed), to: Unmanaged<TaskLocal<Context>>.self)
    }

    /// What the calling task is in, if anything is bound to it: a context, or the scope of a pipeline.
    @inline(__always)
    static var bound: Unmanaged<Context>? {
        #if Tracing
            TaskBridge.innermost(directlyBound)
        #else
            directlyBound
        #endif
    }

    /// The same, whatever another library has bound to the task.
    @inline(__always)
    static var directlyBound: Unmanaged<Context>? {
        TaskLocalPlace<Context>(address: EventSystem.local.load(ordering: .relaxed))?.bound
    }

    /// The context that the calling task is in, or nil if it is in none or nothing is configured.
    ///
    /// Cost: one task-local read, 10 to 30 ns; about 1 ns when no pipeline is active.
    @inlinable
    public static var current: Context? {
        guard EventSystem.isActive else { return nil }
        return currentInTask
    }

    @usableFromInline
    static var currentInTask: Context? {
        guard let context = bound, !context._withUnsafeGuaranteedRef({ $0.isScope }) else { return nil }
        return context.takeUnretainedValue()
    }

    // MARK: What it is

    /// Whether what is set here will be in an event: sampled, and not yet ended. 1 ns.
    @inlinable
    public var isRecording: Bool {
        state.pointee.status.load(ordering: .relaxed) == 1
    }

    /// The id shared by the whole tree: 32 lowercase hex digits, or the id that was given.
    public var id: String {
        if let given = inheritedParts?.givenID { return String(decoding: given, as: UTF8.self) }
        return core == nil ? "" : state.pointee.trace.description
    }

    /// Whether a write has any effect (be it only to be counted).
    @inlinable @inline(__always)
    var listens: Bool { state.pointee.status.load(ordering: .relaxed) != 0 }

    /// The tree's trace id, which travels in `traceparent`. Equals ``id`` unless another id was given.
    public var traceID: TraceID { state.pointee.trace }

    /// This context's own id as 16 lowercase hex digits.
    public var spanID: String { core == nil ? "" : Hex.string(state.pointee.span) }

    /// The dotted type.
    public var type: String { core == nil ? "" : descriptor.name }

    /// Whether the tree is sampled up to here. Stays true after the end. A tree that is only recorded because of its ``Keep`` is not.
    public var isSampled: Bool {
        state.pointee.isSampled && !(inheritedParts?.keep?.isOfSampledOut ?? false)
    }

    /// The product of the sampling rates along the path to here, in 0 … 1.
    public var rate: Double { state.pointee.rate }

    /// Baggage that came with the tree or was given to it.
    public var baggage: Baggage { inheritedParts?.baggage ?? Baggage() }

    var inheritedParts: Inherited? {
        state.pointee.inherited?._withUnsafeGuaranteedRef { $0 }
    }

    var descriptor: TypeDescriptor {
        state.pointee.descriptor._withUnsafeGuaranteedRef { $0 }
    }
}
