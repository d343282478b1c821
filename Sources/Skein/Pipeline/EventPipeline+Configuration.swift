internal import SkeinPlatform
internal import SkeinShipping
public import SkeinWire

/// A configuration that cannot be: which key, what it said, what is accepted.
public struct EventConfigurationError: Error, Sendable, CustomStringConvertible {
    /// What is wrong; grows without breaking a `switch` that has a default.
    public struct Code: Sendable, Hashable {
        let name: String
        /// A value is not of the accepted form or range.
        public static let invalidValue = Code(name: "invalidValue")
        /// The spool folder cannot be used.
        public static let spool = Code(name: "spool")
        /// There is a process-wide pipeline already.
        public static let alreadyBootstrapped = Code(name: "alreadyBootstrapped")
        /// The system refused a resource (thread, memory, socket).
        public static let resources = Code(name: "resources")
    }

    /// What is wrong, for a program to branch on.
    public let code: Code
    /// The same for a person: the key, what it said, what is accepted.
    public let message: String
    public var description: String { message }
}

extension EventPipeline {
    /// What a pipeline needs to know. Every value has a default; ``EventPipeline/init(_:)`` checks them once.
    ///
    /// ```swift
    /// var configuration = EventPipeline.Configuration(endpoint: "collector:3515", service: "checkout")
    /// configuration.journalBytes = 128 << 20
    /// ```
    public struct Configuration: Sendable {
        /// Where events go: `host:port`, `tcp://host:port`, `deliver://host:port`, `push://host:port`, `file:///path`.
        public var endpoint: String
        /// The name of this service in its events. Default: none.
        public var service: String?
        /// A folder for the journal, so that what has closed survives the death of the process. Default: memory only.
        public var spool: String?
        /// Another recorder instead of shipping to `endpoint`.
        public var recorder: (any EventRecorder)?
        /// How much may wait to be acknowledged, in bytes, 4 MiB to 64 GiB. What closes beyond that is dropped and counted.
        public var journalBytes = 256 << 20
        /// Size of one segment of the journal, in bytes, 2 MiB to 1 GiB.
        public var segmentBytes = 4 << 20
        /// Shards of the journal, 1 to 64. Default: one a core, at most 16.
        public var shards: Int
        /// Slots for open contexts, 0 to 65,536, of 4 KiB each.
        public var openContextSlots = 1_024
        /// Heap memory for open contexts that outgrow their slot, in bytes.
        public var openContextBytes = 64 << 20
        /// Types whose contexts hold the detail below them back, unless they say otherwise: whole dotted names.
        public var keep: [String: Keep] = [:]
        /// Memory for what is held back, all trees together, in bytes, 64 KiB to 16 GiB; in the spool's folder if there is one.
        /// Taken when something is first held.
        public var heldBytes = 32 << 20
        /// Whether an error here lets go what other services still hold of the same id, and theirs what is held here; through the
        /// collector's live stream, with an event of type `skein.release` for each tree that was let go. Default: no.
        public var releaseAcrossServices = false
        /// Where to hear of the others: `tcp://host:port` of the collector's control port, or `stream://host:port` of its live
        /// stream itself. Default: port 3513 of the endpoint's host.
        public var releaseEndpoint: String?
        /// Limits of an event.
        public var limits = EventLimits()
        /// The host's name in events. Default: the machine's.
        public var host: String?
        /// Another clock; for tests.
        public var clock: (any EventClock)?
        /// Another source of ids; for tests.
        public var ids: (any EventIDSource)?
        /// Told of what an operator should know (a peer that refuses, an endpoint of the wrong kind), at most once a second.
        /// Default: a line on standard error.
        public var onWarning: @Sendable (String) -> Void = { StandardError.writeLine("skein: \($0)") }

        /// Ships to an endpoint.
        public init(
            endpoint: String = "tcp://127.0.0.1:3515", service: String? = nil, spool: String? = nil
        ) {
            self.endpoint = endpoint
            self.service = service
            self.spool = spool
            shards = Self.defaultShards
        }

        /// Hands events to a recorder.
        public init(recorder: any EventRecorder, service: String? = nil) {
            self.init(service: service)
            self.recorder = recorder
        }

        static let defaultShards = max(1, min(16, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))

        /// Defaults overridden by `SKEIN_ENDPOINT`, `SKEIN_SERVICE`, `SKEIN_SPOOL`, `SKEIN_JOURNAL_BYTES`,
        /// `SKEIN_SEGMENT_BYTES`, `SKEIN_SHARDS`, `SKEIN_SLOTS`, `SKEIN_OPEN_CONTEXT_BYTES`, `SKEIN_HOST`,
        /// `SKEIN_LIMIT_VALUE_BYTES`, `SKEIN_LIMIT_FIELDS`, `SKEIN_LIMIT_DEPTH`, `SKEIN_LIMIT_KEY_BYTES`,
        /// `SKEIN_LIMIT_EVENT_BYTES`, `SKEIN_HELD_BYTES`, `SKEIN_RELEASE_ACROSS_SERVICES` (1 or 0), `SKEIN_RELEASE_ENDPOINT`.
        /// - Throws: ``EventConfigurationError`` that names the variable, if a number is none.
        public static func fromEnvironment() throws(EventConfigurationError) -> Configuration {
            try from(ProcessEnvironment.variables(prefix: "SKEIN_"))
        }

        /// As ``fromEnvironment()``, from variables that are given.
        public static func from(_ variables: [String: String]) throws(EventConfigurationError)
            -> Configuration
        {
            var configuration = Configuration()
            func number(_ name: String, _ assign: (Int) -> Void) throws(EventConfigurationError) {
                guard let text = variables[name] else { return }
                guard let value = Int(text) else {
                    throw EventConfigurationError(
                        code: .invalidValue, message: "\(name) is \"\(text)\": a whole number is needed")
                }
                assign(value)
            }
            if let value = variables["SKEIN_ENDPOINT"] { configuration.endpoint = value }
            if let value = variables["SKEIN_SERVICE"] { configuration.service = value }
            if let value = variables["SKEIN_SPOOL"], !value.isEmpty { configuration.spool = value }
            if let value = variables["SKEIN_HOST"] { configuration.host = value }
            try number("SKEIN_JOURNAL_BYTES") { configuration.journalBytes = $0 }
            try number("SKEIN_SEGMENT_BYTES") { configuration.segmentBytes = $0 }
            try number("SKEIN_SHARDS") { configuration.shards = $0 }
            try number("SKEIN_SLOTS") { configuration.openContextSlots = $0 }
            try number("SKEIN_OPEN_CONTEXT_BYTES") { configuration.openContextBytes = $0 }
            try number("SKEIN_LIMIT_VALUE_BYTES") { configuration.limits.valueBytes = $0 }
            try number("SKEIN_LIMIT_FIELDS") { configuration.limits.fields = $0 }
            try number("SKEIN_LIMIT_DEPTH") { configuration.limits.depth = $0 }
            try number("SKEIN_LIMIT_KEY_BYTES") { configuration.limits.keyBytes = $0 }
            try number("SKEIN_LIMIT_EVENT_BYTES") { configuration.limits.eventBytes = $0 }
            try number("SKEIN_HELD_BYTES") { configuration.heldBytes = $0 }
            try number("SKEIN_RELEASE_ACROSS_SERVICES") { configuration.releaseAcrossServices = $0 != 0 }
            if let value = variables["SKEIN_RELEASE_ENDPOINT"] { configuration.releaseEndpoint = value }
            try configuration.check()
            return configuration
        }

        func check() throws(EventConfigurationError) {
            func range(_ key: String, _ value: Int, _ accepted: ClosedRange<Int>)
                throws(EventConfigurationError)
            {
                guard accepted.contains(value) else {
                    throw EventConfigurationError(
                        code: .invalidValue,
                        message:
                            "\(key) is \(value): \(accepted.lowerBound) to \(accepted.upperBound) is accepted"
                    )
                }
            }
            try range("shards", shards, 1...64)
            try range("segmentBytes", segmentBytes, (2 << 20)...(1 << 30))
            try range("journalBytes", journalBytes, (4 << 20)...(64 << 30))
            try range("openContextSlots", openContextSlots, 0...65_536)
            try range("openContextBytes", openContextBytes, 0...(64 << 30))
            try range("limits.valueBytes", limits.valueBytes, 16...(16 << 20))
            try range("limits.fields", limits.fields, 1...65_536)
            try range("limits.depth", limits.depth, 1...100)
            try range("limits.keyBytes", limits.keyBytes, 1...4_096)
            try range("limits.eventBytes", limits.eventBytes, 4_096...(16 << 20))
            try range("heldBytes", heldBytes, (64 << 10)...(16 << 30))
            guard journalBytes >= (shards + 1) * segmentBytes else {
                throw EventConfigurationError(
                    code: .invalidValue,
                    message:
                        "journalBytes is \(journalBytes): one segment a shard and one to spare are needed, "
                        + "\((shards + 1) * segmentBytes) with \(shards) shards and segmentBytes of \(segmentBytes)"
                )
            }
            guard limits.eventBytes <= segmentBytes - (8 << 10) else {
                throw EventConfigurationError(
                    code: .invalidValue,
                    message:
                        "limits.eventBytes is \(limits.eventBytes): an event must fit a segment (segmentBytes is "
                        + "\(segmentBytes), less 8 KiB)")
            }
            if let spool, spool.isEmpty {
                throw EventConfigurationError(
                    code: .invalidValue,
                    message: "spool is empty: a folder is needed, or none for memory only")
            }
            for (key, value) in [("service", service), ("host", host)] {
                guard let value else { continue }
                guard !value.isEmpty, value.utf8.count <= 255, !value.utf8.contains(0) else {
                    throw EventConfigurationError(
                        code: .invalidValue,
                        message:
                            "\(key) is \"\(value.prefix(64))\": 1 to 255 bytes without a NUL are accepted")
                }
            }
        }

        func makeRecorder() throws(EventConfigurationError) -> any EventRecorder {
            if let recorder { return recorder }
            return try ShippingRecorder(self)
        }
    }
}
