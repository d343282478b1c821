#if Lifecycle
    public import ServiceLifecycle
    public import Skein

    /// A pipeline as a service of a `ServiceGroup`: when the group ends, what has closed is flushed, within a bound.
    ///
    /// ```swift
    /// import Logging
    /// import ServiceLifecycle
    ///
    /// struct Server: Service { func run() async throws { try await gracefulShutdown() } }
    ///
    /// try EventSystem.bootstrap(.init(endpoint: "127.0.0.1:3515", service: "checkout"))
    /// let group = ServiceGroup(
    ///     services: [EventPipelineService(), Server()], gracefulShutdownSignals: [.sigterm],
    ///     logger: Logger(label: "checkout"))
    /// try await group.run()
    /// ```
    /// Name it **first**: a group ends its services from the last to the first, so what the others close while they end is
    /// flushed, too. A group that is cancelled, or that ends because a service threw, flushes as well.
    ///
    /// Failure: it never throws, so it never changes how the group ends; what could not be flushed in time is told by
    /// `onEnd`. With a spool it is shipped by the next process.
    public struct EventPipelineService: Service, CustomStringConvertible {
        /// What becomes of the pipeline when the group ends.
        public enum Ending: Sendable, Hashable {
            /// It is flushed and ended: contexts that close afterwards are counted as dropped (`shut_down`).
            case shutdown
            /// It is flushed and goes on: for a context that is open around the group, or a process that outlives it.
            case flush
        }

        private let pipeline: EventPipeline?
        private let ending: Ending
        private let timeout: Duration
        private let onEnd: (@Sendable (EventStatistics) -> Void)?

        /// - Parameters:
        ///   - pipeline: default: the process's, as ``EventSystem`` has it when the group ends.
        ///   - ending: what becomes of the pipeline.
        ///   - timeout: how long the flush may take. A `ServiceGroupConfiguration` with a `maximumGracefulShutdownDuration` must
        ///     allow for it.
        ///   - onEnd: told of the ledger after the flush, for a last line in a log.
        public init(
            _ pipeline: EventPipeline? = nil, ending: Ending = .shutdown, timeout: Duration = .seconds(2),
            onEnd: (@Sendable (EventStatistics) -> Void)? = nil
        ) {
            self.pipeline = pipeline
            self.ending = ending
            self.timeout = timeout
            self.onEnd = onEnd
        }

        /// Waits for the group's end, then flushes. Called by the group.
        public func run() async {
            do {
                try await gracefulShutdown()
            } catch {
                // Cancelled: the end as well.
            }
            guard let pipeline = pipeline ?? EventSystem.pipeline else { return }
            // In a task of its own, which is not cancelled with this one: a flush cut short would be none.
            await Task {
                switch ending {
                case .shutdown: await pipeline.shutdown(timeout: timeout)
                case .flush: await pipeline.flush(timeout: timeout)
                }
            }.value
            onEnd?(pipeline.statistics)
        }

        /// Its name in the group's own log.
        public var description: String { "EventPipelineService" }
    }
#endif
