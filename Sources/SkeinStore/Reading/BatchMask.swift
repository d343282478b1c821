import SkeinSQLite

/// Which events of a batch meet the part of a query that columns answer.
struct BatchMask {
    /// 1 for each event that does.
    private(set) var bytes: [UInt8]

    var count: Int { bytes.reduce(0) { $0 + Int($1) } }

    /// The words of a query as keys of the store, made once for all batches.
    struct Words {
        /// By the order of ``WordKind``; nil: any.
        var allowed: [Set<UInt32>?]
    }

    /// - Returns: nil if none of the batch does, which is often known without reading a column.
    init?(_ query: StoreQuery, _ words: Words, _ batch: BatchView, _ columns: ColumnReader) throws {
        guard batch.times.overlaps(query.times) else { return nil }
        var tables: [(WordKind, [UInt8])] = []
        for kind in WordKind.allCases {
            guard let allowed = words.allowed[kind.rawValue - 1] else { continue }
            let own = batch.words[kind.rawValue - 1]
            let table = [0] + own.map { allowed.contains($0) ? 1 : 0 as UInt8 }
            guard table.contains(1) else { return nil }
            tables.append((kind, table))
        }
        bytes = [UInt8](repeating: 1, count: batch.count)
        for (kind, table) in tables {
            let places = try columns.places(kind, batch)
            narrow(places) { Int($0) < table.count ? table[Int($0)] : 0 }
        }
        if query.minimumLevel != nil || query.recordsOnly {
            let least = max(Int16(clamping: query.minimumLevel ?? Int(Int16.min)), Column.noLevel + 1)
            narrow(try columns.levels(batch)) { $0 >= least ? 1 : 0 }
        }
        if let failed = query.hasFailed {
            let wanted: UInt8 = failed ? 1 : 0
            narrow(try columns.failures(batch)) { $0 == wanted ? 1 : 0 }
        }
        if let durations = query.durations {
            let (low, high) = (max(0, durations.lowerBound), durations.upperBound)
            narrow(try columns.durations(batch)) { $0 >= low && $0 <= high ? 1 : 0 }
        }
        let isWithin =
            query.times.lowerBound <= batch.times.lowerBound
            && batch.times.upperBound <= query.times.upperBound
        if !isWithin {
            let (low, high) = (query.times.lowerBound, query.times.upperBound)
            narrow(try columns.times(batch)) { $0 >= low && $0 <= high ? 1 : 0 }
        }
    }

    @inline(__always)
    private mutating func narrow<Number>(_ values: [Number], _ meets: (Number) -> UInt8) {
        bytes.withUnsafeMutableBufferPointer { bytes in
            values.withUnsafeBufferPointer { values in
                for index in 0..<min(bytes.count, values.count) { bytes[index] &= meets(values[index]) }
            }
        }
    }
}
