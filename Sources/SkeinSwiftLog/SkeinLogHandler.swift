#if SwiftLog
    public import Logging
    public import SkeinLogging
    import SkeinPlatform

    /// A handler for swift-log whose records are those of SkeinLogging: they become events of the current context, or go wherever
    /// its handlers lead.
    ///
    /// ```swift
    /// import Logging
    ///
    /// LoggingSystem.bootstrap(SkeinLogHandler.init(label:))       // all that is needed
    ///
    /// var logger = Logger(label: "shop.cart")
    /// logger[metadataKey: "user.id"] = "17"
    /// withContext("request") { _ in
    ///     logger.info("put in cart", metadata: ["items": .stringConvertible(3)])      // an event of type request.log
    /// }
    /// ```
    /// A record goes to ``LogSystem``, so that `withLogHandler`, `LogSystem.bootstrap(_:)` and their handlers (`BurstHandler`,
    /// `ZeroMQHandler`, files, several at once) apply to it; or to one handler alone, if one is given. The logger's level is asked
    /// first, then the handlers': hold debug detail back with a logger at `.debug` and a `BurstHandler`.
    ///
    /// Metadata stands in the record's `data`: that of the handler, over it what the provider says, over it that of the call. Values keep
    /// their types as far as swift-log has any: dictionaries become documents, arrays arrays, and a `.stringConvertible` of which Skein
    /// knows the type (numbers, truth values, durations, with SkeinFoundation dates and UUIDs) that type. They are read when the record is
    /// let go. `source` is the module, `file` what swift-log has (`Module/File.swift`), an `error:` the exception.
    ///
    /// A value: a copy's level and metadata are its own. Threads: any. Cost: that of
    /// SkeinLogging's handlers, what swift-log itself takes, and a sort of the metadata's keys. What is logged while a record is being handled, or by a metadata provider, does not come back in
    /// (``LogSystem/fallback``).
    public struct SkeinLogHandler: LogHandler {
        /// The lowest level that the logger lets out. `.info` unless said otherwise, as with swift-log's own handlers.
        public var logLevel: Logger.Level
        /// What every record carries.
        public var metadata: Logger.Metadata = [:]
        /// Asked for each record.
        public var metadataProvider: Logger.MetadataProvider?

        private let label: String
        private let handler: (any LogRecordHandler)?

        /// With all defaults, for `LoggingSystem.bootstrap(SkeinLogHandler.init(label:))`.
        /// - Parameter label: the logger's; stands as `name` in the record.
        public init(label: String) {
            self.init(label: label, level: .info)
        }

        /// For `LoggingSystem.bootstrap(SkeinLogHandler.init(label:metadataProvider:), metadataProvider: …)`.
        public init(label: String, metadataProvider: Logger.MetadataProvider?) {
            self.init(label: label, level: .info, metadataProvider: metadataProvider)
        }

        /// - Parameters:
        ///   - level: the lowest level that the logger lets out.
        ///   - handler: where its records go; default: where the task and the process say (``LogSystem``).
        ///   - metadataProvider: asked for each record.
        public init(
            label: String, level: Logger.Level, handler: (any LogRecordHandler)? = nil,
            metadataProvider: Logger.MetadataProvider? = nil
        ) {
            self.label = label
            self.handler = handler
            self.metadataProvider = metadataProvider
            logLevel = level
        }

        /// Reads or sets one key of ``metadata``.
        public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        /// Makes a record of it. Called by the logger.
        public func log(event: LogEvent) {
            let level = LogLevel(event.level)
            guard handler.map({ level >= $0.level }) ?? LogSystem.takes(level) else { return }
            var record = LogRecord(
                level: level, LogMessage(event.message.description), logger: label, error: event.error,
                file: event.file, module: event.source, function: event.function, line: Int(event.line))
            let metadata = SwiftLogMetadata(own: metadata, provided: provided, ofCall: event.metadata ?? [:])
            if !metadata.isEmpty { record.metadata = metadata }
            guard let handler else {
                LogSystem.handle(record)
                return
            }
            LogSystem.handle(record, with: handler)
        }

        /// What the provider says. What it logs itself would ask it again, without end: that is kept out like what handlers log.
        private var provided: Logger.Metadata {
            guard let metadataProvider else { return [:] }
            let activity = CurrentThread.activityPlace
            guard activity.pointee == .ordinary else { return [:] }
            activity.pointee = .handlingRecord
            defer { activity.pointee = .ordinary }
            return metadataProvider.get()
        }
    }

    extension LogLevel {
        /// The level of the same name.
        ///
        /// ```swift
        /// import Logging
        ///
        /// assert(LogLevel(Logger.Level.notice) == .notice)
        /// ```
        public init(_ level: Logger.Level) {
            switch level {
            case .trace: self = .trace
            case .debug: self = .debug
            case .info: self = .info
            case .notice: self = .notice
            case .warning: self = .warning
            case .error: self = .error
            case .critical: self = .critical
            }
        }
    }
#endif
