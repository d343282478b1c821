#if Tracing
    public import ServiceContextModule
    public import Skein

    /// What a service context carries of ours: a span, a context of Skein's own, or the headers of another process.
    final class SpanPlace: Sendable {
        /// Tells it from all others.
        let serial = TaskBridge.nextSerial()
        /// Nil where the tree is only known from headers.
        let context: Context?
        /// As they were extracted.
        let headers: [String: String]
        let span: SpanState?

        private init(context: Context?, headers: [String: String], span: SpanState?) {
            // A context of no pipeline is none: what comes later may find one.
            self.context = context.flatMap { $0.spanID.isEmpty ? nil : $0 }
            self.headers = headers
            self.span = span
        }

        /// - Parameter headers: of the parent, to be passed on if there is no pipeline.
        convenience init(of span: SpanState, headers: [String: String]) {
            self.init(context: span.context, headers: headers, span: span)
        }

        convenience init(context: Context) { self.init(context: context, headers: [:], span: nil) }

        convenience init(headers: [String: String]) { self.init(context: nil, headers: headers, span: nil) }

        /// Lets Skein find the span that a task is in.
        static func joinTasks() {
            TaskBridge.install {
                guard let place = ServiceContext.current?.skeinPlace else { return nil }
                return TaskBridge.Place(serial: place.serial, context: place.context)
            }
        }
    }

    /// What a span that is started with a service context is a child of.
    enum SpanParent {
        /// The innermost that the task is in; nothing, if it is in nothing.
        case current
        case context(Context)
        case remote([String: String])
        /// A tree of its own.
        case none

        init(in service: ServiceContext) {
            let current = ServiceContext.current?.skeinPlace
            guard let place = service.skeinPlace else {
                // Another one than the task's was given, without a span: the caller wants none above.
                self = current == nil ? .current : .none
                return
            }
            if place === current, place.context != nil || TaskBridge.isInside(place.serial) {
                self = .current
            } else if let context = place.context {
                self = .context(context)
            } else {
                self = place.headers.isEmpty ? .current : .remote(place.headers)
            }
        }

        var headers: [String: String] {
            if case .remote(let headers) = self { headers } else { [:] }
        }
    }

    enum SpanPlaceKey: ServiceContextKey {
        typealias Value = SpanPlace
        static var nameOverride: String? { "skein" }
    }

    extension ServiceContext {
        var skeinPlace: SpanPlace? {
            get { self[SpanPlaceKey.self] }
            set { self[SpanPlaceKey.self] = newValue }
        }

        /// The Skein context that spans started with this are children of: that of a span, or one that was set here. Nil if there is
        /// none, or only the headers of another process.
        ///
        /// ```swift
        /// import ServiceContextModule
        ///
        /// let job = Context.open("job")
        /// var service = ServiceContext.topLevel
        /// service.skeinContext = job          // spans started with it are of the job's tree
        /// job.finish()
        /// ```
        public var skeinContext: Context? {
            get { skeinPlace?.context }
            set {
                guard newValue !== skeinPlace?.context || newValue == nil else { return }
                skeinPlace = newValue.map { SpanPlace(context: $0) }
            }
        }
    }

    extension Context {
        /// The task's service context with this context as its span: for a library that takes one.
        ///
        /// ```swift
        /// import ServiceContextModule
        ///
        /// withContext("request") { context in
        ///     ServiceContext.withValue(context.serviceContext) { /* a library's own spans are below the request */ }
        /// }
        /// ```
        public var serviceContext: ServiceContext {
            var service = ServiceContext.current ?? .topLevel
            service.skeinContext = self
            return service
        }
    }
#endif
