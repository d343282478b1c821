import SkeinPlatform
public import SkeinZeroMQ
import Synchronization

/// Delivers what dead processes left in a spool: adopts their journals, makes events of the contexts that were open, ships
/// everything under the journals' own streams to the endpoint that they name, and removes them when all is acknowledged.
///
/// An acknowledgement that was lost before the death costs nothing, since the collector knows the streams. A journal whose owner
/// lives is never touched. What cannot be delivered now stays, and is tried again with growing pauses, while others have
/// their turn. What is damaged, or names no endpoint, is told once and kept.
///
/// One thread, and a shipper's for each journal being delivered. **Threads**: everything may be called from any; ``stop(timeout:)``
/// blocks.
///
/// ```swift
/// let adopter = try SpoolAdopter(.init(folder: "/var/spool/checkout"))
/// // … later …
/// print(adopter.status.delivered)
/// adopter.stop(timeout: .seconds(2))
/// ```
public final class SpoolAdopter: Sendable {
    /// What to adopt, and how.
    public struct Configuration: Sendable {
        /// The spool: a folder with numbered journals.
        public var folder: String
        /// Where journals go that name no usable endpoint; nil: they are kept.
        public var fallback: Endpoint?
        /// Whether a journal may name a file to go to. Not where others than oneself write the spool: its owner would choose
        /// which file we append to.
        public var takesFiles = true
        /// How many journals are delivered at once.
        public var maximumAtOnce = 4
        /// How often the folder is looked through. nil: once, and the adopter ends when all that can be delivered is.
        public var interval: Duration? = .seconds(1)
        /// A journal that gets on no further for so long makes room for others that wait.
        public var patience: Duration = .seconds(15)
        /// The first pause before a journal is tried again; it doubles, up to 5 minutes.
        public var pause: Duration = .seconds(5)
        /// The machine's name, for journals that do not say it.
        public var host = ""
        /// Encrypts: our keys and the collector's public key.
        public var curve: (keys: CurveKeyPair, server: CurveKey)?

        /// The defaults.
        public init(folder: String) {
            self.folder = folder
        }
    }

    private let shared: SpoolAdopterShared
    private let thread: Monitor<SystemThread?>

    /// Starts.
    /// - Parameter onWarning: told, on threads of the adopter's, of what an operator should know. It must be quick and must not
    ///   record.
    /// - Throws: ``ShippingError`` of code `resources`.
    public init(
        _ configuration: Configuration, onWarning: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(ShippingError) {
        let shared = SpoolAdopterShared(configuration.folder)
        self.shared = shared
        do {
            thread = Monitor(
                try SystemThread(name: "skein-adopter") {
                    CurrentThread.activity = .ownWork
                    SpoolAdopterLoop(shared, configuration, onWarning).run()
                })
        } catch {
            throw ShippingError(
                .resources, "adopting in \(configuration.folder) could not start: \(error)")
        }
    }

    deinit {
        guard !shared.isForgotten.load(ordering: .relaxed) else { return }
        stop(timeout: .zero)
    }

    /// What it has done so far.
    public var status: SpoolStatus { shared.state.withLock { $0.status } }

    /// Whether its thread has ended: told to stop, or, without an interval, nothing is left to do.
    public var hasEnded: Bool { shared.state.withLock { $0.hasEnded } }

    /// Lets go of what is being delivered, and ends. What is not delivered stays, for whoever comes next.
    ///
    /// Returns at the latest a quarter of a second after the time is over. The second call waits for the first.
    public func stop(timeout: Duration) {
        guard !shared.isForgotten.load(ordering: .relaxed) else { return }
        let deadline = SystemClock.monotonicNanoseconds() + max(0, timeout.wholeNanoseconds)
        shared.state.update { $0.deadline = min($0.deadline ?? .max, deadline) }
        let hasEnded = shared.state.wait(until: deadline + 250_000_000) { $0.hasEnded ? true : nil }
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if hasEnded == true { thread?.join() } else { thread?.detach() }
    }

    /// In the child of a fork: lets go of everything without touching it. From then on nothing but this may be called. Takes no
    /// lock and allocates nothing; keep the object, do not release it.
    public func forgetAfterFork() {
        shared.isForgotten.store(true, ordering: .relaxed)
    }
}
