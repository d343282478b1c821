#if Tracing
    public import Skein
    public import Tracing

    /// A tracer for swift-distributed-tracing whose spans are contexts of Skein.
    ///
    /// ```swift
    /// import Tracing
    ///
    /// try EventSystem.bootstrap(.init(endpoint: "127.0.0.1:3515", service: "checkout"))
    /// InstrumentationSystem.bootstrap(SkeinTracer())
    ///
    /// withContext("request") { context in                       // Skein's own, with a span inside
    ///     withSpan("db.query", ofKind: .client) { span in       // an event of type request.db.query, the same id
    ///         span.attributes["db.rows"] = 3                    // {db: {rows: 3}}
    ///         Context.current?["cache.hit"] = false             // the same context, by Skein's own name
    ///     }
    /// }
    /// ```
    /// What becomes of a span's parts stands in `Docs/Adapters.md`. A span is the child of the innermost of both worlds: of the span
    /// in the `ServiceContext` that it is given, or of the Skein context opened inside of that; and what is opened inside a span with
    /// `withContext(".x")`, or logged there, is a child of the span.
    ///
    /// Threads: any. Failure: none is thrown; what cannot be kept is dropped and counted, as with any context. Cost: on top of a
    /// context's a few allocations a span; while a tracer exists, each look for the current context also looks into the task's
    /// service context: a task-local read and a dictionary look-up.
    public struct SkeinTracer: Tracer {
        /// What its spans are.
        public typealias Span = SkeinSpan

        let pipeline: EventPipeline?
        let sampling: @Sendable (_ operationName: String, _ kind: SpanKind) -> Sampling
        let type: @Sendable (_ operationName: String, _ kind: SpanKind) -> String

        /// - Parameters:
        ///   - pipeline: where spans without a parent record; default: the pipeline bound to the task, else the process's.
        ///   - sampling: which share of the spans is recorded; default: all. A parent that is not sampled silences its children, and
        ///     the flag that came from another process wins, as with contexts.
        ///   - type: the type of a span's event, to which its parent's is prefixed; default: ``type(of:_:)``. Names that hold ids
        ///     (`GET /users/17`) should become a few fixed ones here: a pipeline knows 4,096 types, and each is a file of its own.
        public init(
            pipeline: EventPipeline? = nil,
            sampling: @escaping @Sendable (_ operationName: String, _ kind: SpanKind) -> Sampling = { _, _ in
                .always
            },
            type: @escaping @Sendable (_ operationName: String, _ kind: SpanKind) -> String = {
                Self.type(of: $0, $1)
            }
        ) {
            self.pipeline = pipeline
            self.sampling = sampling
            self.type = type
            SpanPlace.joinTasks()
        }

        /// The type that an operation's name makes: dots divide it as they stand; `/` and control characters become `_`; dots and
        /// carets at its head are left out; what is longer than 200 bytes is cut. `GET /users` is `GET _users`.
        public static func type(of operationName: String, _ kind: SpanKind) -> String {
            SpanType.cleaned(operationName)
        }

        /// Opens a span, which must be ended by hand; `withSpan` does both.
        ///
        /// - Parameters:
        ///   - operationName: becomes the type of its event, and stands as `span.name` in it where the two differ.
        ///   - context: whose span is the parent. One without a span of ours: the Skein context around the call, if any.
        ///   - kind: stands as `span.kind` in the event, unless it is `.internal`.
        ///   - instant: when it began. An instant of now is that of the pipeline's own clock.
        public func startSpan<Instant: TracerInstant>(
            _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
            at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
        ) -> SkeinSpan {
            var service = context()
            let parent = SpanParent(in: service)
            let type = SpanType.cleaned(type(operationName, kind))
            let opened = open(type, below: parent, sampling(operationName, kind))
            if opened.isRecording {
                if let start = SpanInstant.named(instant) { opened.begin(at: start) }
                if let kind = kind.field { opened["span.kind"] = kind }
                if type != operationName { opened["span.name"] = operationName }
            }
            let state = SpanState(opened, operationName)
            service.skeinPlace = SpanPlace(of: state, headers: parent.headers)
            return SkeinSpan(context: service, state: state)
        }

        private func open(_ type: String, below parent: SpanParent, _ sample: Sampling) -> Context {
            switch parent {
            case .current: return .open(dynamic: "." + type, sample: sample, pipeline: pipeline)
            case .context(let context): return context.openChild(dynamic: "." + type, sample: sample)
            case .remote(let headers):
                return .open(dynamic: type, continuing: headers, sample: sample, pipeline: pipeline)
            case .none: return .open(dynamic: type, sample: sample, pipeline: pipeline)
            }
        }

        /// The span that a service context carries, while it records.
        public func activeSpan(identifiedBy context: ServiceContext) -> SkeinSpan? {
            guard let state = context.skeinPlace?.span, state.context.isRecording else { return nil }
            return SkeinSpan(context: context, state: state)
        }

        /// Has what has ended shipped now. Outside of tasks it waits until that is acknowledged, at most 2 s; inside one it does not
        /// wait: there use `EventPipeline.flush(timeout:)`.
        public func forceFlush() {
            guard let pipeline = pipeline ?? EventSystem.pipeline else { return }
            if withUnsafeCurrentTask(body: { $0 != nil }) {
                Task.detached { await pipeline.flush(timeout: .seconds(2)) }
            } else {
                pipeline.flushBlocking(timeout: .seconds(2))
            }
        }
    }
#endif
