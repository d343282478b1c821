import SkeinSQLite

/// A run of events with their columns: a batch in the file, or what a reader gathered from rows.
struct BatchView {
    enum Place {
        /// The batch's key.
        case stored(Int64)
        case gathered(BatchColumns)
    }

    let place: Place
    let first: Int64
    let last: Int64
    let count: Int
    let times: ClosedRange<Int64>
    /// Seconds; nil where no id begins with a time.
    let idTimes: ClosedRange<Int64>?
    /// By the order of ``WordKind``: the keys of the words.
    let words: [[UInt32]]

    init?(_ columns: BatchColumns) {
        guard let first = columns.numbers.first, let last = columns.numbers.last,
            let times = columns.timeRange
        else { return nil }
        place = .gathered(columns)
        self.first = first
        self.last = last
        count = columns.count
        self.times = times
        idTimes = columns.idTimes.map { Int64($0.lowerBound)...Int64($0.upperBound) }
        words = columns.words.map(\.keys)
    }

    static let columns = """
        key, first, last, count, time_low, time_high, id_low, id_high, types, services, hosts, names
        """

    /// From a row of the table `batch`; nil if it contradicts itself.
    init?(_ row: borrowing SQLiteStatement) {
        place = .stored(row.integer(at: 0))
        first = row.integer(at: 1)
        last = row.integer(at: 2)
        count = Int(row.integer(at: 3))
        let (low, high) = (row.integer(at: 4), row.integer(at: 5))
        let (idLow, idHigh) = (row.integer(at: 6), row.integer(at: 7))
        guard count > 0, count <= BatchColumns.capacity, first <= last, low <= high else { return nil }
        times = low...high
        idTimes = idLow <= idHigh ? idLow...idHigh : nil
        words = (8...11).map { index in
            row.withBytes(at: index) { LittleEndian.numbers($0, as: UInt32.self) }
        }
    }
}

/// Reads the columns of batches. A column that is missing or short makes the store damaged.
final class ColumnReader {
    private var statement: SQLiteStatement

    init(_ connection: borrowing SQLiteConnection) throws(SQLiteError) {
        statement = try connection.prepare("SELECT data FROM segment WHERE key = ?1")
    }

    func numbers(_ batch: BatchView) throws -> [Int64] {
        switch batch.place {
        case .gathered(let columns): columns.numbers
        case .stored(let key):
            try read(key, .number, batch.count, as: UInt32.self).map { batch.first + Int64($0) }
        }
    }

    func times(_ batch: BatchView) throws -> [Int64] {
        switch batch.place {
        case .gathered(let columns): columns.times
        case .stored(let key): try read(key, .time, batch.count, as: Int64.self)
        }
    }

    func durations(_ batch: BatchView) throws -> [Int64] {
        switch batch.place {
        case .gathered(let columns): columns.durations
        case .stored(let key): try read(key, .duration, batch.count, as: Int64.self)
        }
    }

    func levels(_ batch: BatchView) throws -> [Int16] {
        switch batch.place {
        case .gathered(let columns): columns.levels
        case .stored(let key): try read(key, .level, batch.count, as: Int16.self)
        }
    }

    func failures(_ batch: BatchView) throws -> [UInt8] {
        switch batch.place {
        case .gathered(let columns): columns.failures
        case .stored(let key): try read(key, .failed, batch.count, as: UInt8.self)
        }
    }

    func places(_ kind: WordKind, _ batch: BatchView) throws -> [UInt16] {
        switch batch.place {
        case .gathered(let columns): columns.words[kind.rawValue - 1].places
        case .stored(let key): try read(key, kind.column, batch.count, as: UInt16.self)
        }
    }

    /// Which events of a batch have an id of this hash.
    func indices(ofHash hash: UInt64, _ batch: BatchView) throws -> [Int] {
        switch batch.place {
        case .gathered(let columns): return columns.hashes.indices.filter { columns.hashes[$0] == hash }
        case .stored(let key):
            let mayHave = try lend(key, .filter) { IDFilter.mayContain($0, hash) }
            guard mayHave else { return [] }
            return try lend(key, .ids) { bytes in
                guard bytes.count == batch.count * 10 else { throw Self.damaged(key, .ids) }
                return Self.search(bytes, batch.count, hash)
            }
        }
    }

    private static func search(_ bytes: UnsafeRawBufferPointer, _ count: Int, _ hash: UInt64) -> [Int] {
        func found(_ index: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
        }
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if found(middle) < hash { low = middle + 1 } else { high = middle }
        }
        var indices: [Int] = []
        while low < count, found(low) == hash {
            let offset = count * 8 + low * 2
            let index = Int(
                UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
            if index < count { indices.append(index) }
            low += 1
        }
        return indices.sorted()
    }

    private func read<Number: FixedWidthInteger & BitwiseCopyable>(
        _ batch: Int64, _ column: Column, _ count: Int, as type: Number.Type
    ) throws -> [Number] {
        let numbers = try lend(batch, column) { LittleEndian.numbers($0, as: type) }
        guard numbers.count == count else { throw Self.damaged(batch, column) }
        return numbers
    }

    private func lend<Result>(
        _ batch: Int64, _ column: Column, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        statement.reset()
        defer { statement.reset() }
        try statement.bind(integer: column.key(batch: batch), at: 1)
        guard try statement.step() else { throw Self.damaged(batch, column) }
        return try statement.withBytes(at: 0, body)
    }

    private static func damaged(_ batch: Int64, _ column: Column) -> StoreError {
        StoreError(.damaged, "batch \(batch) of the store has no whole column \(column)")
    }
}
