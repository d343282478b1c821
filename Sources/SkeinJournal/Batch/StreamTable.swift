import SkeinPlatform

/// What a collector's journal knows of one stream.
public struct StreamRow: Sendable, Equatable {
    /// Which stream it is.
    public let stream: JournalStream
    /// The row's number in this journal, which its records carry: from 1, never reused. 0 is the journal's own.
    public let index: UInt32
    /// Everything up to this number was taken: it is in the journal, or was refused for good.
    public internal(set) var highest: UInt64
    /// Everything up to this number is durable: what may be acknowledged.
    public internal(set) var durable: UInt64
    /// Unix nanoseconds.
    public internal(set) var lastHeard: Int64
    /// A spool's, and so remembered longer than one of anonymous memory.
    public internal(set) var isDurable: Bool
    /// Its producer said that nothing follows.
    public internal(set) var isEnded: Bool
    /// The last segment with records of it.
    var lastSequence: UInt64 = 0
}

/// The streams that a collector's journal knows, and how far it has each of them.
struct StreamTable: Sendable {
    static let headerBytes = 16
    static let rowBytes = 56
    private static let complete: UInt32 = 1

    private(set) var rows: [UInt32: StreamRow] = [:]
    private(set) var indices: [JournalStream: UInt32] = [:]
    private(set) var nextIndex: UInt32 = 1

    var count: Int { rows.count }

    subscript(index: UInt32) -> StreamRow? { rows[index] }

    func index(of stream: JournalStream) -> UInt32? { indices[stream] }

    mutating func put(_ row: StreamRow) {
        if let old = indices[row.stream], old != row.index { rows[old] = nil }
        rows[row.index] = row
        indices[row.stream] = row.index
        if row.index >= nextIndex && row.index < .max { nextIndex = row.index + 1 }
    }

    mutating func remove(_ index: UInt32) {
        guard let row = rows.removeValue(forKey: index) else { return }
        if indices[row.stream] == index { indices[row.stream] = nil }
    }

    mutating func update(_ index: UInt32, _ change: (inout StreamRow) -> Void) {
        // One look-up in place: this runs for each batch.
        if rows[index] != nil { change(&rows[index]!) }
    }

    /// What was written since the last successful sync counts as never taken.
    mutating func rollBack() {
        for index in rows.keys { update(index) { $0.highest = $0.durable } }
    }

    // MARK: Bytes

    /// The payload of a record with all rows: streams that are not in it are forgotten.
    func encoded() -> [UInt8] {
        Self.encode(rows.values.sorted { $0.index < $1.index }, nextIndex: nextIndex, flags: Self.complete)
    }

    /// The payload of a record that adds or changes one row.
    func encoded(_ row: StreamRow) -> [UInt8] {
        Self.encode([row], nextIndex: nextIndex, flags: 0)
    }

    private static func encode(_ rows: [StreamRow], nextIndex: UInt32, flags: UInt32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: headerBytes + rows.count * rowBytes)
        bytes.withUnsafeMutableBytes { buffer in
            buffer.storeBytes(of: UInt32(rows.count).littleEndian, toByteOffset: 0, as: UInt32.self)
            buffer.storeBytes(of: flags.littleEndian, toByteOffset: 4, as: UInt32.self)
            buffer.storeBytes(of: nextIndex.littleEndian, toByteOffset: 8, as: UInt32.self)
            for (place, row) in rows.enumerated() {
                let at = headerBytes + place * rowBytes
                let stream = row.stream
                buffer.storeBytes(of: stream.journal.low.littleEndian, toByteOffset: at, as: UInt64.self)
                buffer.storeBytes(of: stream.journal.high.littleEndian, toByteOffset: at + 8, as: UInt64.self)
                buffer.storeBytes(of: stream.opening.littleEndian, toByteOffset: at + 16, as: UInt64.self)
                buffer.storeBytes(of: stream.shard.littleEndian, toByteOffset: at + 24, as: UInt32.self)
                buffer.storeBytes(of: row.index.littleEndian, toByteOffset: at + 28, as: UInt32.self)
                buffer.storeBytes(of: row.highest.littleEndian, toByteOffset: at + 32, as: UInt64.self)
                buffer.storeBytes(of: row.lastHeard.littleEndian, toByteOffset: at + 40, as: Int64.self)
                let flags: UInt32 = (row.isDurable ? 1 : 0) | (row.isEnded ? 2 : 0)
                buffer.storeBytes(of: flags.littleEndian, toByteOffset: at + 48, as: UInt32.self)
            }
        }
        return bytes
    }

    /// Applies a record that recovery found whole. What does not fit its own length is left out.
    mutating func apply(_ payload: UnsafeRawBufferPointer) {
        guard payload.count >= Self.headerBytes else { return }
        func half(_ offset: Int) -> UInt32 {
            UInt32(littleEndian: payload.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
        func word(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: payload.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        let count = min(Int(half(0)), (payload.count - Self.headerBytes) / Self.rowBytes)
        if half(4) & Self.complete != 0 {
            rows = [:]
            indices = [:]
        }
        for place in 0..<count {
            let at = Self.headerBytes + place * Self.rowBytes
            let stream = JournalStream(
                journal: JournalID(low: word(at), high: word(at + 8)), opening: word(at + 16),
                shard: half(at + 24))
            let index = half(at + 28)
            put(
                StreamRow(
                    stream: stream, index: index, highest: word(at + 32), durable: 0,
                    lastHeard: Int64(bitPattern: word(at + 40)), isDurable: half(at + 48) & 1 != 0,
                    isEnded: half(at + 48) & 2 != 0, lastSequence: rows[index]?.lastSequence ?? 0))
        }
        nextIndex = max(nextIndex, half(8))
    }

    /// Notes a record that recovery found whole.
    mutating func note(_ record: RecordView, sequence: UInt64) {
        update(record.streamIndex) { row in
            row.highest = max(row.highest, record.number)
            row.lastHeard = max(row.lastHeard, record.arrival)
            row.lastSequence = sequence
        }
    }

    /// Everything that recovery found is durable.
    mutating func settle() {
        for index in rows.keys { update(index) { $0.durable = $0.highest } }
    }
}
