/// What a collector could not do: one line that says what was attempted, on what, and what came back.
public struct CollectorError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure. More kinds may come, so a `switch` over it needs a `default`.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The code as a word.
        public let rawValue: String

        /// A code by its word, known or not.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// A port cannot be had.
        public static let port = Code(rawValue: "port")
        /// A folder or file cannot be made or written.
        public static let folder = Code(rawValue: "folder")
        /// The journal cannot be opened.
        public static let journal = Code(rawValue: "journal")
        /// The machine has no threads, sockets or descriptors left.
        public static let resources = Code(rawValue: "resources")
        /// It was not done in the time given.
        public static let timeout = Code(rawValue: "timeout")
        /// The collector does not run, or what was asked for cannot be changed while it does.
        public static let state = Code(rawValue: "state")
    }

    /// What went wrong, for a program to branch on.
    public let code: Code
    /// What was attempted, on what, and what came back, in one line.
    public let message: String

    /// An error by its parts.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
