/// Reads numbers, durations and times.
enum FilterValue {
    /// Seconds of each unit, as a factor and a power of ten.
    private static let units: [(name: String, factor: UInt128, exponent: Int)] = [
        ("ns", 1, -9), ("us", 1, -6), ("µs", 1, -6), ("μs", 1, -6), ("ms", 1, -3), ("s", 1, 0), ("m", 60, 0),
        ("min", 60, 0), ("h", 3600, 0), ("d", 86_400, 0),
    ]

    /// `40`, `-1.5e3`, `250ms`.
    static func number(_ text: ArraySlice<UInt8>) throws(BadFilterValue) -> FilterNumber {
        var rest = text
        var isNegative = false
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            rest.removeFirst()
        }
        var coefficient: UInt128 = 0
        var exponent = 0
        var digits = 0
        var isFraction = false
        func isDigit(_ byte: UInt8?) -> Bool { byte.map { (0x30...0x39).contains($0) } ?? false }
        while let byte = rest.first {
            if byte == UInt8(ascii: "."), !isFraction, isDigit(rest.dropFirst().first) {
                isFraction = true
            } else if isDigit(byte) {
                if digits > 0 || byte != 0x30 { digits += 1 }
                guard digits <= FilterDecimal.mostDigits else {
                    throw BadFilterValue("a number of more than \(FilterDecimal.mostDigits) digits")
                }
                coefficient = coefficient * 10 + UInt128(byte - 0x30)
                if isFraction { exponent -= 1 }
            } else {
                break
            }
            rest.removeFirst()
        }
        if let byte = rest.first, byte | 0x20 == UInt8(ascii: "e") {
            guard let power = Int(String(decoding: rest.dropFirst(), as: UTF8.self)), abs(power) <= 6000
            else {
                throw BadFilterValue("expected a power of ten from -6000 to 6000 behind the e")
            }
            isFraction = true
            exponent += power
            rest = []
        }
        if !rest.isEmpty {
            let name = String(decoding: rest, as: UTF8.self)
            guard let unit = units.first(where: { $0.name == name }) else {
                throw BadFilterValue("expected a number, or a duration in ns, us, ms, s, m, h or d")
            }
            guard digits <= 18 else { throw BadFilterValue("a duration of more than 18 digits") }
            coefficient *= unit.factor
            exponent += unit.exponent
            isFraction = isFraction || unit.exponent < 0
        }
        return FilterNumber(
            FilterDecimal(isNegative: isNegative, coefficient: coefficient, exponent: exponent),
            isFraction: isFraction)
    }

    private static let timeForm =
        "expected a time, as 2026-11-20, 2026-11-20T10:00Z or 2026-11-20T10:00:00.250+01:00"

    /// `2026-11-20`, `2026-11-20T10:00:00.250+01:00`: as Unix seconds. Without a zone it is UTC.
    static func time(_ text: ArraySlice<UInt8>) throws(BadFilterValue) -> FilterNumber {
        let bytes = Array(text)
        var index = 0
        func fail() -> BadFilterValue { BadFilterValue(timeForm) }
        func number(_ count: Int, _ range: ClosedRange<Int>, before: Character? = nil) throws(BadFilterValue)
            -> Int
        {
            if let before {
                guard index < bytes.count, bytes[index] == before.asciiValue else { throw fail() }
                index += 1
            }
            guard index + count <= bytes.count else { throw fail() }
            var value = 0
            for byte in bytes[index..<index + count] {
                guard (0x30...0x39).contains(byte) else { throw fail() }
                value = value * 10 + Int(byte - 0x30)
            }
            index += count
            guard range.contains(value) else { throw fail() }
            return value
        }
        let year = try number(4, 1...9999)
        let month = try number(2, 1...12, before: "-")
        let day = try number(2, 1...31, before: "-")
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        guard day <= [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] else {
            throw BadFilterValue("no such day: that month has fewer")
        }
        var seconds = daysSinceEpoch(year, month, day) * 86_400
        var nanoseconds = 0
        if index < bytes.count {
            seconds += try number(2, 0...23, before: "T") * 3600
            seconds += try number(2, 0...59, before: ":") * 60
            if index < bytes.count, bytes[index] == UInt8(ascii: ":") {
                seconds += try number(2, 0...59, before: ":")
                if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
                    index += 1
                    var scale = 100_000_000
                    let start = index
                    while index < bytes.count, (0x30...0x39).contains(bytes[index]), index - start < 9 {
                        nanoseconds += Int(bytes[index] - 0x30) * scale
                        scale /= 10
                        index += 1
                    }
                    if index == start { throw fail() }
                }
            }
            if index < bytes.count {
                switch bytes[index] {
                case UInt8(ascii: "Z"): index += 1
                case UInt8(ascii: "+"): seconds -= try zone(number, "+")
                case UInt8(ascii: "-"): seconds += try zone(number, "-")
                default: throw fail()
                }
            }
        }
        guard index == bytes.count else { throw fail() }
        let total = Int128(seconds) * 1_000_000_000 + Int128(nanoseconds)
        return FilterNumber(
            FilterDecimal(isNegative: total < 0, coefficient: UInt128(total.magnitude), exponent: -9),
            isFraction: nanoseconds != 0)
    }

    private static func zone(
        _ number: (Int, ClosedRange<Int>, Character?) throws(BadFilterValue) -> Int, _ sign: Character
    ) throws(BadFilterValue) -> Int {
        let hours = try number(2, 0...23, sign)
        return try hours * 3600 + number(2, 0...59, ":") * 60
    }

    /// Days from 1970-01-01 in the Gregorian calendar, counted from 1 March of year 0 so that a leap day is a year's last.
    private static func daysSinceEpoch(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let monthFromMarch = (month + 9) % 12
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + (monthFromMarch * 153 + 2) / 5
            + day - 1
            - 719_468
    }
}

/// What is wrong with a value; the parser adds the place.
struct BadFilterValue: Error {
    let message: String

    init(_ message: String) {
        self.message = message
    }
}
