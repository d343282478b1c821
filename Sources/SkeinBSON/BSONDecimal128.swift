internal import CSkeinBSON

/// A decimal floating-point number of 34 digits (IEEE 754-2008 decimal128, binary integer significand).
@frozen public struct BSONDecimal128: Sendable, Hashable, CustomStringConvertible {
    /// The lower 64 bits.
    public var low: UInt64
    /// The upper 64 bits: sign, exponent and the rest of the significand.
    public var high: UInt64

    /// A number by its bits; every pattern is taken.
    @inlinable
    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// Exact: exponent 0, the number as significand.
    @inlinable
    public init(_ value: UInt64) {
        self.init(low: value, high: 0x3040_0000_0000_0000)
    }

    /// Exact.
    @inlinable
    public init(_ value: Int64) {
        self.init(low: value.magnitude, high: value < 0 ? 0xB040_0000_0000_0000 : 0x3040_0000_0000_0000)
    }

    /// Parses `-1.5E+3`, `Infinity`, `NaN`. Nil for anything else, and for numbers that need rounding. By libbson.
    public init?(_ text: String) {
        // Far above the longest sensible number. libbson reads up to a NUL whatever length it is told, so it gets one.
        let length = text.utf8.count
        guard length > 0, length <= 65_536, !text.utf8.contains(0) else { return nil }
        var low: UInt64 = 0
        var high: UInt64 = 0
        let parsed = text.withCString { skein_bson_decimal128_from_string($0, Int32(length), &low, &high) }
        guard parsed else { return nil }
        self.init(low: low, high: high)
    }

    /// The canonical text (`1.5E+3`), by libbson.
    public var description: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 43) { text in
            guard let base = text.baseAddress else { return "" }
            skein_bson_decimal128_to_string(low, high, base)
            return String(cString: base)
        }
    }

    /// The nearest double.
    public var double: Double {
        if let value = int64 { return Double(value) }
        return Double(description) ?? .nan
    }

    /// The number, if it is whole and fits.
    public var int64: Int64? {
        guard let (negative, magnitude) = wholeNumber else { return nil }
        if negative { return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil }
        return Int64(exactly: magnitude)
    }

    /// The number, if it is whole, not negative, and fits.
    public var uint64: UInt64? {
        guard let (negative, magnitude) = wholeNumber, !negative || magnitude == 0 else { return nil }
        return magnitude
    }

    /// Sign and magnitude of a number that is whole and whose magnitude fits 64 bits.
    private var wholeNumber: (negative: Bool, magnitude: UInt64)? {
        let negative = high >> 63 == 1
        if high >> 61 & 3 == 3 {
            // Infinity and NaN, or the form whose significand is always too large and so means zero.
            return high >> 59 & 0xF == 0xF ? nil : (negative, 0)
        }
        var exponent = Int(high >> 49 & 0x3FFF) - 6176
        var significand = UInt128(high & 0x1_FFFF_FFFF_FFFF) << 64 | UInt128(low)
        if significand == 0 || significand > Self.largestSignificand { return (negative, 0) }
        while exponent < 0 {
            let (quotient, remainder) = significand.quotientAndRemainder(dividingBy: 10)
            guard remainder == 0 else { return nil }
            significand = quotient
            exponent += 1
        }
        while exponent > 0 {
            significand *= 10
            guard significand <= UInt64.max else { return nil }
            exponent -= 1
        }
        guard let magnitude = UInt64(exactly: significand) else { return nil }
        return (negative, magnitude)
    }

    /// 10³⁴ − 1: beyond it a significand is not canonical and means zero.
    private static let largestSignificand: UInt128 = 9_999_999_999_999_999_999_999_999_999_999_999
}
