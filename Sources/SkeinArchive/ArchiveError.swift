public import SkeinPlatform

/// What went wrong with the archive: what was attempted, on which path, what came back.
public struct ArchiveError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure; the set may grow.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code as a word.
        public let description: String

        private init(_ description: String) { self.description = description }

        /// The system refused: see ``ArchiveError/system``.
        public static let system = Code("system")
        /// Another process holds the day's folder.
        public static let locked = Code("locked")
        /// Compressed bytes that zstd cannot read, or a zipped file that is not what was written.
        public static let corrupt = Code("corrupt")
        /// A date, pattern or number that cannot be meant.
        public static let badArgument = Code("badArgument")
    }

    /// What went wrong, for a program to branch on.
    public let code: Code
    /// One sentence: what was attempted, on what, what came back, what to do.
    public let message: String
    /// The system's error, if it was one.
    public let system: SystemError?

    /// An error that no system call brought: ``system`` is nil.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
        self.system = nil
    }

    /// A failed system call: `cannot <attempt> <path>: ENOENT (No such file or directory)`.
    public init(_ attempt: String, _ path: String, _ system: SystemError) {
        self.code = .system
        self.message = "cannot \(attempt) \(path): \(system)"
        self.system = system
    }

    /// Whether the file or folder is not there.
    public var isMissing: Bool { system?.code == ENOENT || system?.code == ENOTDIR }

    public var description: String { message }
}
