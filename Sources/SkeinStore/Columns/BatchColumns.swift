/// The columns of a batch while it fills, or of the tail: one value an event in each, in the order of numbers.
struct BatchColumns {
    /// How many events make a batch. 2 bytes of each still fit into one page.
    static let capacity = 8_000
    /// Beyond so many bytes of events a batch ends early: to look into one of its events stays cheap.
    static let capacityBytes = 256 << 20

    private(set) var numbers: [Int64] = []
    private(set) var times: [Int64] = []
    private(set) var durations: [Int64] = []
    private(set) var levels: [Int16] = []
    private(set) var failures: [UInt8] = []
    private(set) var hashes: [UInt64] = []
    /// By the order of ``WordKind``.
    private(set) var words: [WordColumn] = WordKind.allCases.map { _ in WordColumn() }
    private(set) var bytes = 0
    private(set) var timeRange: ClosedRange<Int64>?
    /// Of the ids that begin with a time.
    private(set) var idTimes: ClosedRange<UInt32>?

    init() {
        numbers.reserveCapacity(Self.capacity)
        times.reserveCapacity(Self.capacity)
        durations.reserveCapacity(Self.capacity)
        levels.reserveCapacity(Self.capacity)
        failures.reserveCapacity(Self.capacity)
        hashes.reserveCapacity(Self.capacity)
    }

    var count: Int { numbers.count }

    /// Whether the next event begins another batch.
    func isFull(beforeNumber number: Int64) -> Bool {
        guard let first = numbers.first else { return false }
        return count >= Self.capacity || bytes >= Self.capacityBytes || number - first > Int64(UInt32.max)
    }

    /// - Parameter keys: the words' keys in the store, by the order of ``WordKind``; 0: none.
    mutating func append(
        _ number: Int64, _ columns: EventColumns, keys: (UInt32, UInt32, UInt32, UInt32), bytes: Int
    ) {
        numbers.append(number)
        times.append(columns.time)
        durations.append(columns.duration)
        levels.append(columns.level)
        failures.append(columns.hasFailed ? 1 : 0)
        hashes.append(columns.idHash)
        words[0].append(keys.0)
        words[1].append(keys.1)
        words[2].append(keys.2)
        words[3].append(keys.3)
        self.bytes += bytes
        let time = columns.time
        timeRange = timeRange.map { min($0.lowerBound, time)...max($0.upperBound, time) } ?? time...time
        if let begun = columns.idTime {
            idTimes = idTimes.map { min($0.lowerBound, begun)...max($0.upperBound, begun) } ?? begun...begun
        }
    }

    /// Begins the next batch in the same memory.
    mutating func removeAll() {
        numbers.removeAll(keepingCapacity: true)
        times.removeAll(keepingCapacity: true)
        durations.removeAll(keepingCapacity: true)
        levels.removeAll(keepingCapacity: true)
        failures.removeAll(keepingCapacity: true)
        hashes.removeAll(keepingCapacity: true)
        for index in words.indices { words[index].removeAll() }
        bytes = 0
        timeRange = nil
        idTimes = nil
    }

    /// Column 9: the hashes sorted, then which event each belongs to.
    func sortedIDs() -> [UInt8] {
        let order = hashes.indices.sorted { hashes[$0] < hashes[$1] }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * 10)
        for index in order { Swift.withUnsafeBytes(of: hashes[index].littleEndian) { bytes += $0 } }
        for index in order {
            Swift.withUnsafeBytes(of: UInt16(truncatingIfNeeded: index).littleEndian) { bytes += $0 }
        }
        return bytes
    }

    /// Column 0.
    func numberOffsets() -> [UInt32] {
        guard let first = numbers.first else { return [] }
        return numbers.map { UInt32(truncatingIfNeeded: $0 - first) }
    }
}

/// One of the columns that hold words: for each event 1 + the word's place in the batch's list, 0 if it has none.
struct WordColumn {
    private(set) var places: [UInt16] = []
    /// The words' keys in the store, in the order of first use.
    private(set) var keys: [UInt32] = []
    /// By key: the place, where the stamp is the current one's.
    private var placeOfKey: [(stamp: UInt32, place: UInt16)] = []
    private var stamp: UInt32 = 1

    mutating func append(_ key: UInt32) {
        guard key != 0 else { return places.append(0) }
        let index = Int(key)
        if index >= placeOfKey.count {
            let missing = max(index + 1, placeOfKey.count * 2) - placeOfKey.count
            placeOfKey += repeatElement((stamp: 0, place: 0), count: missing)
        }
        if placeOfKey[index].stamp != stamp {
            keys.append(key)
            placeOfKey[index] = (stamp, UInt16(truncatingIfNeeded: keys.count))
        }
        places.append(placeOfKey[index].place)
    }

    mutating func removeAll() {
        places.removeAll(keepingCapacity: true)
        keys.removeAll(keepingCapacity: true)
        stamp += 1
    }
}
