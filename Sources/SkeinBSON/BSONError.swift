/// Why bytes are no BSON, or a value cannot become BSON.
public struct BSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What went wrong, to be compared; more codes may come.
    public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// The code as a word in snake case.
        public let rawValue: String

        /// A code by its word, known or not.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The bytes end before what was announced.
        public static let truncated = Code(rawValue: "truncated")
        /// Bytes follow where the document ends.
        public static let trailingBytes = Code(rawValue: "trailing_bytes")
        /// A length that cannot be, or does not agree with what surrounds it.
        public static let badLength = Code(rawValue: "bad_length")
        /// A zero byte is missing where the format demands one.
        public static let missingTerminator = Code(rawValue: "missing_terminator")
        /// A type byte that BSON does not have.
        public static let unknownType = Code(rawValue: "unknown_type")
        /// A value that its type does not have, such as a bool of 7.
        public static let badValue = Code(rawValue: "bad_value")
        /// Text or a key that is not UTF-8.
        public static let invalidUTF8 = Code(rawValue: "invalid_utf8")
        /// More nested documents than allowed.
        public static let tooDeep = Code(rawValue: "too_deep")
        /// More bytes than a document can have.
        public static let tooLarge = Code(rawValue: "too_large")
        /// Text that is no Extended JSON.
        public static let invalidJSON = Code(rawValue: "invalid_json")

        public var description: String { rawValue }
    }

    /// What went wrong, for a program to branch on.
    public let code: Code
    /// What was attempted, on what, and what came back. Holds no payload.
    public let message: String
    /// Where, in bytes from the start of what was read; -1 if unknown.
    public let offset: Int

    /// - Parameter offset: bytes from the start of what was read, -1 if unknown.
    public init(code: Code, message: String, offset: Int = -1) {
        self.code = code
        self.message = message
        self.offset = offset
    }

    public var description: String {
        offset < 0 ? "\(message) [\(code)]" : "\(message) at byte \(offset) [\(code)]"
    }
}

/// A finding inside the walk, before it is worth a message: no allocation, no reference counts.
@frozen @usableFromInline enum BSONFault: UInt8, Sendable {
    case truncated, trailingBytes, badLength, missingTerminator, unknownType, badValue, invalidUTF8, tooDeep

    /// The error that tells this finding.
    @usableFromInline @inline(never) func error(at offset: Int) -> BSONError {
        switch self {
        case .truncated:
            BSONError(
                code: .truncated, message: "reading BSON: the bytes end inside an element", offset: offset)
        case .trailingBytes:
            BSONError(
                code: .trailingBytes, message: "reading BSON: bytes follow the end of the document",
                offset: offset)
        case .badLength:
            BSONError(
                code: .badLength, message: "reading BSON: a length does not agree with the bytes around it",
                offset: offset)
        case .missingTerminator:
            BSONError(
                code: .missingTerminator,
                message: "reading BSON: a zero byte is missing where one must end something",
                offset: offset)
        case .unknownType:
            BSONError(code: .unknownType, message: "reading BSON: no such element type", offset: offset)
        case .badValue:
            BSONError(
                code: .badValue, message: "reading BSON: a value that its type does not have", offset: offset)
        case .invalidUTF8:
            BSONError(code: .invalidUTF8, message: "reading BSON: text that is not UTF-8", offset: offset)
        case .tooDeep:
            BSONError(
                code: .tooDeep, message: "reading BSON: documents nest deeper than allowed", offset: offset)
        }
    }
}
