/// What a record says: a text, or a text with values in it that becomes one when somebody wants to read it.
///
/// ```swift
/// let rows = 3
/// let message: LogMessage = "took \(rows) rows"
/// assert(message.description == "took 3 rows")
/// ```
/// Numbers, truth values, strings and durations are kept as they are, and formatted when the record is let go: a debug message
/// that is held back and then forgotten costs no formatting. Any other value is formatted where the message is made, because it
/// may be another one later; `\(deferred: value)` puts that off, too, for a value that stays what it is.
///
/// Cost: none for a literal; one allocation for a message with values.
public struct LogMessage: Sendable, Hashable, ExpressibleByStringInterpolation, CustomStringConvertible {
    @usableFromInline
    enum Part: Sendable {
        case text(String)
        case integer(Int64)
        case unsigned(UInt64)
        case double(Double)
        case float(Float)
        case truth(Bool)
        case deferred(any CustomStringConvertible & Sendable)
    }

    @usableFromInline let text: String
    /// What stands behind `text`.
    @usableFromInline let parts: [Part]?

    /// A message of which the text is known.
    @inlinable
    public init(_ text: String) {
        self.text = text
        parts = nil
    }

    @inlinable
    public init(stringLiteral value: String) {
        text = value
        parts = nil
    }

    @inlinable
    public init(stringInterpolation: StringInterpolation) {
        text = ""
        parts = stringInterpolation.parts
    }

    /// The formatted text. Costs the formatting, each time.
    public var description: String {
        guard let parts else { return text }
        var result = text
        result.reserveCapacity(parts.count * 12)
        for part in parts { part.write(into: &result) }
        return result
    }

    /// Two messages are equal if they read the same.
    public static func == (left: LogMessage, right: LogMessage) -> Bool {
        left.description == right.description
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(description) }

    /// The pieces between the quotes of a message.
    public struct StringInterpolation: StringInterpolationProtocol {
        @usableFromInline var parts: [Part] = []

        @inlinable
        public init(literalCapacity: Int, interpolationCount: Int) {
            parts.reserveCapacity(interpolationCount * 2 + 1)
        }

        @inlinable
        public mutating func appendLiteral(_ literal: String) {
            if !literal.isEmpty { parts.append(.text(literal)) }
        }

        /// Formatted when it is read.
        @inlinable
        public mutating func appendInterpolation(_ value: String) { parts.append(.text(value)) }

        /// Copied, so that the string it is a piece of can go.
        @inlinable
        public mutating func appendInterpolation(_ value: Substring) { parts.append(.text(String(value))) }

        /// Formatted when it is read.
        @inlinable
        public mutating func appendInterpolation(_ value: Bool) { parts.append(.truth(value)) }

        /// Formatted when it is read.
        @inlinable
        public mutating func appendInterpolation(_ value: Double) { parts.append(.double(value)) }

        /// Formatted when it is read.
        @inlinable
        public mutating func appendInterpolation(_ value: Float) { parts.append(.float(value)) }

        /// Formatted when it is read, if it has at most 64 bits.
        @inlinable
        public mutating func appendInterpolation<Integer: FixedWidthInteger>(_ value: Integer) {
            if let integer = Int64(exactly: value) {
                parts.append(.integer(integer))
            } else if let unsigned = UInt64(exactly: value) {
                parts.append(.unsigned(unsigned))
            } else {
                parts.append(.text(value.description))
            }
        }

        /// Formatted when it is read.
        @inlinable
        public mutating func appendInterpolation(_ value: Duration) { parts.append(.deferred(value)) }

        /// Formatted here and now, as `String(describing:)` does.
        @inlinable
        public mutating func appendInterpolation<Value>(_ value: Value) {
            parts.append(.text(String(describing: value)))
        }

        /// Formatted here and now, nil as the text given.
        @inlinable
        public mutating func appendInterpolation<Value>(
            _ value: Value?, default missing: @autoclosure () -> String
        ) {
            parts.append(.text(value.map { String(describing: $0) } ?? missing()))
        }

        /// Formatted when it is read, and not at all if nobody does: for a value that is dear to format and stays what it is.
        @inlinable
        public mutating func appendInterpolation(deferred value: any CustomStringConvertible & Sendable) {
            parts.append(.deferred(value))
        }
    }
}

extension LogMessage.Part {
    fileprivate func write(into text: inout String) {
        switch self {
        case .text(let part): text += part
        case .integer(let value): text += String(value)
        case .unsigned(let value): text += String(value)
        case .double(let value): text += value.description
        case .float(let value): text += value.description
        case .truth(let value): text += value ? "true" : "false"
        case .deferred(let value): text += value.description
        }
    }
}
