internal import SkeinBSON
import SkeinPlatform

/// Makes the event that tells of a process which ended without closing its journal (`Docs/EventDocument.md`).
public enum ProcessEvent {
    /// The type of the event.
    public static let type = "skein.process"

    /// What is known of the process.
    public struct Process: Sendable {
        /// Its process id.
        public var pid: UInt32
        /// The machine that it ran on.
        public var host: String
        /// The service that it was; nil if it had no name.
        public var service: String?
        /// When it opened its journal, Unix nanoseconds.
        public var opened: Int64
        /// When it was last known to live, Unix nanoseconds.
        public var lastSignOfLife: Int64
        /// What it counted.
        public var ledger: ProcessLedger
        /// How many of its contexts were open.
        public var openContexts: Int

        /// A process by what is known of it.
        public init(
            pid: UInt32, host: String, service: String?, opened: Int64, lastSignOfLife: Int64,
            ledger: ProcessLedger, openContexts: Int
        ) {
            self.pid = pid
            self.host = host
            self.service = service
            self.opened = opened
            self.lastSignOfLife = lastSignOfLife
            self.ledger = ledger
            self.openContexts = openContexts
        }
    }

    /// The event, with an id and a span of its own.
    public static func document(_ process: Process) -> [UInt8] {
        let start = Double(process.opened) * 1e-9
        let end = max(start, Double(process.lastSignOfLife) * 1e-9)
        let seconds = UInt64(UInt32(clamping: process.opened / 1_000_000_000))
        let trace = TraceID(
            high: seconds << 32 | KernelRandom.word() & 0xFFFF_FFFF, low: KernelRandom.word() | 1)
        func number(_ count: UInt64) -> BSONValue { .int64(Int64(clamping: count)) }

        var body = BSONBuilder()
        body.append("pid", .int64(Int64(process.pid)))
        if let service = process.service { body.append("service", .string(service)) }
        body.append("clean", .bool(false))
        body.append("opened", .double(start))
        body.append("last_sign", .double(end))
        body.append("open_contexts", .int64(Int64(process.openContexts)))
        body.append("created", number(process.ledger.created))
        body.append("acknowledged", number(process.ledger.acknowledged))
        body.append("dropped", .document(counts(process.ledger.dropped)))
        body.append("counters", .document(counts(process.ledger.others)))

        var builder = BSONBuilder()
        builder.append("id", .string(trace.description))
        builder.append("type", .string(type))
        builder.append("host", .string(process.host))
        builder.append("pid", .int32(Int32(bitPattern: process.pid)))
        builder.append("start", .double(start))
        builder.append("end", .double(end))
        builder.append("body", .document(body.finish()))
        builder.append("span", .string(Hex.string(KernelRandom.word() | 1)))
        if let service = process.service { builder.append("service", .string(service)) }
        return builder.finish().bytes
    }

    private static func counts(_ counts: [String: UInt64]) -> BSONDocument {
        var document = BSONDocument()
        for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
            document.append(name, .int64(Int64(clamping: count)))
        }
        return document
    }
}
