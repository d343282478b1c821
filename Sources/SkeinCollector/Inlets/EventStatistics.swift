import SkeinBSON
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

    private let types = ByteInterner()
    private let hosts = ByteInterner()
    private var typeRows: [Row] = []
    private var hostRows: [Row] = []
    private var otherTypes = Row()
    private var otherHosts = Row()
    /// When the last event arrived, Unix nanoseconds.
    private(set) var lastArrival: Int64?
    private(set) var lastTime: Double?

    /// Counts an event that was taken.
    func note(_ envelope: borrowing EventEnvelope, _ document: UnsafeRawBufferPointer, arrival: Int64) {
        let time = envelope.time ?? Double(arrival) * 1e-9
        lastArrival = arrival
        lastTime = time
        Self.count(envelope.type.bytes(in: document), time, types, &typeRows, &otherTypes)
        guard envelope.host.isPresent else { return }
        Self.count(envelope.host.bytes(in: document), time, hosts, &hostRows, &otherHosts)
    }

    @inline(__always)
    private static func count(
        _ name: UnsafeRawBufferPointer, _ time: Double, _ names: ByteInterner, _ rows: inout [Row],
        _ other: inout Row
    ) {
        var index = names.find(name)
        if index < 0 {
            guard rows.count < maximumRows, name.count <= 255 else { return add(time, &other) }
            index = names.intern(name)
            rows.append(Row())
        }
        add(time, &rows[index])
    }

    @inline(__always)
    private static func add(_ time: Double, _ row: inout Row) {
        row.count &+= 1
        if !(time <= row.last) { row.last = time }
    }

    /// `{host: {last}}`, as Ziggy has it.
    var hostsDocument: BSONDocument { Self.document(hosts, hostRows, otherHosts, withCount: false) }

    /// `{type: {last, count}}`.
    var typesDocument: BSONDocument { Self.document(types, typeRows, otherTypes, withCount: true) }

    private static func document(
        _ names: ByteInterner, _ rows: [Row], _ other: Row, withCount: Bool
    ) -> BSONDocument {
        var builder = BSONBuilder(capacity: 64 + rows.count * 48)
        func append(_ name: String, _ row: Row) {
            builder.appendDocument(name) { inner in
                if row.last.isNaN { inner.appendNull("last") } else { inner.append("last", double: row.last) }
                if withCount { inner.append("count", int64: Int64(bitPattern: row.count)) }
            }
        }
        for (index, row) in rows.enumerated() { append(names.string(index), row) }
        if other.count > 0 { append("_other", other) }
        return builder.finish()
    }
}
