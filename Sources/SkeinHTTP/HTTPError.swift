/// Why a server did not start or a request got no answer: what was attempted, on what, what came back.
///
/// An answer with a status of 400 or more is no error of this kind: it is an answer.
public struct HTTPError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure. It can grow: switch with a `default`.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The code as a word.
        public let rawValue: String
        /// A code by its word, known or not.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// A server's address cannot be had.
        public static let cannotListen = Code(rawValue: "cannotListen")
        /// The request is none that may be sent: a method, header or address with forbidden characters.
        public static let badRequest = Code(rawValue: "badRequest")
        /// No connection: refused, unreachable, unknown host.
        public static let cannotConnect = Code(rawValue: "cannotConnect")
        /// The time limit passed, while connecting or later.
        public static let timedOut = Code(rawValue: "timedOut")
        /// The answer's headers or body are larger than allowed.
        public static let tooLarge = Code(rawValue: "tooLarge")
        /// The connection broke, or what came back is not HTTP.
        public static let badAnswer = Code(rawValue: "badAnswer")
        /// The library or the system has no memory, threads or descriptors to give.
        public static let exhausted = Code(rawValue: "exhausted")
    }

    /// What went wrong, for a program to branch on.
    public let code: Code
    /// The whole sentence.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
