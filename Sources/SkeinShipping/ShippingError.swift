/// What the shipper could not do: what was attempted, on what, and what to do about it.
public struct ShippingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure. More kinds may come, so a `switch` over it needs a `default`.
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The code as a word.
        public let rawValue: String

        /// A code by its word, known or not.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        public var description: String { rawValue }

        /// An endpoint that is none.
        public static let endpoint = Code(rawValue: "endpoint")
        /// A journal that cannot be adopted.
        public static let journal = Code(rawValue: "journal")
        /// The system has no thread or descriptor to give.
        public static let resources = Code(rawValue: "resources")
    }

    /// What went wrong, for a program to branch on.
    public let code: Code
    /// What was attempted, on what, and what to do about it, in one line.
    public let message: String

    /// An error by its parts.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
