/// A value that cannot be meant: what is wrong with it, and what would be right. The reader of the flags, variables
/// or file adds the place.
struct BadValue: Error {
    let message: String

    init(_ problem: String, accepts: String? = nil) {
        message = accepts.map { "\(problem); expected \($0)" } ?? problem
    }
}

/// What is wrong with a configuration: one line that names the place, the value and the accepted form.
public struct ConfigurationMistake: Error, Sendable, Hashable, CustomStringConvertible {
    /// Where the value stands.
    public enum Place: Sendable, Hashable, CustomStringConvertible {
        /// The command line as a whole; its message names the argument.
        case commandLine
        /// A flag of the command line, `--collect`.
        case flag(String)
        /// A variable of the environment, `SKEIND_COLLECT`.
        case variable(String)
        /// A place in a YAML file, line and column from 1.
        case file(String, line: Int, column: Int)
        /// A property of a ``CollectorConfiguration`` made in code, or its default.
        case property(String)

        public var description: String {
            switch self {
            case .commandLine: "command line"
            case .flag(let name), .variable(let name), .property(let name): name
            case .file(let path, let line, let column): "\(path):\(line):\(column)"
            }
        }
    }

    /// Where the value stands.
    public let place: Place
    /// The value, what is wrong with it, and the accepted form; without the place.
    public let message: String

    /// A mistake by its parts.
    public init(_ place: Place, _ message: String) {
        self.place = place
        self.message = message
    }

    public var description: String { place == .commandLine ? message : "\(place): \(message)" }
}
