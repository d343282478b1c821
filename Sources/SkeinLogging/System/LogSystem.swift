public import Skein
import SkeinPlatform
public import Synchronization

/// Where records go when they are made: to the handlers bound to the task, from the innermost, then to the process's.
///
/// ```swift
/// LogSystem.bootstrap(ContextHandler(level: .info))
/// LogSystem.handle(LogRecord(level: .info, "started"))
/// ```
/// Without a handler of the process's own, records become events of the current context (``ContextHandler``): nothing at all while no
/// pipeline is active.
///
/// What is logged while a record is being handled, or on a thread of Skein's own, never comes back in: it goes to ``fallback`` if
/// there is one, and is counted.
public enum LogSystem {
    // What is installed stands in an object that lives for ever, so that it can be used without a lock.
    private static let standard = Unmanaged.passRetained(HandlerBox.of(ContextHandler()))
    @usableFromInline static let installed = Atomic<UInt>(0)
    private static let fallingBack = Atomic<UInt>(0)
    private static let inside = Atomic<UInt64>(0)
    private static let lost = Atomic<UInt64>(0)

    // MARK: The process's

    /// Makes a handler the process's. It takes effect at once; the one before is neither flushed nor closed, and kept for ever.
    public static func bootstrap(_ handler: any LogRecordHandler) {
        let box = Unmanaged.passRetained(HandlerBox.of(handler))
        installed.store(UInt(bitPattern: box.toOpaque()), ordering: .releasing)
    }

    /// The process's handler.
    public static var handler: any LogRecordHandler { process._withUnsafeGuaranteedRef { $0.handler } }

    /// Takes what is logged while a record is being handled, or on a thread of Skein's own; none by default. What it logs itself
    /// is dropped.
    public static var fallback: (any LogRecordHandler)? {
        get { place(fallingBack)?._withUnsafeGuaranteedRef { $0.handler } }
        set {
            let box = newValue.map { UInt(bitPattern: Unmanaged.passRetained(HandlerBox.of($0)).toOpaque()) }
            fallingBack.store(box ?? 0, ordering: .releasing)
        }
    }

    private static var process: Unmanaged<HandlerBox> { place(installed) ?? standard }

    private static func place(_ address: borrowing Atomic<UInt>) -> Unmanaged<HandlerBox>? {
        UnsafeRawPointer(bitPattern: address.load(ordering: .acquiring)).map { Unmanaged.fromOpaque($0) }
    }

    // MARK: Handling

    /// Whether nothing that is logged could go anywhere: no pipeline, no handler. Three loads.
    @inlinable @inline(__always)
    static var isIdle: Bool {
        !EventSystem.isActive && installed.load(ordering: .relaxed) == 0 && !LogHandlerBinding.isAnyBound
    }

    /// Whether any handler here takes records of a level: what is asked before a message is built. 3 ns or less.
    @inline(__always)
    public static func takes(_ level: LogLevel) -> Bool {
        if LogHandlerBinding.isAnyBound, let innermost = LogHandlerBinding.place.bound {
            return innermost._withUnsafeGuaranteedRef { $0.takes(level) }
        }
        return processTakes(level)
    }

    @inline(__always)
    static func processTakes(_ level: LogLevel) -> Bool {
        guard let process = place(installed) else { return EventSystem.isActive }
        return process._withUnsafeGuaranteedRef { $0.takes(level) }
    }

    /// Hands a record to the handlers bound to the task, from the innermost until one takes it and does not let it bubble; then
    /// to the process's.
    public static func handle(_ record: LogRecord) {
        exclusively(record) {
            if LogHandlerBinding.isAnyBound {
                var next = LogHandlerBinding.place.bound
                while let binding = next {
                    let goesOn = binding._withUnsafeGuaranteedRef { !$0.box.offer(record) || $0.bubbles }
                    guard goesOn else { return }
                    next = binding._withUnsafeGuaranteedRef { $0.outer.map { Unmanaged.passUnretained($0) } }
                }
            }
            process._withUnsafeGuaranteedRef { _ = $0.offer(record) }
        }
    }

    /// Hands a record to one handler, with the same care that nothing comes back in.
    public static func handle(_ record: LogRecord, with handler: any LogRecordHandler) {
        exclusively(record) { handler.offer(record) }
    }

    static func handle(_ record: LogRecord, with own: HandlerBox) {
        exclusively(record) { _ = own.offer(record) }
    }

    @inline(__always)
    private static func exclusively(_ record: LogRecord, _ body: () -> Void) {
        let activity = CurrentThread.activityPlace
        guard activity.pointee == .ordinary else { return fallBack(record, activity) }
        activity.pointee = .handlingRecord
        defer { activity.pointee = .ordinary }
        body()
    }

    @inline(never)
    private static func fallBack(
        _ record: LogRecord, _ activity: UnsafeMutablePointer<ThreadActivity>
    ) {
        inside.add(1, ordering: .relaxed)
        let before = activity.pointee
        guard before != .fallingBack, let fallback = place(fallingBack) else {
            lost.add(1, ordering: .relaxed)
            return
        }
        activity.pointee = .fallingBack
        defer { activity.pointee = before }
        let isTaken = fallback._withUnsafeGuaranteedRef { $0.offer(record) }
        if !isTaken { lost.add(1, ordering: .relaxed) }
    }

    // MARK: Counts

    /// What the process's logging has turned away so far.
    public struct Statistics: Sendable, Hashable {
        /// Records made while handling another, or on a thread of Skein's own.
        public var fromInside: UInt64
        /// Those of them that went nowhere.
        public var dropped: UInt64
    }

    /// The counts so far.
    public static var statistics: Statistics {
        Statistics(fromInside: inside.load(ordering: .relaxed), dropped: lost.load(ordering: .relaxed))
    }
}
