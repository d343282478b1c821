public import SkeinPlatform

/// What a journal could not do: what was attempted, on what, what came back, and what to do about it.
public struct JournalError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure. More kinds may come, so a `switch` over it needs a `default`.
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The code as a word, as messages show it.
        public let rawValue: String

        /// A code by its word, known or not.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        public var description: String { rawValue }

        /// A setting is outside its range. The message names it.
        public static let configuration = Code(rawValue: "configuration")
        /// A living process owns the journal.
        public static let locked = Code(rawValue: "locked")
        /// The budget is used up: every segment holds records that some reader has not passed.
        public static let full = Code(rawValue: "full")
        /// The disk is full, or the user's quota is.
        public static let noSpace = Code(rawValue: "noSpace")
        /// The file system cannot promise that a reserved page can be written.
        public static let unsupported = Code(rawValue: "unsupported")
        /// Bytes in the journal are not what was written.
        public static let damaged = Code(rawValue: "damaged")
        /// A payload of a peer is no run of records, or its numbers do not rise.
        public static let malformed = Code(rawValue: "malformed")
        /// A record is larger than a segment can hold.
        public static let tooLarge = Code(rawValue: "tooLarge")
        /// What was written since the last mark did not reach the disk, and counts as never taken.
        public static let unsynced = Code(rawValue: "unsynced")
        /// The journal was closed, or belongs to the parent of this process.
        public static let closed = Code(rawValue: "closed")
        /// A call of the operating system failed. ``JournalError/cause`` says which error it was.
        public static let system = Code(rawValue: "system")
    }

    /// What went wrong, for a program to branch on.
    public let code: Code
    /// What was attempted, on what, what came back, and what to do about it.
    public let message: String
    /// The operating system's error, if that was the reason.
    public let cause: SystemError?

    /// An error by its parts.
    public init(_ code: Code, _ message: String, cause: SystemError? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The failure of a call of the operating system. A full disk gets its own code.
    init(_ attempt: String, _ cause: SystemError) {
        switch cause.code {
        case ENOSPC, EDQUOT:
            self.init(.noSpace, "\(attempt): \(cause). Free space on that file system.", cause: cause)
        case EOPNOTSUPP, ENOTSUP:
            self.init(
                .unsupported,
                "\(attempt): \(cause). Use a folder on ext4, XFS or tmpfs.", cause: cause)
        default:
            self.init(.system, "\(attempt): \(cause)", cause: cause)
        }
    }

    public var description: String { "journal \(code): \(message)" }
}
