/// Why a verb ends early, and with which exit code.
enum ToolFailure: Error, Equatable {
    /// Wrong use: one line that names the argument and the accepted form. Exit code 2.
    case usage(String)
    /// It could not be done. Exit code 1.
    case failed(String)
    /// Whoever read the output is gone: ends quietly, exit code 0.
    case outputClosed
}

/// What a program leaves with.
enum ExitCode {
    static let done: Int32 = 0
    /// Nothing was found, something in the data is wrong, or it could not be done.
    static let nothing: Int32 = 1
    static let wrongUse: Int32 = 2
}
