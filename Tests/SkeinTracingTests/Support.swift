#if Tracing
    import Instrumentation
    import Skein
    import SkeinTesting
    import SkeinTracing
    import Tracing

    struct Broken: Error, Equatable {}

    extension TestRecorder {
        var tracer: SkeinTracer { SkeinTracer(pipeline: pipeline) }
    }

    /// A carrier as a server has it: pairs in an order, names in any case.
    struct Headers: Sendable {
        var pairs: [(name: String, value: String)] = []

        subscript(name: String) -> String? {
            pairs.first { $0.name.lowercased() == name }?.value
        }
    }

    struct HeaderInjector: Injector {
        func inject(_ value: String, forKey key: String, into carrier: inout Headers) {
            carrier.pairs.append((key, value))
        }
    }

    struct HeaderExtractor: Extractor {
        func extract(key: String, from carrier: Headers) -> String? { carrier[key] }
    }

    extension SkeinTracer {
        func headers(_ context: ServiceContext) -> Headers {
            var headers = Headers()
            inject(context, into: &headers, using: HeaderInjector())
            return headers
        }

        func context(_ pairs: (String, String)..., into service: ServiceContext = .topLevel) -> ServiceContext
        {
            var service = service
            extract(Headers(pairs: pairs), into: &service, using: HeaderExtractor())
            return service
        }
    }
#endif
