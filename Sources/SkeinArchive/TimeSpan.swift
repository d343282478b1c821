/// A span of time in which events are wanted, open on either side. Times are UTC.
public struct TimeSpan: Hashable, Sendable {
    /// The first instant inside, in Unix seconds; nil if there is no beginning.
    public var start: Double?
    /// The first instant after it, in Unix seconds; nil if there is no end.
    public var end: Double?

    /// A span in Unix seconds; without arguments all time.
    public init(start: Double? = nil, end: Double? = nil) {
        self.start = start
        self.end = end
    }

    /// Reads what stands in `--start-date` and `--end-date`: `YYYYMMDD` or `YYYYMMDD HH:MM`, UTC.
    ///
    /// The end is inclusive: a day as the end means all of that day, a minute all of that minute.
    /// - Throws: ``ArchiveError/Code/badArgument``, with the text and the accepted form, also if the end lies
    ///   before the start.
    public init(startDate: String?, endDate: String?) throws(ArchiveError) {
        if let startDate { start = try Self.parse(startDate).start }
        if let endDate {
            let (minute, length) = try Self.parse(endDate)
            end = minute + length
        }
        if let start, let end, end <= start {
            throw ArchiveError(
                .badArgument, "the end \(endDate ?? "") lies before the start \(startDate ?? "")")
        }
    }

    /// Whether everything is inside.
    public var isEverything: Bool { start == nil && end == nil }

    /// Whether an instant is inside.
    @inlinable
    public func contains(_ time: Double) -> Bool {
        if let start, !(time >= start) { return false }
        if let end, !(time < end) { return false }
        return true
    }

    /// Whether some of a day is inside.
    public func touches(_ day: ArchiveDay) -> Bool {
        if let start, day.startSeconds + 86_400 <= start { return false }
        if let end, day.startSeconds >= end { return false }
        return true
    }

    private static func parse(_ text: String) throws(ArchiveError) -> (start: Double, length: Double) {
        let bytes = Array(text.utf8)
        guard bytes.count == 8 || bytes.count == 14, let day = ArchiveDay(String(text.prefix(8))) else {
            throw mistake(text)
        }
        guard bytes.count == 14 else { return (day.startSeconds, 86_400) }
        guard bytes[8] == UInt8(ascii: " ") || bytes[8] == UInt8(ascii: "T"), bytes[11] == UInt8(ascii: ":"),
            let hour = number(bytes[9...10]), hour < 24, let minute = number(bytes[12...13]), minute < 60
        else { throw mistake(text) }
        return (day.startSeconds + Double(hour * 3600 + minute * 60), 60)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        digits.allSatisfy { (0x30...0x39).contains($0) } ? digits.reduce(0) { $0 * 10 + Int($1) - 0x30 } : nil
    }

    private static func mistake(_ text: String) -> ArchiveError {
        ArchiveError(.badArgument, "no date: \(text) (write YYYYMMDD or \"YYYYMMDD HH:MM\", UTC)")
    }
}
