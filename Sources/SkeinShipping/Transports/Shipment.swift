import SkeinJournal

/// The records of one stream on their way, in numbers that people count: how many are acknowledged, whatever way they were
/// cut into runs, sent again, or sent by an earlier process.
struct Shipment {
    let isResumed: Bool
    let isSparse: Bool
    /// Whether farewell is to be said when the shipper ends.
    let endsWithShipper: Bool
    /// Everything up to here is counted.
    private(set) var counted: UInt64
    /// The highest number in `runs`, or counted.
    private var tracked: UInt64
    /// Runs that were sent and are not counted yet.
    private var runs: [(last: UInt64, count: Int)] = []
    /// The highest record that was refused as invalid, and how many such are not counted yet.
    private var lastInvalid: UInt64 = 0
    private var invalid = 0

    /// - Parameter first: the lowest number that is not acknowledged.
    init(first: UInt64, isResumed: Bool, isSparse: Bool, endsWithShipper: Bool = true) {
        counted = first - min(first, 1)
        tracked = counted
        self.isResumed = isResumed
        self.isSparse = isSparse
        self.endsWithShipper = endsWithShipper
    }

    /// A run was sent. What was in one that was sent before is not counted twice, however it is cut now.
    mutating func sent(_ run: ShippableRun) {
        guard run.last > tracked else { return }
        var count = run.count
        if run.first <= tracked {
            count = 0
            var records = RecordCursor(run.bytes)
            while let record = records.next() { if record.number > tracked { count += 1 } }
        }
        runs.append((run.last, count))
        tracked = run.last
    }

    /// Everything up to a number is acknowledged.
    /// - Returns: how many records are so for the first time, without those refused as invalid. Runs that are acknowledged in
    ///   part are counted when they are whole.
    mutating func acknowledged(_ number: UInt64) -> Int {
        var records = 0
        var done = 0
        while done < runs.count, runs[done].last <= number {
            counted = runs[done].last
            records += runs[done].count
            done += 1
        }
        runs.removeFirst(done)
        if runs.isEmpty, number > tracked {
            // Sent by an earlier process: what is known of them is their numbers.
            if !isSparse { records += Int(clamping: number - tracked) }
            counted = number
            tracked = number
        }
        let without = min(invalid, records)
        invalid -= without
        return records - without
    }

    /// Records were refused as invalid, the last of them this one.
    /// - Returns: how many of them are news: a record that is sent again is refused again. Never more than can be on their way.
    mutating func refused(_ number: UInt64, count: Int = 1) -> Int {
        let known = max(lastInvalid, counted)
        guard number > known, count > 0 else { return 0 }
        let news = min(count, Int(clamping: number - known))
        lastInvalid = number
        invalid += news
        return news
    }
}
