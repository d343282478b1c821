internal import SkeinJournal
internal import SkeinPlatform
internal import SkeinWire
internal import Synchronization

/// What opening and closing need of a pipeline, in memory of its own and used by pointer: a reference count that every
/// thread touches costs more than the event. Owned by its `PipelineCore`, which every context of it keeps alive.
struct HotCore {
    let owner: Unmanaged<PipelineCore>
    /// Never that of another pipeline, unlike an address.
    let identity: UInt
    let time: Unmanaged<EventTime>
    let shards: UnsafeMutablePointer<Unmanaged<MappedShard>>
    let shardCount: Int
    let counters: UnsafeMutablePointer<Atomic<UInt64>>
    let isOpen: UnsafeMutablePointer<Atomic<Bool>>
    /// In the child of a fork: what became of it (``ForkGuard``).
    let fork: UnsafeMutablePointer<Atomic<UInt>>
    let pid: Int32
    let givesIDs: Bool
    let countsCycles: Bool
    let threadKey: pthread_key_t
    /// Whether a context's lock can be its thread's own.
    let biasesLocks: Bool
    let notify: Unmanaged<ShippingRecorder>?
}

typealias HotCorePointer = UnsafeMutablePointer<HotCore>

extension UnsafeMutablePointer where Pointee == HotCore {
    @inline(__always)
    func count(_ counter: PipelineCounter) {
        (pointee.counters + counter.index).pointee.wrappingAdd(1, ordering: .relaxed)
    }

    func count(_ counter: PipelineCounter, by amount: UInt64) {
        (pointee.counters + counter.index).pointee.wrappingAdd(amount, ordering: .relaxed)
    }

    @inline(__always)
    var isOpen: Bool { pointee.isOpen.pointee.load(ordering: .relaxed) }

    /// Itself while it records; in the child of a fork, what goes on for it.
    @inline(__always)
    var live: HotCorePointer? { isOpen ? self : afterFork }

    @inline(never)
    private var afterFork: HotCorePointer? { ForkGuard.successor(of: self) }

    @inline(__always)
    func withOwner<Result>(_ body: (PipelineCore) -> Result) -> Result {
        pointee.owner._withUnsafeGuaranteedRef(body)
    }

    @inline(__always)
    func now() -> EventInstant {
        pointee.time._withUnsafeGuaranteedRef { $0.now() }
    }

    @inline(__always)
    func now(after earlier: EventInstant, read ahead: UInt64 = 0) -> EventInstant {
        pointee.time._withUnsafeGuaranteedRef { $0.now(after: earlier, read: ahead) }
    }

    @inline(__always)
    func wholeSeconds() -> Int64 {
        pointee.time._withUnsafeGuaranteedRef { $0.wholeSeconds() }
    }

    @inline(__always)
    func ticks() -> UInt64 {
        pointee.time._withUnsafeGuaranteedRef { $0.ticksNow() }
    }

    @inline(__always)
    func seconds(since start: UInt64) -> Double {
        pointee.time._withUnsafeGuaranteedRef { $0.seconds(since: start) }
    }
}
