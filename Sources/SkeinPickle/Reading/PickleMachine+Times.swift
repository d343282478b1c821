import SkeinBSON

/// Python's dates and times: packed bytes as arguments (`datetime.__reduce__`).
extension PickleMachine {
    func integer(_ index: Int32) -> Int64? {
        if case .int(let value) = heap.nodes[Int(index)] { return value }
        return nil
    }

    /// `(days, seconds, microseconds)`, all normalized by Python.
    func timedelta(_ arguments: [Int32]) -> PickleNode? {
        guard arguments.count == 3, let days = integer(arguments[0]), let seconds = integer(arguments[1]),
            let microseconds = integer(arguments[2]), abs(days) <= 999_999_999,
            (0..<86_400).contains(seconds),
            (0..<1_000_000).contains(microseconds)
        else { return nil }
        return .timedelta(seconds: days * 86_400 + seconds, microseconds: Int32(microseconds))
    }

    /// `(bytes of 10[, zone])`: year (2, big-endian), month (the high bit is `fold`), day, hour, minute, second,
    /// microseconds (3, big-endian).
    mutating func datetime(_ arguments: [Int32]) throws(PickleError) -> PickleNode? {
        guard let packed = packed(arguments, 10) else { return nil }
        let date = Array(packed[0..<4])
        guard let days = days(date), let clock = clock(packed[4...]) else { return nil }
        let local = days * 86_400_000_000 + clock
        guard arguments.count == 2 else { return .datetime(milliseconds(local)) }
        switch heap.nodes[Int(arguments[1])] {
        case .zone(let offset): return .datetime(milliseconds(local - offset))
        case .null: return .datetime(milliseconds(local))
        case .unknown(let name):
            return .text(
                try keep(dateText(date) + "T" + clockText(clock) + " " + heap.string(name)))
        default: return nil
        }
    }

    /// `(bytes of 4)`: year, month, day.
    mutating func date(_ arguments: [Int32]) throws(PickleError) -> PickleNode? {
        guard let packed = packed(arguments, 4), days(packed) != nil else { return nil }
        return .text(try keep(dateText(packed)))
    }

    /// `(bytes of 6[, zone])`: hour (the high bit is `fold`), minute, second, microseconds.
    mutating func time(_ arguments: [Int32]) throws(PickleError) -> PickleNode? {
        guard var packed = packed(arguments, 6) else { return nil }
        packed[0] &= 0x7F
        guard let clock = clock(packed[...]) else { return nil }
        guard arguments.count == 2 else { return .text(try keep(clockText(clock))) }
        switch heap.nodes[Int(arguments[1])] {
        case .zone(let offset): return .text(try keep(clockText(clock) + offsetText(offset)))
        case .null: return .text(try keep(clockText(clock)))
        case .unknown(let name): return .text(try keep(clockText(clock) + " " + heap.string(name)))
        default: return nil
        }
    }

    // MARK: Parts

    private func packed(_ arguments: [Int32], _ count: Int) -> [UInt8]? {
        guard (1...2).contains(arguments.count), let bytes = heap.raw(arguments[0]) else { return nil }
        // Python 2 wrote a `str`: where that happens to be text, or Python 3 spelled it as text, it is the same bytes.
        if bytes.count == count { return heap.withBytes(bytes) { Array($0) } }
        return nil
    }

    private func days(_ packed: [UInt8]) -> Int64? {
        let year = Int64(packed[0]) << 8 | Int64(packed[1])
        let month = Int64(packed[2] & 0x7F)
        let day = Int64(packed[3])
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1,
            day <= InternetDate.days(in: month, of: year)
        else { return nil }
        return InternetDate.daysFromEpoch(year, month, day)
    }

    /// Microseconds of the day.
    private func clock(_ packed: ArraySlice<UInt8>) -> Int64? {
        let parts = packed.map(Int64.init)
        guard parts.count == 6, parts[0] < 24, parts[1] < 60, parts[2] < 60 else { return nil }
        let microseconds = parts[3] << 16 | parts[4] << 8 | parts[5]
        guard microseconds < 1_000_000 else { return nil }
        return ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1_000_000 + microseconds
    }

    private func milliseconds(_ microseconds: Int64) -> Int64 {
        microseconds >= 0 ? microseconds / 1_000 : (microseconds - 999) / 1_000
    }

    private func dateText(_ packed: [UInt8]) -> String {
        let year = Int64(packed[0]) << 8 | Int64(packed[1])
        return digits(year, 4) + "-" + digits(Int64(packed[2] & 0x7F), 2) + "-" + digits(Int64(packed[3]), 2)
    }

    /// As `isoformat()`: a fraction only if there is one.
    private func clockText(_ microseconds: Int64) -> String {
        let seconds = microseconds / 1_000_000
        let text = [seconds / 3_600, seconds / 60 % 60, seconds % 60].map { digits($0, 2) }.joined(
            separator: ":")
        return microseconds % 1_000_000 == 0 ? text : text + "." + digits(microseconds % 1_000_000, 6)
    }

    private func offsetText(_ microseconds: Int64) -> String {
        let text = clockText(abs(microseconds))
        let isWholeMinutes = microseconds % 60_000_000 == 0
        return (microseconds < 0 ? "-" : "+") + (isWholeMinutes ? String(text.prefix(5)) : text)
    }

    private func digits(_ number: Int64, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}
