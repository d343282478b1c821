/// What handlers cannot do: what was attempted, on what, what came back, what to do.
public struct LoggingError: Error, Sendable, CustomStringConvertible {
    /// What is wrong; grows without breaking a `switch` that has a default.
    public struct Code: Sendable, Hashable {
        let name: String
        /// A file cannot be opened for appending.
        public static let file = Code(name: "file")
        /// An endpoint that libzmq does not know.
        public static let endpoint = Code(name: "endpoint")
        /// A setting out of its range.
        public static let setting = Code(name: "setting")
    }

    /// What is wrong, for a program to branch on.
    public let code: Code
    /// The same for a person.
    public let message: String
    public var description: String { message }

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
