import SkeinPlatform

/// Finds what is whole in a segment that somebody left behind. Pure: bytes in, findings out.
///
/// Records are taken one after another. At the first that is not whole: below `durable` (it was once written for
/// certain, so this is damage) it alone is skipped and counted, and the walk goes on at the next whole record; at
/// or above it the log ends, and whole records further on are only counted.
struct SegmentWalk {
    struct Rules {
        var checksum: RecordChecksum
        /// Records below here count without a checksum. 0 if none do.
        var trusted: Int
        /// Below here everything was once written.
        var durable: Int
        /// Nothing at or beyond counts.
        var limit: Int
        /// The number that the first record has, where numbers rise by one.
        var firstNumber: UInt64?
    }

    /// Whole records, in runs without gaps.
    private(set) var extents: [Range<Int>] = []
    /// Where the log ends in this segment.
    private(set) var end = SegmentHeader.bytes
    private(set) var records = 0
    /// The number after the last record's, where numbers rise by one.
    private(set) var nextNumber: UInt64?
    /// Records that could not be read; at least.
    private(set) var damagedRecords = 0
    private(set) var damagedBytes = 0
    /// Whole records that stand beyond the end.
    private(set) var skippedRecords = 0
    /// Bad places since the last whole record. After the walk: below the end, so that what is missing there is
    /// counted only once for each place.
    private(set) var holes = 0

    /// More missing records than this are not told apart.
    static let mostDamaged = 1 << 40

    private let bytes: UnsafeRawBufferPointer
    private let rules: Rules
    /// What searching may still read. A payload can be made to look like headers of long records, at every
    /// offset; looking for the next whole record must not take forever over it.
    private var effort: Int

    /// Walks. `visit` sees each whole record and its offset, in order.
    init(_ bytes: UnsafeRawBufferPointer, _ rules: Rules, visit: (RecordView, Int) -> Void = { _, _ in }) {
        self.bytes = bytes
        self.rules = rules
        nextNumber = rules.firstNumber
        let limit = min(rules.limit, bytes.count)
        effort = 16 * max(limit, 1 << 16)
        var offset = SegmentHeader.bytes
        while offset < limit {
            if let record = whole(at: offset, limit) {
                if let next = wrongLength(of: record, at: offset, limit) {
                    holes += 1
                    damagedBytes += next - offset
                    offset = next
                    continue
                }
                visit(record, offset)
                take(record, at: offset)
                offset += record.totalBytes
                continue
            }
            guard offset < min(rules.durable, limit) else { break }
            offset = skipDamage(from: offset, limit: min(rules.durable, limit))
        }
        end = offset
        damagedRecords += holes
        countSkipped(from: offset, limit)
    }

    private mutating func take(_ record: RecordView, at offset: Int) {
        // Where numbers rise by one, the next number tells how many records are missing.
        let gap = nextNumber.map { record.number > $0 ? Int(clamping: record.number - $0) : 0 } ?? 0
        // A number is what a file says: no sum of such gaps may overflow.
        damagedRecords = min(damagedRecords + max(min(gap, Self.mostDamaged), holes), Self.mostDamaged)
        holes = 0
        if nextNumber != nil { nextNumber = record.number &+ 1 }
        records += 1
        let upper = offset + record.totalBytes
        if let last = extents.last, last.upperBound == offset {
            extents[extents.count - 1] = last.lowerBound..<upper
        } else {
            extents.append(offset..<upper)
        }
    }

    /// Passes over a bad record: to the next whole one, or to the limit.
    private mutating func skipDamage(from offset: Int, limit: Int) -> Int {
        holes += 1
        // Its length, if that is not what is damaged, tells where the next record begins. One that stands before
        // that place says that it is.
        var told = limit
        if let record = plausible(at: offset, limit), whole(at: offset + record.totalBytes, limit) != nil {
            told = offset + record.totalBytes
        }
        var next = search(from: offset + 8, told) ?? told
        if told == limit, let expected = nextNumber,
            let chained = searchChain(from: offset + 8, next, expected: expected)
        {
            next = chained
        }
        damagedBytes += next - offset
        return next
    }

    private mutating func countSkipped(from offset: Int, _ limit: Int) {
        var offset = offset
        while let found = search(from: offset, limit), let record = checked(at: found, limit) {
            skippedRecords += 1
            offset = found + record.totalBytes
        }
    }

    /// The next place where a record with a checksum that holds stands.
    private mutating func search(from start: Int, _ limit: Int) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        var offset = start
        while offset + RecordLayout.headerBytes <= limit, effort > 0 {
            // One look at kind, flags and the reserved field rules out nearly everything: most often zeros.
            let word = UInt64(
                littleEndian: base.loadUnaligned(
                    fromByteOffset: offset + RecordLayout.kindOffset, as: UInt64.self))
            if word & 0xFFFF_FD00 == 0x0100, let record = plausible(at: offset, limit) {
                effort -= record.totalBytes
                if rules.checksum.of(record) == record.checksum { return offset }
            }
            offset += 8
        }
        return nil
    }

    /// The next place where records without checksum begin that lead, number by number, to exactly the trusted length,
    /// or to a record with one. What nobody ever wrote as records does not.
    private mutating func searchChain(from start: Int, _ limit: Int, expected: UInt64) -> Int? {
        guard start < rules.trusted else { return nil }
        // Each record that is missing took a header at least.
        let most = expected &+ UInt64((limit - start) / RecordLayout.headerBytes) &+ 1
        guard most >= expected else { return nil }
        var offset = start
        while offset + RecordLayout.headerBytes <= min(limit, rules.trusted), effort > 0 {
            if let record = plausible(at: offset, rules.trusted), isBare(record),
                (expected...most).contains(record.number), leadsOn(from: offset)
            {
                return offset
            }
            effort -= 8
            offset += 8
        }
        return nil
    }

    /// Where the next record begins, if a record without checksum ends anywhere else: its length is damaged.
    private mutating func wrongLength(of record: RecordView, at offset: Int, _ limit: Int) -> Int? {
        let end = offset + record.totalBytes
        guard isBare(record), nextNumber != nil, end != rules.trusted else { return nil }
        let following = record.number &+ 1
        if let next = plausible(at: end, limit), next.number == following { return nil }
        guard let next = searchChain(from: offset + 8, limit, expected: following),
            plausible(at: next, limit)?.number == following
        else { return nil }
        return next
    }

    private mutating func leadsOn(from start: Int) -> Bool {
        var offset = start
        var number: UInt64?
        while offset < rules.trusted, effort > 0 {
            effort -= RecordLayout.headerBytes
            guard let record = plausible(at: offset, rules.trusted) else { return false }
            guard isBare(record) else { return rules.checksum.of(record) == record.checksum }
            if let number, record.number != number &+ 1 { return false }
            number = record.number
            offset += record.totalBytes
        }
        return offset == rules.trusted
    }

    private func isBare(_ record: RecordView) -> Bool {
        record.flags & RecordFlags.checksum == 0 && record.checksum == 0
    }

    private func plausible(at offset: Int, _ limit: Int) -> RecordView? {
        guard offset < limit else { return nil }
        return RecordView(prefixOf: UnsafeRawBufferPointer(rebasing: bytes[offset..<limit]))
    }

    private func checked(at offset: Int, _ limit: Int) -> RecordView? {
        guard let record = plausible(at: offset, limit), rules.checksum.of(record) == record.checksum else {
            return nil
        }
        return record
    }

    /// A record that counts: by its checksum, or, where that is trusted, by the committed length.
    private func whole(at offset: Int, _ limit: Int) -> RecordView? {
        guard let record = plausible(at: offset, limit) else { return nil }
        if record.flags & RecordFlags.checksum != 0 || record.checksum != 0 {
            return rules.checksum.of(record) == record.checksum ? record : nil
        }
        guard offset + record.totalBytes <= rules.trusted else { return nil }
        if let expected = nextNumber {
            guard record.number >= expected, record.number - expected <= UInt64(holes) else { return nil }
        }
        return record
    }
}
