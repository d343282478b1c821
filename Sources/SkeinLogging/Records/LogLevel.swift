/// How much a record matters: a number, with names for seven of them.
///
/// ```swift
/// let verbose = LogLevel.debug
/// assert(verbose < .error && verbose.name == "DEBUG")
/// let own: LogLevel = 35                     // any other number is a level, too
/// ```
/// The numbers are those of Python's `logging`, with 5 and 25 between them; they stand as `level` in events.
@frozen
public struct LogLevel: RawRepresentable, Sendable, Hashable, Comparable, ExpressibleByIntegerLiteral,
    CustomStringConvertible
{
    /// Every record is at least this: for what takes all.
    public static let all = LogLevel(rawValue: .min)
    /// 0: no level of its own.
    public static let notSet = LogLevel(rawValue: 0)
    /// 5: every step.
    public static let trace = LogLevel(rawValue: 5)
    /// 10: what helps to find a mistake.
    public static let debug = LogLevel(rawValue: 10)
    /// 20: what is usual, and worth knowing.
    public static let info = LogLevel(rawValue: 20)
    /// 25: what is unusual, and no fault.
    public static let notice = LogLevel(rawValue: 25)
    /// 30: what may become a fault.
    public static let warning = LogLevel(rawValue: 30)
    /// 40: something failed.
    public static let error = LogLevel(rawValue: 40)
    /// 50: the program cannot go on as it should.
    public static let critical = LogLevel(rawValue: 50)
    /// No record is at least this: for what takes none.
    public static let off = LogLevel(rawValue: .max)

    /// The seven that have names, from the lowest.
    public static let named: [LogLevel] = [.trace, .debug, .info, .notice, .warning, .error, .critical]

    /// The number.
    public let rawValue: Int32

    /// Any number is a level.
    @inlinable
    public init(rawValue: Int32) { self.rawValue = rawValue }

    @inlinable
    public init(integerLiteral value: Int32) { rawValue = value }

    /// Takes a name in any case (`warn` and `fatal`, too), or a number in decimal digits; nil if it is neither.
    public init?(name: String) {
        switch name.lowercased() {
        case "trace": self = .trace
        case "debug": self = .debug
        case "info": self = .info
        case "notice": self = .notice
        case "warning", "warn": self = .warning
        case "error": self = .error
        case "critical", "fatal": self = .critical
        case "notset": self = .notSet
        case let text:
            guard let number = Int32(text) else { return nil }
            self.init(rawValue: number)
        }
    }

    /// `INFO`; for a number without a name, as Python spells it, `Level 35`.
    public var name: String {
        switch rawValue {
        case 0: "NOTSET"
        case 5: "TRACE"
        case 10: "DEBUG"
        case 20: "INFO"
        case 25: "NOTICE"
        case 30: "WARNING"
        case 40: "ERROR"
        case 50: "CRITICAL"
        default: "Level \(rawValue)"
        }
    }

    public var description: String { name }

    @inlinable
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}
