/// One value as SQLite stores it: the five storage classes.
public enum SQLiteValue: Sendable, Hashable {
    /// No value.
    case null
    /// A whole number of 64 bits, signed.
    case integer(Int64)
    /// 64-bit floating point.
    case real(Double)
    /// Text, UTF-8.
    case text(String)
    /// Bytes as they are.
    case blob([UInt8])
}

extension SQLiteValue: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral,
    ExpressibleByNilLiteral
{
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .real(value) }
    public init(stringLiteral value: String) { self = .text(value) }
    public init(nilLiteral: ()) { self = .null }
}

extension SQLiteValue {
    /// An integer; what does not fit 64 signed bits becomes the nearest that does.
    public init(_ value: some BinaryInteger) { self = .integer(Int64(clamping: value)) }
    /// A real.
    public init(_ value: Double) { self = .real(value) }
    /// A text.
    public init(_ value: String) { self = .text(value) }
    /// Text, or null for nil.
    public init(_ value: String?) { self = value.map { .text($0) } ?? .null }
}
