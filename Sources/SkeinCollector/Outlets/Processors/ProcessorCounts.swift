import SkeinBSON
import SkeinPlatform

/// What STATUS tells of a processor beyond what every outlet has, as it is at the moment. Any thread.
final class ProcessorCounts: Sendable {
    struct Values: Sendable {
        var processID: Int32?
        var starts: UInt64 = 0
        var exits: UInt64 = 0
        var timeouts: UInt64 = 0
        var garbage: UInt64 = 0
        var floods: UInt64 = 0
        var again: UInt64 = 0
        /// Since when it has what it has now, monotonic nanoseconds.
        var busySince: Int64?
        var throttledNanoseconds: Int64 = 0
        var logLines: UInt64 = 0
        var logLinesLeftOut: UInt64 = 0
        var lastEnd: String?
        var unasked: UInt64 = 0
        /// What it says keeps it from getting on.
        var complaint: String?
    }

    private let values = Monitor(Values())

    var current: Values { values.withLock { $0 } }

    func change(_ body: (inout Values) -> Void) { values.withLock { body(&$0) } }

    var document: BSONDocument {
        let values = current
        func number(_ count: UInt64) -> BSONValue { .int64(Int64(clamping: count)) }
        let busy = values.busySince.map { (SystemClock.monotonicNanoseconds() - $0) / 1_000_000 } ?? 0
        return [
            "pid": values.processID.map { .int32($0) } ?? .null, "starts": number(values.starts),
            "exits": number(values.exits), "timeouts": number(values.timeouts),
            "garbage": number(values.garbage), "floods": number(values.floods),
            "again": number(values.again), "busy_ms": .int64(max(0, busy)),
            "throttled_ms": .int64(values.throttledNanoseconds / 1_000_000),
            "log_lines": number(values.logLines),
            "log_lines_left_out": number(values.logLinesLeftOut),
            "last_end": values.lastEnd.map { .string($0) } ?? .null,
        ]
    }
}
