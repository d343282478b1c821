#if SwiftLog
    import Logging
    import SkeinLogging

    /// The metadata of a record in the order in which it counts; put together when somebody reads it.
    struct SwiftLogMetadata: LogMetadataSource {
        let own: Logger.Metadata
        let provided: Logger.Metadata
        let ofCall: Logger.Metadata

        var isEmpty: Bool { own.isEmpty && provided.isEmpty && ofCall.isEmpty }

        /// Sorted by key: equal metadata makes equal events.
        func visit(_ body: (_ key: String, _ value: any FieldValue & Sendable) -> Void) {
            var merged = own.isEmpty ? provided : own
            if !own.isEmpty, !provided.isEmpty { merged.merge(provided) { $1 } }
            if merged.isEmpty { merged = ofCall } else { merged.merge(ofCall) { $1 } }
            for (key, value) in merged.sorted(by: { $0.key < $1.key }) { body(key, value.fieldValue) }
        }
    }

    extension Logger.MetadataValue {
        /// Documents and arrays inside each other, at most: as deep as the body of an event may be.
        private static let maximumDepth = 32

        /// The value with the type it has.
        var fieldValue: any FieldValue & Sendable {
            switch self {
            case .string(let text): text
            case .stringConvertible, .dictionary, .array: bsonValue(depth: 1)
            }
        }

        private func bsonValue(depth: Int) -> BSONValue {
            switch self {
            case .string(let text): return .string(text)
            case .stringConvertible(let value):
                return (value as? any FieldValue)?.bsonValue ?? .string(value.description)
            case .dictionary(let values):
                guard depth < Self.maximumDepth else { return .string("…") }
                return .document(
                    BSONDocument(
                        values.sorted { $0.key < $1.key }.map {
                            ($0.key, $0.value.bsonValue(depth: depth + 1))
                        }))
            case .array(let values):
                guard depth < Self.maximumDepth else { return .string("…") }
                return .array(.array(values.map { $0.bsonValue(depth: depth + 1) }))
            }
        }
    }
#endif
