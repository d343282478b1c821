/// Amounts of bytes as people write them: `64MiB`, `4GiB`, `500kB`, `1048576`.
enum ByteSize {
    static let acceptedForm = "a size like 64MiB, 4GiB or 1048576"

    private static let units: [(name: String, bytes: Int)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
        ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30), ("T", 1 << 40), ("B", 1), ("", 1),
    ]

    static func parse(_ text: String, in range: ClosedRange<Int>) throws(BadValue) -> Int {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text[digits.endIndex...].drop { $0 == " " }
        guard let number = Int(digits), let factor = units.first(where: { $0.name == unit })?.bytes else {
            throw BadValue("\"\(text)\" is no size", accepts: acceptedForm)
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow, range.contains(bytes) else {
            throw BadValue(
                "\"\(text)\" is out of range",
                accepts: "a size from \(print(range.lowerBound)) to \(print(range.upperBound))")
        }
        return bytes
    }

    /// The largest binary unit that divides it.
    static func print(_ bytes: Int) -> String {
        for (name, factor) in units[..<4].reversed() where bytes >= factor && bytes % factor == 0 {
            return "\(bytes / factor)\(name)"
        }
        return "\(bytes)"
    }
}

/// Lengths of time as people write them: `100ms`, `5s`, `10min`, `24h`, `7d`.
enum TimeSpan {
    static let acceptedForm = "a time like 100ms, 5s, 10min, 24h or 7d"

    private static let units: [(name: String, milliseconds: Int)] = [
        ("ms", 1), ("s", 1_000), ("min", 60_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    static func parse(_ text: String, in range: ClosedRange<Duration>) throws(BadValue) -> Duration {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text[digits.endIndex...].drop { $0 == " " }
        guard let number = Int(digits), let factor = units.first(where: { $0.name == unit })?.milliseconds
        else {
            throw BadValue("\"\(text)\" is no time", accepts: acceptedForm)
        }
        let (milliseconds, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow, range.contains(.milliseconds(milliseconds)) else {
            throw BadValue(
                "\"\(text)\" is out of range",
                accepts: "a time from \(print(range.lowerBound)) to \(print(range.upperBound))")
        }
        return .milliseconds(milliseconds)
    }

    /// The largest unit that divides it.
    static func print(_ duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        for (name, factor) in units.reversed() where name != "m" && milliseconds >= factor {
            if milliseconds % factor == 0 { return "\(milliseconds / factor)\(name)" }
        }
        return "\(milliseconds)ms"
    }
}

extension Duration {
    /// Rounded down.
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000)
    }

    /// Rounded down; saturates at 292 years.
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product &+ attoseconds / 1_000_000_000
    }
}
