import SkeinBSON
import SkeinPlatform
import SkeinWire

/// What STATUS tells of the events that came: when the last was, of each host and of each type. For one thread.
///
/// About 15 ns an event. Bounded: what a stranger sends beyond 10,000 types or hosts is added up under `_other`.
final class EventStatistics {
    private struct Row {
        var count: UInt64 = 0
        /// The greatest `end`, Unix seconds; NaN before one came.
        var last = Double.nan
    }

    private static let maximumRows = 10_000

    /// Rows by name, in memory of their own, so that the loop over events pays for no checks of arrays and classes.
    private final class Table {
        let names = ByteInterner()
        private let rows = UnsafeMutablePointer<Row>.allocate(capacity: EventStatistics.maximumRows + 1)

        init() {
            rows.initialize(repeating: Row(), count: EventStatistics.maximumRows + 1)
        }

        deinit { rows.deallocate() }

        @inline(__always)
        func count(_ name: UnsafeRawBufferPointer, _ time: Double) {
            var index = names.find(name)
            if index < 0 { index = add(name) }
            let row = rows + index
            row.pointee.count &+= 1
            if !(time <= row.pointee.last) { row.pointee.last = time }
        }

        /// The row of a new name; the last one is for all that find no room.
        @inline(never)
        private func add(_ name: UnsafeRawBufferPointer) -> Int {
            guard names.count < EventStatistics.maximumRows, name.count <= 255 else {
                return EventStatistics.maximumRows
            }
            return names.intern(name)
        }

        func document(withCount: Bool) -> BSONDocument {
            var builder = BSONBuilder(capacity: 64 + names.count * 48)
            func append(_ name: String, _ row: Row) {
                builder.appendDocument(name) { inner in
                    if row.last.isNaN {
                        inner.appendNull("last")
                    } else {
                        inner.append("last", double: row.last)
                    }
                    if withCount { inner.append("count", int64: Int64(bitPattern: row.count)) }
                }
            }
            for index in 0..<names.count { append(names.string(index), rows[index]) }
            if rows[EventStatistics.maximumRows].count > 0 {
                append("_other", rows[EventStatistics.maximumRows])
            }
            return builder.finish()
        }
    }

    private let types = Table()
    private let hosts = Table()
    /// When the last event arrived, Unix nanoseconds.
    private(set) var lastArrival: Int64?
    private(set) var lastTime: Double?

    /// Counts an event that was taken.
    @inline(__always)
    func note(_ envelope: borrowing EventEnvelope, _ document: UnsafeRawBufferPointer, arrival: Int64) {
        let time = envelope.time ?? Double(arrival) * 1e-9
        types.count(envelope.type.bytes(in: document), time)
        if envelope.host.isPresent { hosts.count(envelope.host.bytes(in: document), time) }
    }

    /// Notes the last event of a batch.
    func noteLast(_ envelope: borrowing EventEnvelope, arrival: Int64) {
        lastArrival = arrival
        lastTime = envelope.time ?? Double(arrival) * 1e-9
    }

    /// `{host: {last}}`, as Ziggy has it.
    var hostsDocument: BSONDocument { hosts.document(withCount: false) }

    /// `{type: {last, count}}`.
    var typesDocument: BSONDocument { types.document(withCount: true) }
}
