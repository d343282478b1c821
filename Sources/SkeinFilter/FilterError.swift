/// Why a text is no filter: what was expected, what is there instead, and where.
public struct FilterError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What went wrong, to be compared; more codes may come.
    public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// The code as a word in snake case.
        public let rawValue: String

        /// A code by its word, known or not.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The text does not follow the grammar.
        public static let syntax = Code(rawValue: "syntax")
        /// A number, duration, time or text that cannot be meant.
        public static let badValue = Code(rawValue: "bad_value")
        /// A glob or regular expression that cannot be meant.
        public static let badPattern = Code(rawValue: "bad_pattern")
        /// More bytes, nesting, terms or steps of a path than allowed.
        public static let tooLarge = Code(rawValue: "too_large")

        public var description: String { rawValue }
    }

    /// What went wrong, for a program to branch on.
    public let code: Code
    /// What was expected, and what is there.
    public let message: String
    /// Where, in characters from 1.
    public let column: Int
    /// Two lines: the text, or as much of it as fits, and below it a caret at the column. Control characters are
    /// shown as `.`, so that it can go to a terminal.
    public let diagram: String

    /// One line: the column and the message.
    public var description: String { "column \(column): \(message)" }

    /// - Parameter offset: where in `source`, in bytes.
    init(_ code: Code, _ message: String, in source: [UInt8], at offset: Int) {
        self.code = code
        self.message = message
        let before = source[..<min(offset, source.count)]
        column = before.count(where: Self.isCharacterStart) + 1
        diagram = Self.diagram(source, column: column)
    }

    private static func isCharacterStart(_ byte: UInt8) -> Bool { byte & 0xC0 != 0x80 }

    /// At most so many characters of the text are shown.
    private static let width = 76

    private static func diagram(_ source: [UInt8], column: Int) -> String {
        // Long texts are not decoded whole: a character has at most four bytes.
        let scalars = Array(String(decoding: source, as: UTF8.self).unicodeScalars.prefix(column + width))
        let start = max(0, column - 1 - width / 2)
        let shown = scalars[min(start, scalars.count)...].prefix(width)
        var line = ""
        for scalar in shown {
            let isPrintable =
                !(scalar.properties.generalCategory == .control
                || scalar.properties.generalCategory == .format
                || scalar.properties.generalCategory == .lineSeparator
                || scalar.properties.generalCategory == .paragraphSeparator)
            line.unicodeScalars.append(isPrintable ? scalar : ".")
        }
        return line + "\n" + String(repeating: " ", count: column - 1 - start) + "^"
    }
}
