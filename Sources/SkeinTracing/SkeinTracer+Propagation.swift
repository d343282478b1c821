#if Tracing
    public import Instrumentation
    import Skein
    public import Tracing

    extension SkeinTracer {
        /// The headers that carry a tree, as W3C names them.
        static let headers = ["traceparent", "tracestate", "baggage"]

        /// Reads `traceparent`, `tracestate` and `baggage` out of a carrier: a span that is started with the context continues that tree.
        /// A carrier without any of them leaves the context as it is; what is malformed is counted when a span is started, which then
        /// begins a tree.
        public func extract<Carrier, Extract: Extractor>(
            _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
        ) where Extract.Carrier == Carrier {
            var found: [String: String] = [:]
            for header in Self.headers { found[header] = extractor.extract(key: header, from: carrier) }
            guard found["traceparent"] != nil || found["baggage"] != nil else { return }
            context.skeinPlace = SpanPlace(headers: found)
        }

        /// Writes `traceparent`, and `tracestate` and `baggage` where there is any, into a carrier: those of the context's span, else of the
        /// Skein context around the call. What was extracted, with no span started since, is passed on as it came.
        public func inject<Carrier, Inject: Injector>(
            _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
        ) where Inject.Carrier == Carrier {
            var told: [String: String] = [:]
            switch SpanParent(in: context) {
            case .current: Context.current?.inject(into: &told)
            case .context(let context): context.inject(into: &told)
            case .remote(let headers): told = Self.passedOn(headers)
            case .none: break
            }
            for header in Self.headers {
                if let value = told[header] { injector.inject(value, forKey: header, into: &carrier) }
            }
        }

        /// What is not understood is not passed on.
        private static func passedOn(_ headers: [String: String]) -> [String: String] {
            var headers = headers
            if headers["traceparent"].flatMap({ TraceParent($0) }) == nil {
                headers["traceparent"] = nil
                headers["tracestate"] = nil
            }
            if let text = headers["baggage"], Baggage.parse(text).baggage.isEmpty { headers["baggage"] = nil }
            return headers
        }
    }
#endif
