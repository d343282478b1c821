internal import SkeinPlatform
internal import SkeinWire
public import Synchronization

/// The part of a context that changes, in memory of its own: no exclusivity checks, no reference counts.
@usableFromInline
struct ContextState: ~Copyable {
    /// 0: nothing is recorded (disabled, or not sampled); 1: recording; 2: ended. The one thing that writers look at
    /// before they do anything.
    @usableFromInline let status = Atomic<UInt8>(0)
    /// Guards everything below while the context records.
    let lock = Atomic<UInt32>(0)

    /// Nil in the context that stands for "nothing is configured".
    let core: HotCorePointer?
    /// Apart from this, so that who writes fields under the lock touches nothing that others read without it.
    let log: UnsafeMutablePointer<FieldLog>
    /// Slot or heap block that the context owns for its life.
    let home: UnsafeMutableRawPointer
    let homeIsSlot: Bool
    let valueLimit: Int
    /// A larger heap block, once the fields outgrew `home`.
    var grown: UnsafeMutableRawPointer? = nil

    // Set at opening, constant until the context is reused.
    var descriptor: Unmanaged<TypeDescriptor>
    var parent: Unmanaged<Context>? = nil
    var inherited: Unmanaged<Inherited>? = nil
    var trace = TraceID(high: 0, low: 0)
    var span: UInt64 = 0
    var parentSpan: UInt64 = 0
    var startTicks: UInt64 = 0
    var start = 0.0
    var rate = 1.0
    var shard = 0
    var isSampled = false
    var isOpen = false
    var level: Int32 = 0
    var trimmed = 0

    init(
        core: HotCorePointer?, log: consuming FieldLog, home: UnsafeMutableRawPointer, homeIsSlot: Bool,
        valueLimit: Int,
        descriptor: TypeDescriptor
    ) {
        self.core = core
        self.log = .allocate(capacity: 1)
        self.log.initialize(to: log)
        self.home = home
        self.homeIsSlot = homeIsSlot
        self.valueLimit = valueLimit
        self.descriptor = Unmanaged.passUnretained(descriptor)
    }
}

extension UnsafeMutablePointer where Pointee == ContextState {
    /// The fields. A property of its own, so that a change of them is no change of the whole state.
    @inline(__always)
    var log: UnsafeMutablePointer<FieldLog> { pointee.log }

    @inline(__always)
    func acquire() {
        if pointee.lock.compareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged { return }
        acquireSlowly()
    }

    @inline(__always)
    func release() {
        pointee.lock.store(0, ordering: .releasing)
    }

    @inline(never)
    private func acquireSlowly() {
        var spins = 0
        while !pointee.lock.compareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged {
            spins += 1
            if spins < 64 { spinPause() } else { _ = sched_yield() }
        }
    }
}

/// What a tree carries that most trees have not: a given id, baggage, tracestate. Shared by its contexts, immutable.
final class Inherited: Sendable {
    let givenID: [UInt8]?
    /// Whether `givenID` is no trace id, so that the event names its derived one.
    let isDerived: Bool
    let baggage: Baggage
    let traceState: String
    /// What this replaced: a thread that is opening a child may still be reading it.
    let previous: Inherited?

    init(
        givenID: [UInt8]?, isDerived: Bool, baggage: Baggage, traceState: String, previous: Inherited? = nil
    ) {
        self.previous = previous
        self.givenID = givenID
        self.isDerived = isDerived
        self.baggage = baggage
        self.traceState = traceState
    }
}
