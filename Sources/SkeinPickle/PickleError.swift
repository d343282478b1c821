/// Why bytes are no pickle that can be read.
public struct PickleError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What went wrong, to be compared; more codes may come.
    public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// The code as a word in snake case.
        public let rawValue: String

        /// A code by its word, known or not.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The bytes end in the middle: half a pickle.
        public static let truncated = Code(rawValue: "truncated")
        /// Bytes follow the end.
        public static let trailingBytes = Code(rawValue: "trailing_bytes")
        /// A byte that is no instruction, or a protocol above 5.
        public static let unknownInstruction = Code(rawValue: "unknown_instruction")
        /// A number, text or length that cannot be meant.
        public static let badValue = Code(rawValue: "bad_value")
        /// An instruction that takes what is not there: from the stack, or from the memo.
        public static let badStack = Code(rawValue: "bad_stack")
        /// What needs the program that wrote it: persistent ids, buffers beside the pickle.
        public static let unsupported = Code(rawValue: "unsupported")
        /// Values nest deeper than allowed.
        public static let tooDeep = Code(rawValue: "too_deep")
        /// More bytes, values or work than allowed.
        public static let tooLarge = Code(rawValue: "too_large")

        public var description: String { rawValue }
    }

    /// What went wrong, for a program to branch on.
    public let code: Code
    /// What was attempted and what came back. Holds no payload.
    public let message: String
    /// Where, in bytes from the first; -1 if it is no place.
    public let offset: Int

    /// - Parameter offset: bytes from the first, -1 if unknown.
    public init(code: Code, message: String, offset: Int = -1) {
        self.code = code
        self.message = message
        self.offset = offset
    }

    public var description: String {
        let message = "reading a pickle: \(message)"
        return offset < 0 ? "\(message) [\(code)]" : "\(message) at byte \(offset) [\(code)]"
    }
}
