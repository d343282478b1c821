/// A day of the archive: a UTC calendar day, as the folders `<log-path>/<YYYYMMDD>` are named.
///
/// A plain number inside (days since 1970-01-01), so comparing, counting and hashing cost nothing.
public struct ArchiveDay: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Days since 1970-01-01 UTC. Always within years 0000 to 9999, so that the name has eight digits.
    public let daysSinceEpoch: Int32

    /// 0000-01-01 and 9999-12-31: what eight digits can name.
    private static let lowest: Int32 = -719_528
    private static let highest: Int32 = 2_932_896

    /// The day with this number; numbers outside the years 0000 to 9999 give the nearest day inside.
    public init(daysSinceEpoch: Int32) {
        self.daysSinceEpoch = min(max(daysSinceEpoch, Self.lowest), Self.highest)
    }

    /// The UTC day of a time in Unix seconds, or nil if the time is not finite or outside the years 0000 to 9999.
    public init?(unixSeconds: Double) {
        let days = (unixSeconds / 86_400).rounded(.down)
        guard days >= Double(Self.lowest), days <= Double(Self.highest) else { return nil }
        self.init(daysSinceEpoch: Int32(days))
    }

    /// The UTC day of a time in Unix nanoseconds.
    public init(unixNanoseconds: Int64) {
        let day: Int64 = 86_400_000_000_000
        let remainder = unixNanoseconds % day
        self.init(daysSinceEpoch: Int32(unixNanoseconds / day - (remainder < 0 ? 1 : 0)))
    }

    /// A calendar day, or nil if there is no such day (31 April, month 13).
    public init?(year: Int, month: Int, day: Int) {
        guard (0...9999).contains(year), (1...12).contains(month),
            (1...Self.length(ofMonth: month, year: year)).contains(day)
        else { return nil }
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        self.init(daysSinceEpoch: Int32(era * 146_097 + dayOfEra - 719_468))
    }

    /// Reads `YYYYMMDD`: eight ASCII digits that name a real day, nothing else.
    public init?(_ text: some StringProtocol) {
        let digits = Array(text.utf8)
        guard digits.count == 8, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let number = digits.reduce(0) { $0 * 10 + Int($1) - 0x30 }
        self.init(year: number / 10_000, month: number / 100 % 100, day: number % 100)
    }

    /// The calendar date.
    public var date: (year: Int, month: Int, day: Int) {
        // civil_from_days, as above.
        let shifted = Int(daysSinceEpoch) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// The first instant of the day, in Unix seconds.
    public var startSeconds: Double { Double(daysSinceEpoch) * 86_400 }

    /// The day `days` later (earlier if negative), kept within the years 0000 to 9999.
    public func advanced(by days: Int) -> ArchiveDay {
        let sum = Int(daysSinceEpoch).addingReportingOverflow(days)
        let clamped = sum.overflow ? (days < 0 ? Int(Self.lowest) : Int(Self.highest)) : sum.partialValue
        return ArchiveDay(daysSinceEpoch: Int32(min(max(clamped, Int(Self.lowest)), Int(Self.highest))))
    }

    public static func < (left: ArchiveDay, right: ArchiveDay) -> Bool {
        left.daysSinceEpoch < right.daysSinceEpoch
    }

    /// `YYYYMMDD`.
    public var description: String {
        let (year, month, day) = date
        var number = year * 10_000 + month * 100 + day
        var digits = [UInt8](repeating: 0x30, count: 8)
        for index in digits.indices.reversed() {
            digits[index] += UInt8(number % 10)
            number /= 10
        }
        return String(decoding: digits, as: UTF8.self)
    }

    private static func length(ofMonth month: Int, year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
