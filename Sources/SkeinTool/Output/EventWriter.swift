/// A way to show events one by one.
protocol EventWriter: AnyObject {
    func write(_ event: Event) throws(ToolFailure)
}

/// How text is laid out.
struct Layout {
    var isColored = false
    /// Columns to fit into; nil in a pipe, where nothing is cut.
    var width: Int?
    /// Whether only ASCII may be drawn with.
    var isASCII = false

    /// One column that says that something was cut off.
    var mark: String { isASCII ? "~" : "…" }

    init() {}

    /// What suits the output: colour and width on a terminal only, drawing characters unless the locale has none.
    init(_ console: Console, noColor: Bool) {
        let environment = console.environment
        isColored =
            console.outputIsTerminal && !noColor && (environment["NO_COLOR"] ?? "").isEmpty
            && environment["TERM"] != "dumb"
        width = console.outputIsTerminal ? max(console.width, 20) : nil
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        if let locale = locale?.uppercased() {
            isASCII = !locale.contains("UTF-8") && !locale.contains("UTF8")
        }
    }

    /// A line as text; where everything is wanted it is not cut.
    func text(of line: StyledLine, isCut: Bool = true) -> String {
        line.rendered(limit: isCut ? width : nil, isColored: isColored, mark: mark)
    }
}
