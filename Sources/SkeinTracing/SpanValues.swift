#if Tracing
    import Skein
    import SkeinLogging
    import Tracing

    // How the parts of a span are spelled in Skein.

    enum SpanType {
        /// See ``SkeinTracer/type(of:_:)``.
        static func cleaned(_ name: String) -> String {
            var cleaned = ""
            for scalar in name.unicodeScalars {
                if cleaned.isEmpty, scalar == "." || scalar == "^" { continue }
                let isAllowed = scalar.value >= 0x20 && scalar.value != 0x7F && scalar != "/"
                let length = cleaned.utf8.count + UTF8.width(scalar)
                guard length <= EventLimits.typeBytes else { break }
                cleaned.unicodeScalars.append(isAllowed ? scalar : "_")
            }
            return cleaned.isEmpty ? "_" : cleaned
        }
    }

    enum SpanInstant {
        static func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) * 1e-9 }

        /// An instant in Unix seconds; nil if it is now, which the pipeline's own clock knows better.
        static func named<Instant: TracerInstant>(_ instant: () -> Instant) -> Double? {
            guard Instant.self == DefaultTracerClock.Timestamp.self else {
                return seconds(instant().nanosecondsSinceEpoch)
            }
            let before = DefaultTracerClock.now.nanosecondsSinceEpoch
            let given = instant().nanosecondsSinceEpoch
            let isNow = given >= before && given <= DefaultTracerClock.now.nanosecondsSinceEpoch
            return isNow ? nil : seconds(given)
        }
    }

    extension SpanKind {
        var field: String? {
            switch self {
            case .server: "server"
            case .client: "client"
            case .producer: "producer"
            case .consumer: "consumer"
            case .internal: nil
            }
        }
    }

    extension SpanAttribute {
        /// Nil for what is no value.
        var bsonValue: BSONValue? {
            switch self {
            case .int32(let value): .int32(value)
            case .int64(let value): .int64(value)
            case .double(let value): .double(value)
            case .bool(let value): .bool(value)
            case .string(let value): .string(value)
            case .int32Array(let values): .array(.array(values.map { .int32($0) }))
            case .int64Array(let values): .array(.array(values.map { .int64($0) }))
            case .doubleArray(let values): .array(.array(values.map { .double($0) }))
            case .boolArray(let values): .array(.array(values.map { .bool($0) }))
            case .stringArray(let values): .array(.array(values.map { .string($0) }))
            case .stringConvertible(let value): Self.typed(value)
            case .stringConvertibleArray(let values): .array(.array(values.map { Self.typed($0) }))
            default: nil
            }
        }

        /// What can be a field keeps its type; the rest says what it is.
        private static func typed(_ value: any CustomStringConvertible) -> BSONValue {
            (value as? any FieldValue)?.bsonValue ?? .string(value.description)
        }
    }

    /// Attributes as the metadata of a record.
    struct AttributeMetadata: LogMetadataSource {
        let attributes: SpanAttributes

        func visit(_ body: (_ key: String, _ value: any FieldValue & Sendable) -> Void) {
            for (key, attribute) in attributes.sorted {
                if let value = attribute.bsonValue { body(key, value) }
            }
        }
    }

    extension SpanAttributes {
        /// All of them, by name: equal attributes make equal events.
        var sorted: [(key: String, attribute: SpanAttribute)] {
            var pairs: [(key: String, attribute: SpanAttribute)] = []
            // swift-format-ignore: ReplaceForEachWithForLoop
            forEach { pairs.append((key: $0, attribute: $1)) }  // no sequence
            return pairs.sorted { $0.key < $1.key }
        }
    }
#endif
