#if Tracing
    public import Skein
    import SkeinLogging
    public import Tracing

    /// A span that is a context of Skein: its attributes are fields, its events are records, its end makes an event.
    ///
    /// ```swift
    /// import Tracing
    ///
    /// let tracer = SkeinTracer()
    /// let span = tracer.startSpan("charge", ofKind: .client)
    /// span.attributes["http.response.status_code"] = 200
    /// span.addEvent("retried")                       // a record: charge.log
    /// span.end()
    /// ```
    /// A reference: copies are the same span. Threads: any, at the same time. What is done to it after its end, or while it is not
    /// sampled, is dropped; ends beyond the first are counted (`finishedTwice`), as are attributes that come too late
    /// (`writesAfterClose`).
    public struct SkeinSpan: Span {
        /// The service context to start children with; its span is this one.
        public let context: ServiceContext
        let state: SpanState

        /// The context behind the span, for what only Skein has: sums, timings, privacy, baggage.
        public var skeinContext: Context { state.context }

        /// The name that it was started with, or was given since; as it does not change the event's type, a new one stands as `span.name`.
        public var operationName: String {
            get { state.operationName }
            nonmutating set { state.operationName = newValue }
        }

        /// The attributes, each a field of the event under its own name: dots nest.
        ///
        /// What `span.attributes["x"] = 1` changes is merged, so that threads that set different keys at once lose none.
        public var attributes: SpanAttributes {
            get { state.attributes }
            nonmutating _modify {
                let before = state.attributes
                var after = before
                defer { state.change(before, to: after) }
                yield &after
            }
        }

        /// Whether anything set here will be in an event: it is sampled, and has not ended.
        public var isRecording: Bool { state.context.isRecording }

        /// Stands as `span.status` (`ok`, `error`) and `span.message` in the event. A span that ends with the status `error` ends with
        /// `error: {type, message}`: the error recorded last, else the status's own message.
        public func setStatus(_ status: SpanStatus) { state.set(status) }

        /// Makes a record at the level INFO: the event's name its message, the attributes its data, the event's time its own.
        public func addEvent(_ event: SpanEvent) {
            state.record(
                .info, event.name, nil, event.attributes, at: SpanInstant.seconds(event.nanosecondsSinceEpoch)
            )
        }

        /// Makes a record at the level ERROR, with type and text of the error as its `exception`.
        public func recordError<Instant: TracerInstant>(
            _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
        ) {
            state.note(error)
            state.record(
                .error, String(describing: error), error, attributes,
                at: SpanInstant.seconds(instant().nanosecondsSinceEpoch))
        }

        /// Adds `{trace, span, attributes}` to the array `span.links`. A link to what has no ids of ours keeps its attributes alone.
        public func addLink(_ link: SpanLink) { state.add(link) }

        /// Ends the span: its event is handed over. A second call does nothing, and is counted.
        /// - Parameter instant: when it ended. An instant of now is that of the pipeline's own clock; one before the beginning counts as
        ///   the beginning.
        public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
            state.end(at: SpanInstant.named(instant))
        }
    }
#endif
