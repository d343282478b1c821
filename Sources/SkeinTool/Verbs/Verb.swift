/// One verb of the tool.
protocol Verb {
    static var help: String { get }
    /// - Returns: the exit code.
    static func run(_ arguments: [String], _ console: Console) throws(ToolFailure) -> Int32
}
