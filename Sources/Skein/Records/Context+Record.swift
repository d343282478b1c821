internal import SkeinPlatform
internal import SkeinWire
internal import Synchronization

// A log record as an event: a context that ends when it starts and is never bound to a task. It closes by the same door as
// any other, so what is decided there of contexts is decided of records.

extension Context {
    /// Records one log record as an event of the current context; of none, as a tree of its own.
    ///
    /// The body of the event is what `fill` sets on the context it is given, which must not be kept. A context that is not
    /// sampled silences its records: `fill` is not called.
    /// - Parameters:
    ///   - level: 5 trace, 10 debug, 20 info, 25 notice, 30 warning, 40 error, 50 critical, or any other number.
    ///   - origin: when and where it was made, if not here and now.
    /// - Returns: whether there is a pipeline that could take it.
    /// Cost: about 60 ns, and what `fill` sets. Threads: any.
    @discardableResult
    package static func record(
        _ type: RecordType, level: Int32, from origin: RecordOrigin? = nil, _ fill: (Context) -> Void
    ) -> Bool {
        guard EventSystem.isActive else { return false }
        if let origin { return record(type, level, origin.place, fill) }
        let ahead = EventTime.readAhead()
        if type.joins, let outer = surrounding(nil) {
            let parent = type.joinsOutermost ? outermost(outer) : outer
            let above = parent.state
            guard let core = above.pointee.core?.live else { return false }
            guard above.pointee.isSampled else { return true }
            let thread = ThreadState.current(core)
            let descriptor = recordDescriptor(type, below: above.pointee.descriptor, core, thread)
            let context = takeRecord(core, thread)
            start(
                context, core, thread, descriptor, trace: above.pointee.trace,
                parentSpan: above.pointee.span, sampled: true, rate: above.pointee.rate,
                core.now(after: above.began, read: ahead), shard: above.pointee.shard,
                inherited: above.pointee.inherited?.retain(), parent: parent)
            finishRecord(context, core, thread, level, fill)
            return true
        }
        guard let core = EventSystem.pipelineForRoot?.live else { return false }
        rootRecord(type, level, core, time: nil, fill)
        return true
    }

    /// As the one above, for a record that was kept since.
    @inline(never)
    private static func record(
        _ type: RecordType, _ level: Int32, _ origin: RecordPlace, _ fill: (Context) -> Void
    ) -> Bool {
        guard let owner = origin.core else {
            // No pipeline was active where it was made.
            guard let core = EventSystem.pipelineForRoot?.live else { return false }
            rootRecord(type, level, core, time: origin.time, fill)
            return true
        }
        guard let core = owner._withUnsafeGuaranteedRef({ $0.hot }).live else { return false }
        guard type.joins, let tree = origin.tree else {
            rootRecord(type, level, core, time: origin.time, fill)
            return true
        }
        guard tree.isSampled else { return true }
        let joint = type.joinsOutermost ? tree.outermost : tree.current
        let thread = ThreadState.current(core)
        let descriptor = recordDescriptor(type, below: joint.descriptor, core, thread)
        let context = takeRecord(core, thread)
        start(
            context, core, thread, descriptor, trace: tree.trace, parentSpan: joint.span, sampled: true,
            rate: tree.rate, EventInstant(ticks: 0, unix: origin.time), shard: tree.shard,
            inherited: tree.inherited?.retain())
        finishRecord(context, core, thread, level, fill)
        return true
    }

    /// A record outside of any context, or with a plain name.
    @inline(never)
    private static func rootRecord(
        _ type: RecordType, _ level: Int32, _ core: HotCorePointer, time: Double?, _ fill: (Context) -> Void
    ) {
        let thread = ThreadState.current(core)
        let descriptor = remembered(type.literal, parent: 0, core, thread) {
            rootDescriptor(of: type.text, $0)
        }
        let now = time.map { EventInstant(ticks: 0, unix: $0) } ?? core.now()
        let context = takeRecord(core, thread)
        start(
            context, core, thread, descriptor, trace: newTrace(core, thread, now), parentSpan: 0,
            sampled: true, rate: 1, now, shard: -1, inherited: nil)
        finishRecord(context, core, thread, level, fill)
    }

    @inline(__always)
    private static func recordDescriptor(
        _ type: RecordType, below parent: Unmanaged<TypeDescriptor>, _ core: HotCorePointer,
        _ thread: UnsafeMutablePointer<ThreadState>
    ) -> Unmanaged<TypeDescriptor> {
        remembered(type.literal, parent: UInt(bitPattern: parent.toOpaque()), core, thread) { owner in
            let above = parent._withUnsafeGuaranteedRef { $0.name }
            return owner.descriptor(owner.cleaned(above + type.text.drop { $0 == "^" }))
        }
    }

    @inline(__always)
    private static func takeRecord(
        _ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>
    ) -> Unmanaged<Context> {
        if let kept = thread.pointee.record, thread.pointee.recordOwner == core.pointee.identity {
            thread.pointee.record = nil
            return kept
        }
        // It is open for no longer than its fields take: who recovers a spool need not see it.
        return Unmanaged.passRetained(core.withOwner { Context(core: $0, usesSlot: false) })
    }

    /// Fills, closes, and keeps the object for the thread's next record.
    @inline(__always)
    private static func finishRecord(
        _ unmanaged: Unmanaged<Context>, _ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>,
        _ level: Int32, _ fill: (Context) -> Void
    ) {
        let state = unmanaged.state
        state.pointee.isRecord = true
        state.pointee.level = level
        unmanaged._withUnsafeGuaranteedRef { fill($0) }
        close(state)
        keepRecord(unmanaged, state, core, thread)
    }

    @inline(__always)
    private static func keepRecord(
        _ unmanaged: Unmanaged<Context>, _ state: UnsafeMutablePointer<ContextState>, _ core: HotCorePointer,
        _ thread: UnsafeMutablePointer<ThreadState>
    ) {
        var unmanaged = unmanaged
        let isUnique = withUnsafeMutablePointer(to: &unmanaged) {
            $0.withMemoryRebound(to: Context.self, capacity: 1) { isKnownUniquelyReferenced(&$0.pointee) }
        }
        guard isUnique else {
            state.adoptParent()
            return unmanaged.release()
        }
        state.pointee.parent = nil
        if state.pointee.inherited != nil || state.pointee.grown != nil {
            unmanaged._withUnsafeGuaranteedRef { $0.clear() }
        }
        guard !state.log.pointee.isOversized else { return unmanaged.release() }
        // Filled meanwhile by a record inside this one, or by one of another pipeline.
        if let other = thread.pointee.record { other.release() }
        thread.pointee.record = unmanaged
        thread.pointee.recordOwner = core.pointee.identity
    }
}

extension Context {
    /// Sets a text field from UTF-8 that the caller vouches for.
    package func set(_ key: StaticString, utf8 text: UnsafeBufferPointer<UInt8>) {
        guard listens, key.hasPointerRepresentation else { return }
        writeString(key.utf8Start, key.utf8CodeUnitCount, literal: true, text)
    }

    /// Sets a text field from a literal.
    package func set(_ key: StaticString, literal text: StaticString) {
        text.withUTF8Buffer { set(key, utf8: $0) }
    }

    /// Sets a field below a literal key, both without a dictionary or a string between them: `set(below: "data", "n", 1)` is
    /// `data.n`. Dots in the key nest.
    package func set(below parent: StaticString, _ key: String, _ value: some FieldValue) {
        guard listens, parent.hasPointerRepresentation else { return }
        var key = key
        key.withUTF8 { utf8 in
            let head = parent.utf8CodeUnitCount
            let count = head + 1 + utf8.count
            if let core = state.pointee.core,
                let path = RecordKeys.path(parent, utf8, ThreadState.current(core))
            {
                value.encode(into: FieldTarget(self, key: path, keyLength: count, literal: true))
                return
            }
            withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) { path in
                guard let base = path.baseAddress else { return }
                base.copyMemory(from: parent.utf8Start, byteCount: head)
                base.storeBytes(of: 0x2E, toByteOffset: head, as: UInt8.self)
                if let bytes = utf8.baseAddress {
                    (base + head + 1).copyMemory(from: bytes, byteCount: utf8.count)
                }
                value.encode(into: FieldTarget(self, key: base, keyLength: count, literal: false))
            }
        }
    }
}
