#if SwiftLog
    public import Logging
    import SkeinLogging

    extension Logger.MetadataProvider {
        /// The ids of the current context, as `trace_id` and `span_id`: for handlers that are not Skein's (a console beside it), so that
        /// their lines can be found again among the events. Nothing outside of contexts.
        ///
        /// ```swift
        /// import Logging
        ///
        /// LoggingSystem.bootstrap(StreamLogHandler.standardError, metadataProvider: .skein)
        /// ```
        /// Cost: inside a context two strings and a dictionary for each record.
        public static let skein = Logger.MetadataProvider {
            guard let context = Context.current, !context.spanID.isEmpty else { return [:] }
            return ["trace_id": .string(context.traceID.description), "span_id": .string(context.spanID)]
        }
    }
#endif
