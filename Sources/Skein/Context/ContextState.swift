internal import SkeinPlatform
internal import SkeinWire
public import Synchronization

/// The part of a context that changes, in memory of its own: no exclusivity checks, no reference counts.
@usableFromInline
struct ContextState: ~Copyable {
    /// 0: nothing is recorded (disabled, or not sampled); 1: recording; 2: ended. The one thing that writers look at
    /// before they do anything.
    @usableFromInline let status = Atomic<UInt8>(0)
    /// Whether the pipeline's ticks are those of the processor's counter.
    @usableFromInline let countsCycles: Bool
    /// Guards everything below while the context records.
    let lock = BiasedLock()
    #if Tracing
        /// What it was bound inside of; see ``TaskBridge``.
        let place = Atomic<UInt64>(0)
    #endif

    /// Nil in the context that stands for "nothing is configured".
    let core: HotCorePointer?
    /// Slot or heap block that the context owns for its life.
    let home: UnsafeMutableRawPointer
    let homeIsSlot: Bool
    let valueLimit: Int
    /// A larger heap block, once the fields outgrew `home`.
    var grown: UnsafeMutableRawPointer? = nil

    // Set at opening, constant until the context is reused.
    var descriptor: Unmanaged<TypeDescriptor>
    /// Kept alive by what it is bound to, as long as this context is inside its own `withContext`; see `adoptParent`.
    var parent: Unmanaged<Context>? = nil
    /// Whether `parent` is kept alive by this context.
    var ownsParent = false
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
    /// Whether it is a log record: it has a level, and ends when it starts.
    var isRecord = false
    var level: Int32 = 0
    var trimmed = 0

    init(
        core: HotCorePointer?, home: UnsafeMutableRawPointer, homeIsSlot: Bool, valueLimit: Int,
        descriptor: TypeDescriptor
    ) {
        self.core = core
        countsCycles = core?.pointee.countsCycles ?? false
        self.home = home
        self.homeIsSlot = homeIsSlot
        self.valueLimit = valueLimit
        self.descriptor = Unmanaged.passUnretained(descriptor)
    }
}

extension UnsafeMutablePointer where Pointee == ContextState {
    private static var logOffset: Int { (MemoryLayout<ContextState>.stride + 63) & ~63 }

    /// Memory for a state and, behind it, its fields; neither is initialized.
    static func allocate() -> UnsafeMutablePointer<ContextState> {
        UnsafeMutableRawPointer.allocate(
            byteCount: logOffset + MemoryLayout<FieldLog>.stride, alignment: 64
        ).assumingMemoryBound(to: ContextState.self)
    }

    /// The fields. Apart from the state, so that who writes them under the lock touches nothing that others read without it.
    @inline(__always)
    var log: UnsafeMutablePointer<FieldLog> {
        (UnsafeMutableRawPointer(self) + Self.logOffset).assumingMemoryBound(to: FieldLog.self)
    }

    /// When it was opened.
    @inline(__always)
    var began: EventInstant { EventInstant(ticks: pointee.startTicks, unix: pointee.start) }

    /// The dotted type.
    var name: String { pointee.descriptor._withUnsafeGuaranteedRef { $0.name } }

    /// Keeps the parent alive from now on: this context outlives the `withContext` that it was opened in, whose scope lies
    /// within the parent's.
    @inline(never)
    func adoptParent() {
        guard let parent = pointee.parent, !pointee.ownsParent else { return }
        pointee.ownsParent = true
        _ = parent.retain()
    }

    /// Waits for the lock and takes it.
    /// - Returns: what ``release(_:)`` must be given.
    @inline(__always)
    func acquire() -> BiasedLock.Hold {
        pointee.lock.acquire { tellShared() }
    }

    @inline(__always)
    func release(_ hold: BiasedLock.Hold) {
        pointee.lock.release(hold)
    }

    /// Two threads use contexts of this type at once: the next ones do not begin as one thread's own.
    @inline(never)
    private func tellShared() {
        pointee.descriptor._withUnsafeGuaranteedRef { $0.isShared.store(true, ordering: .relaxed) }
    }
}

/// What a tree carries that most trees have not: a given id, baggage, tracestate. Shared by its contexts, immutable.
final class Inherited: Sendable {
    let givenID: [UInt8]?
    /// Whether `givenID` is no trace id, so that the event names its derived one.
    let isDerived: Bool
    let baggage: Baggage
    let traceState: String
    /// What holds the detail of the tree back, or of the part of it that this context is in.
    let keep: HeldTree?
    /// What this replaced: a thread that is opening a child may still be reading it.
    let previous: Inherited?

    init(
        givenID: [UInt8]?, isDerived: Bool, baggage: Baggage, traceState: String, keep: HeldTree? = nil,
        previous: Inherited? = nil
    ) {
        self.keep = keep
        self.previous = previous
        self.givenID = givenID
        self.isDerived = isDerived
        self.baggage = baggage
        self.traceState = traceState
    }
}
