/// Numbers with units, as people read them.
enum Quantity {
    /// A duration: `830 µs`, `152 ms`, `1.25 s`, `2 min 5 s`, `3 h 20 min`. Three digits that count.
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite else { return "?" }
        if seconds < 0 { return "-" + duration(-seconds) }
        if seconds < 0.999_5e-3 { return rounded(seconds * 1e6) + " µs" }
        if seconds < 0.999_5 { return rounded(seconds * 1e3) + " ms" }
        if seconds < 59.95 { return rounded(seconds) + " s" }
        guard seconds < 1e15 else { return "\(seconds) s" }
        let whole = Int(seconds.rounded())
        if whole < 3600 { return "\(whole / 60) min" + (whole % 60 > 0 ? " \(whole % 60) s" : "") }
        if whole < 86_400 {
            return "\(whole / 3600) h" + (whole / 60 % 60 > 0 ? " \(whole / 60 % 60) min" : "")
        }
        return "\(whole / 86_400) d" + (whole / 3600 % 24 > 0 ? " \(whole / 3600 % 24) h" : "")
    }

    /// Bytes: `812 B`, `4.2 MB`; powers of 1,000.
    static func bytes(_ count: Int) -> String {
        if count < 1000 { return "\(count) B" }
        var value = Double(count) / 1000
        for unit in ["kB", "MB", "GB", "TB"] {
            if value < 999.5 { return rounded(value) + " " + unit }
            value /= 1000
        }
        return rounded(value) + " PB"
    }

    /// A count with its thousands apart: `1,234,567`.
    static func count(_ number: Int) -> String {
        let digits = Array(String(number.magnitude).utf8)
        var result = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { result += "," }
            result.unicodeScalars.append(Unicode.Scalar(digit))
        }
        return result
    }

    /// `1 event`, `2 events`.
    static func plural(_ number: Int, _ noun: String) -> String {
        count(number) + " " + noun + (number == 1 ? "" : "s")
    }

    /// Three digits that count, at most two behind the point.
    private static func rounded(_ value: Double) -> String {
        let places = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
        let scale = places == 2 ? 100.0 : places == 1 ? 10.0 : 1.0
        let scaled = Int((value * scale).rounded())
        let whole = scaled / Int(scale)
        var fraction = scaled % Int(scale)
        if fraction == 0 { return "\(whole)" }
        var digits = places
        while fraction % 10 == 0 {
            fraction /= 10
            digits -= 1
        }
        let text = String(fraction)
        return "\(whole)." + String(repeating: "0", count: digits - text.utf8.count) + text
    }
}
