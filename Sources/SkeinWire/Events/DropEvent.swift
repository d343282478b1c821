internal import SkeinBSON
import SkeinPlatform

/// Makes the event that tells downstream of events that were dropped (`Docs/EventDocument.md`).
public enum DropEvent {
    /// The type of the event.
    public static let type = "skein.dropped"

    /// What was dropped.
    public struct Drop: Sendable {
        /// Why.
        public var reason: String
        /// Where: `app`, `collect`, or an outlet's name.
        public var place: String
        /// How many events.
        public var count: UInt64
        /// When the first and the last were, Unix nanoseconds.
        public var since: Int64
        /// When the last was.
        public var until: Int64

        /// A drop by its parts.
        public init(reason: String, place: String, count: UInt64, since: Int64, until: Int64) {
            self.reason = reason
            self.place = place
            self.count = count
            self.since = since
            self.until = until
        }
    }

    /// The event, with an id and a span of its own.
    public static func document(_ drop: Drop, host: String, pid: Int32, service: String?) -> [UInt8] {
        let seconds = UInt64(UInt32(clamping: drop.until / 1_000_000_000))
        let trace = TraceID(
            high: seconds << 32 | KernelRandom.word() & 0xFFFF_FFFF, low: KernelRandom.word() | 1)
        let since = BSONValue.double(Double(drop.since) * 1e-9)
        let until = BSONValue.double(Double(max(drop.since, drop.until)) * 1e-9)
        var event = BSONBuilder()
        event.append("id", .string(trace.description))
        event.append("type", .string(type))
        event.append("host", .string(host))
        event.append("pid", .int32(pid))
        event.append("start", since)
        event.append("end", until)
        event.append(
            "body",
            .document([
                "reason": .string(drop.reason), "where": .string(drop.place),
                "count": .int64(Int64(clamping: drop.count)), "since": since, "until": until,
            ]))
        event.append("span", .string(Hex.string(max(1, KernelRandom.word()))))
        if let service { event.append("service", .string(service)) }
        return event.finish().bytes
    }
}
