internal import SkeinPlatform
internal import SkeinWire
internal import Synchronization

// The object behind a context: out of the thread's pool, its state and its slot's head set for the new use.

extension Context {
    @inline(__always)
    static func take(_ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>)
        -> Unmanaged<Context>
    {
        if thread.pointee.poolCount > 0, thread.pointee.poolOwner == core.pointee.identity {
            thread.pointee.poolCount -= 1
            return thread.pointee.pool[thread.pointee.poolCount]
        }
        return Unmanaged.passRetained(core.withOwner { Context(core: $0) })
    }

    /// - Parameter inherited: already retained, for the context.
    @inline(__always)
    static func start(
        _ unmanaged: Unmanaged<Context>, _ core: HotCorePointer, _ thread: UnsafeMutablePointer<ThreadState>,
        _ descriptor: Unmanaged<TypeDescriptor>,
        trace: TraceID, parentSpan: UInt64, sampled: Bool, rate: Double, _ now: EventInstant, shard: Int,
        inherited: Unmanaged<Inherited>?, parent: Unmanaged<Context>? = nil, span: UInt64? = nil
    ) {
        let state = unmanaged._withUnsafeGuaranteedRef { $0.state }
        state.pointee.descriptor = descriptor
        let isOwned =
            core.pointee.biasesLocks
            && !descriptor._withUnsafeGuaranteedRef { $0.isShared.load(ordering: .relaxed) }
        state.pointee.lock.begin(owner: isOwned ? currentThreadNumber() : 0)
        state.pointee.trace = trace
        state.pointee.span = span ?? nextSpan(core, thread)
        state.pointee.parentSpan = parentSpan
        state.pointee.isSampled = sampled
        state.pointee.rate = rate
        state.pointee.isRecord = false
        state.pointee.trimmed = 0
        state.pointee.shard =
            shard >= 0
            ? shard : core.pointee.shardCount == 0 ? 0 : thread.pointee.ordinal % core.pointee.shardCount
        if let inherited { state.pointee.inherited = inherited }
        state.pointee.parent = parent
        guard sampled else {
            core.count(.unsampled)
            state.pointee.isOpen = false
            state.pointee.status.store(0, ordering: .relaxed)
            return
        }
        state.pointee.startTicks = now.ticks
        state.pointee.start = now.unix
        state.log.pointee.reset()
        if state.pointee.homeIsSlot { writeSlotHead(state, core) }
        state.pointee.isOpen = true
        state.pointee.status.store(1, ordering: .releasing)
    }

    @inline(__always)
    static func writeSlotHead(_ state: UnsafeMutablePointer<ContextState>, _ core: HotCorePointer) {
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
                    FieldLog.copy(base, length, to: slot + SlotLayout.type)
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
