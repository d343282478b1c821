/// What a filter says, as it was read.
indirect enum FilterSyntax {
    case all([FilterSyntax])
    case any([FilterSyntax])
    case not(FilterSyntax)
    case term(FilterTerm)
}

/// One statement about one field.
struct FilterTerm {
    enum Test {
        case exists
        /// The value equals one of these; negated: it has a value, and none of these is it.
        case oneOf([FilterLiteral], isNegated: Bool)
        case order(FilterOrder, FilterLiteral)
        case glob([GlobPart])
        case expression(RegularExpression)
    }

    var field: FilterField
    var test: Test
}

/// How a value lies to the one it is compared with.
enum FilterOrder: UInt8 {
    case less, lessOrEqual, greater, greaterOrEqual

    /// - Parameter comparison: below zero if the value is the smaller one.
    @inline(__always)
    func holds(_ comparison: Int) -> Bool {
        switch self {
        case .less: comparison < 0
        case .lessOrEqual: comparison <= 0
        case .greater: comparison > 0
        case .greaterOrEqual: comparison >= 0
        }
    }
}

/// A value in a filter.
enum FilterLiteral {
    /// A number, a duration in seconds, or a time in Unix seconds.
    case number(FilterNumber)
    case text([UInt8])
    case bool(Bool)
    case null
}

/// Limits on the text of a filter: a filter may come from a stranger, too.
enum FilterLimits {
    static let sourceBytes = 16 << 10
    /// Parentheses and `not`s inside each other.
    static let depth = 64
    /// Terms, each value in an `in (…)` counted.
    static let terms = 1000
    /// Steps of a path.
    static let steps = 32
    /// Parts of one glob.
    static let globParts = 256
}
