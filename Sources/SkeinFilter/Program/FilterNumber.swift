/// A number of a filter, prepared for comparison with every numeric type: exact, without rounding either side.
///
/// A number written as a fraction (`0.1`) stands for the double nearest to it where it meets a double, since that is how the value
/// was made; where it meets anything else it is exactly what was written.
struct FilterNumber {
    /// The exact value, (−1)^`isNegative` · `coefficient` · 10^`exponent`.
    let decimal: FilterDecimal
    private let double: Double
    /// How the number lies to `double`, which is the nearest to it: −1, 0 or 1.
    private let besideDouble: Int8
    private let whole: Whole
    /// The same for a thousand times the number: datetimes are milliseconds.
    private let milliseconds: Whole

    init(_ decimal: FilterDecimal, isFraction: Bool) {
        self.decimal = decimal
        double = decimal.nearestDouble
        besideDouble = isFraction ? 0 : Int8(decimal.side(of: double))
        whole = Whole(decimal)
        var thousand = decimal
        thousand.exponent += 3
        milliseconds = Whole(thousand)
    }

    // MARK: Comparing a value with it: below zero if the value is the smaller one

    @inline(__always)
    func compare(_ value: Int64) -> Int { whole.compare(value) }

    @inline(__always)
    func compare(milliseconds value: Int64) -> Int { milliseconds.compare(value) }

    /// nil for NaN, which lies nowhere.
    @inline(__always)
    func compare(_ value: Double) -> Int? {
        if value < double { return -1 }
        if value > double { return 1 }
        return value == double ? -Int(besideDouble) : nil
    }

    /// A number against the whole numbers of 64 bits.
    private struct Whole {
        enum Place: UInt8 { case below, at, behind, above }
        /// `behind`: between `floor` and the next.
        var place: Place
        var floor: Int64

        init(_ decimal: FilterDecimal) {
            guard let (quotient, isExact) = decimal.truncated else {
                place = decimal.isNegative ? .below : .above
                floor = 0
                return
            }
            let limit = UInt128(Int64.max) + (decimal.isNegative ? 1 : 0)
            guard quotient <= limit else {
                place = decimal.isNegative ? .below : .above
                floor = 0
                return
            }
            place = isExact ? .at : .behind
            let value = Int64(truncatingIfNeeded: quotient)
            floor = decimal.isNegative ? 0 &- value : value
            if decimal.isNegative, !isExact {
                if floor == .min { place = .below } else { floor -= 1 }
            }
        }

        @inline(__always)
        func compare(_ value: Int64) -> Int {
            switch place {
            case .at: value < floor ? -1 : value > floor ? 1 : 0
            case .behind: value <= floor ? -1 : 1
            case .below: 1
            case .above: -1
            }
        }
    }
}

/// A decimal number of at most 34 digits, or what a decimal128 holds.
struct FilterDecimal {
    var isNegative: Bool
    var coefficient: UInt128
    var exponent: Int

    static let mostDigits = 34

    /// The value without what is behind its point, and whether nothing was; nil if it is larger than 128 bits.
    var truncated: (UInt128, isExact: Bool)? {
        if coefficient == 0 { return (0, true) }
        if exponent >= 0 {
            guard exponent < 39 else { return nil }
            var value = coefficient
            for _ in 0..<exponent {
                let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                if overflow { return nil }
                value = product
            }
            return (value, true)
        }
        guard exponent > -39 else { return (0, false) }
        var value = coefficient
        var isExact = true
        for _ in 0..<(-exponent) {
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10)
            value = quotient
            isExact = isExact && remainder == 0
        }
        return (value, isExact)
    }

    var nearestDouble: Double {
        let magnitude = Double("\(coefficient)e\(exponent)") ?? .infinity
        return isNegative ? -magnitude : magnitude
    }

    /// How the number lies to a double that is whole; 0 beyond 128 bits.
    func side(of double: Double) -> Int {
        guard let (magnitude, isExact) = truncated, isExact,
            let other = UInt128(exactly: double.magnitude), (double < 0) == isNegative || coefficient == 0
        else { return 0 }
        let side = magnitude < other ? -1 : magnitude > other ? 1 : 0
        return isNegative ? -side : side
    }

    /// Below zero if `self` is the smaller one. Exact.
    func compare(_ other: FilterDecimal) -> Int {
        if coefficient == 0 || other.coefficient == 0 {
            if coefficient == other.coefficient { return 0 }
            return coefficient == 0 ? (other.isNegative ? 1 : -1) : (isNegative ? -1 : 1)
        }
        if isNegative != other.isNegative { return isNegative ? -1 : 1 }
        let magnitude = compareMagnitude(other)
        return isNegative ? -magnitude : magnitude
    }

    /// Neither is zero.
    private func compareMagnitude(_ other: FilterDecimal) -> Int {
        let ours = Self.digits(coefficient)
        let theirs = Self.digits(other.coefficient)
        let order = ours + exponent
        let otherOrder = theirs + other.exponent
        if order != otherOrder { return order < otherOrder ? -1 : 1 }
        // The one with fewer digits is padded: it gets as many as the other, at most 38.
        var left = coefficient
        var right = other.coefficient
        for _ in 0..<max(0, theirs - ours) { left *= 10 }
        for _ in 0..<max(0, ours - theirs) { right *= 10 }
        return left < right ? -1 : left > right ? 1 : 0
    }

    private static func digits(_ value: UInt128) -> Int {
        var rest = value
        var count = 0
        while rest > 0 {
            rest /= 10
            count += 1
        }
        return count
    }

    /// 10³⁴ − 1: beyond it a significand of a decimal128 is not canonical and means zero.
    private static let largestSignificand: UInt128 = 9_999_999_999_999_999_999_999_999_999_999_999

    /// What a decimal128 is.
    enum Meaning {
        case number(FilterDecimal)
        case infinity(isNegative: Bool)
        case notANumber
    }

    /// Reads a decimal128 by its bits (IEEE 754-2008, binary integer significand).
    static func read(low: UInt64, high: UInt64) -> Meaning {
        let isNegative = high >> 63 == 1
        if high >> 61 & 3 == 3 {
            switch high >> 58 & 0x1F {
            case 0x1E: return .infinity(isNegative: isNegative)
            case 0x1F: return .notANumber
            default: return .number(FilterDecimal(isNegative: isNegative, coefficient: 0, exponent: 0))
            }
        }
        let significand = UInt128(high & 0x1_FFFF_FFFF_FFFF) << 64 | UInt128(low)
        return .number(
            FilterDecimal(
                isNegative: isNegative, coefficient: significand > largestSignificand ? 0 : significand,
                exponent: Int(high >> 49 & 0x3FFF) - 6176))
    }
}
