#if Tracing
    import Skein
    import SkeinLogging
    import SkeinPlatform
    import Tracing

    /// What all copies of a span share.
    final class SpanState: Sendable {
        private struct Contents {
            var operationName: String
            var attributes = SpanAttributes()
            var status: SpanStatus? = nil
            var error: (any Error)? = nil
        }

        let context: Context
        private let contents: Monitor<Contents>

        init(_ context: Context, _ operationName: String) {
            self.context = context
            contents = Monitor(Contents(operationName: operationName))
        }

        var operationName: String {
            get { contents.withLock { $0.operationName } }
            set {
                guard context.isRecording else { return }
                contents.withLock {
                    $0.operationName = newValue
                    context["span.name"] = newValue
                }
            }
        }

        var attributes: SpanAttributes { contents.withLock { $0.attributes } }

        /// Sets what differs between the two, and leaves the rest as others may have set it meanwhile.
        func change(_ before: SpanAttributes, to after: SpanAttributes) {
            guard context.isSampled else { return }
            var changes: [(key: String, attribute: SpanAttribute?, value: BSONValue?)] = []
            for (key, attribute) in after.sorted where before.get(key) != attribute {
                // Formatted here, since it may be the app's code that does it, and that must not hold a lock of ours.
                changes.append((key, attribute, attribute.bsonValue))
            }
            for (key, _) in before.sorted where after.get(key) == nil { changes.append((key, nil, nil)) }
            guard !changes.isEmpty else { return }
            contents.withLock { contents in
                for (key, attribute, value) in changes {
                    if context.isRecording { contents.attributes.set(key, value: attribute) }
                    context.set(dynamic: key, value)
                }
            }
        }

        func set(_ status: SpanStatus) {
            guard context.isRecording else { return }
            contents.withLock {
                $0.status = status
                context["span.status"] = status.code == .ok ? "ok" : "error"
                context["span.message"] = status.message
            }
        }

        func note(_ error: any Error) {
            guard context.isRecording else { return }
            contents.withLock { $0.error = error }
        }

        func record(
            _ level: LogLevel, _ message: String, _ error: (any Error)?, _ attributes: SpanAttributes,
            at seconds: Double
        ) {
            guard context.isRecording, LogSystem.takes(level) else { return }
            var record = LogRecord(
                level: level, LogMessage(message), logger: operationName,
                metadata: attributes.isEmpty ? nil : AttributeMetadata(attributes: attributes), error: error,
                file: "", fileID: "", function: "", line: 0)
            record.origin = RecordOrigin(in: context, at: seconds)
            LogSystem.handle(record)
        }

        func add(_ link: SpanLink) {
            guard context.isRecording else { return }
            var document = BSONDocument()
            if let (trace, span) = link.context.skeinPlace?.ids {
                document.append("trace", .string(trace))
                document.append("span", .string(span))
            }
            if !link.attributes.isEmpty {
                document.append(
                    "attributes", .document(AttributeMetadata(attributes: link.attributes).document))
            }
            if !document.isEmpty { context.append("span.links", document) }
        }

        func end(at seconds: Double?) {
            if let seconds, context.isRecording { context.end(at: seconds) }
            let (status, error) = contents.withLock { ($0.status, $0.error) }
            guard let status, status.code == .error else { return context.finish() }
            context.finish(throwing: error ?? SpanFailure(message: status.message))
        }
    }

    /// Why a span ended with the status `error`, if nobody recorded an error.
    struct SpanFailure: Error, CustomStringConvertible {
        let message: String?
        var description: String { message ?? "the span's status is error" }
    }

    extension SpanPlace {
        /// Trace and span id in hex; nil if neither is known.
        var ids: (trace: String, span: String)? {
            if let context { return (context.traceID.description, context.spanID) }
            guard let parent = headers["traceparent"].flatMap({ TraceParent($0) }) else { return nil }
            // 00-<trace>-<span>-<flags>
            let parts = parent.description.split(separator: "-")
            return (String(parts[1]), String(parts[2]))
        }
    }
#endif
