internal import SkeinPlatform
public import Synchronization

/// The process-wide pipeline: sugar for apps that have one.
///
/// ```swift
/// func main() async throws {
///     try EventSystem.bootstrap(.init(endpoint: "tcp://127.0.0.1:3515", service: "checkout"))
///     withContext("job") { context in context["n"] = 1 }
///     await EventSystem.shutdown()
/// }
/// ```
/// Without it, and without a pipeline of one's own, every call of Skein is a no-op of a nanosecond or two.
public enum EventSystem {
    private static let installed = Monitor<EventPipeline?>(nil)
    /// Its hot part, kept for ever once installed, so that it can be read without a lock or a reference count.
    private static let current = Atomic<UInt>(0)
    private static let open = Atomic<Int>(0)
    @usableFromInline static let active = Atomic<Bool>(false)

    // Addresses of objects that live for ever, in words whose first value is known when compiling: a `static let` of a class
    // asks at each use whether it was made, which is a call of some nanoseconds.

    /// Of ``Context/disabled``, while no pipeline exists; 0 while one does, and before anybody asked.
    @usableFromInline static let idle = Atomic<UInt>(0)
    private static let idleLock = SpinLock()
    /// Of ``Context/local``, from the first pipeline on.
    @usableFromInline static let local = Atomic<UInt>(0)

    /// Whether any pipeline exists in the process, the process's own or another: while none does, nothing is recorded. Below 1 ns.
    /// Any thread.
    @inlinable @inline(__always)
    public static var isActive: Bool { active.load(ordering: .relaxed) }

    /// What every call of a process without a pipeline gets: the first question of all, one load and a branch. Nil if the
    /// answer takes longer.
    @inlinable @inline(__always)
    static var idleContext: Unmanaged<Context>? {
        UnsafeRawPointer(bitPattern: idle.load(ordering: .relaxed)).map { Unmanaged.fromOpaque($0) }
    }

    /// Nothing was there to record into: the next calls are to know at once, if there is no pipeline at all.
    static func settleIdle() {
        guard !isActive else { return }
        let disabled = UInt(bitPattern: Unmanaged.passUnretained(Context.disabled).toOpaque())
        idleLock.withLock {
            if !isActive { idle.store(disabled, ordering: .releasing) }
        }
    }

    /// Installs the process's pipeline.
    /// - Throws: ``EventConfigurationError`` if the configuration is wrong, or if there is a pipeline already that was not shut
    ///   down.
    public static func bootstrap(_ configuration: EventPipeline.Configuration) throws(EventConfigurationError)
    {
        try bootstrap(EventPipeline(configuration))
    }

    /// Installs a pipeline as the process's.
    public static func bootstrap(_ pipeline: EventPipeline) throws(EventConfigurationError) {
        let taken = installed.withLock { installed in
            if let old = installed, old.core.isOpen { return true }
            installed = pipeline
            return false
        }
        guard !taken else {
            throw EventConfigurationError(
                code: .alreadyBootstrapped,
                message:
                    "EventSystem.bootstrap was called twice; shut the first pipeline down before the second")
        }
        // Deliberately never released: contexts on other threads may be using it.
        _ = Unmanaged.passRetained(pipeline)
        current.store(UInt(bitPattern: pipeline.core.hot), ordering: .releasing)
    }

    /// The process's pipeline, or nil before ``bootstrap(_:)-(EventPipeline.Configuration)``.
    public static var pipeline: EventPipeline? { installed.withLock { $0 } }

    /// Waits until what closed before is acknowledged; false if that took longer than the time given. True without a pipeline.
    @discardableResult
    public static func flush(timeout: Duration = .seconds(5)) async -> Bool {
        await pipeline?.flush(timeout: timeout) ?? true
    }

    /// Ends the process's pipeline, after a flush bounded by the time given. A new one can be installed afterwards.
    public static func shutdown(timeout: Duration = .seconds(2)) async {
        await pipeline?.shutdown(timeout: timeout)
    }

    /// What the process's pipeline has done so far; nil without one.
    public static var statistics: EventStatistics? { pipeline?.statistics }

    /// Where a root context records: the pipeline of the surrounding scope or context, else the process's.
    @inline(__always)
    static var pipelineForRoot: HotCorePointer? {
        // With the process's pipeline alone, no task-local need be read.
        let address = current.load(ordering: .acquiring)
        if address == 0 || open.load(ordering: .relaxed) > 1 {
            if let scoped = Context.bound?.state.pointee.core { return scoped }
        }
        return HotCorePointer(bitPattern: address)
    }

    static func opened() {
        local.store(
            UInt(bitPattern: Unmanaged.passUnretained(Context.local).toOpaque()), ordering: .releasing)
        idleLock.withLock {
            open.add(1, ordering: .relaxed)
            active.store(true, ordering: .releasing)
            idle.store(0, ordering: .releasing)
        }
        ForkGuard.install()
    }

    static func closed() {
        idleLock.withLock {
            if open.subtract(1, ordering: .relaxed).newValue == 0 {
                active.store(false, ordering: .releasing)
            }
        }
    }
}
