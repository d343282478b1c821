import SkeinPlatform

/// The world around the tool: its streams, what kind they are, its environment, the time. A test makes its own.
final class Console {
    let output: OutputSink
    let errors: OutputSink
    /// Standard input.
    var input: Int32 = STDIN_FILENO
    var inputIsTerminal = false
    var outputIsTerminal = false
    var errorsAreTerminal = false
    /// Columns of the terminal that output goes to.
    var width = 80
    var environment: [String: String] = [:]
    /// Unix nanoseconds.
    var now: () -> Int64 = { SystemClock.wallNanoseconds() }
    /// Becomes true when the user asks to stop (Ctrl-C): what runs without end ends then.
    var isInterrupted: () -> Bool = { false }
    /// Asks to be told of Ctrl-C instead of being ended by it.
    var catchInterrupt: () -> Void = {}

    init(output: OutputSink, errors: OutputSink) {
        self.output = output
        self.errors = errors
    }

    /// The real one.
    static func system() -> Console {
        let console = Console(
            output: OutputSink(descriptor: STDOUT_FILENO), errors: OutputSink(descriptor: STDERR_FILENO))
        console.inputIsTerminal = isatty(STDIN_FILENO) == 1
        console.outputIsTerminal = isatty(STDOUT_FILENO) == 1
        console.errorsAreTerminal = isatty(STDERR_FILENO) == 1
        console.environment = ProcessEnvironment.variables(prefix: "")
        console.width = columns(console.environment)
        console.isInterrupted = { Interrupt.isAsked }
        console.catchInterrupt = Interrupt.watch
        return console
    }

    /// One line to standard error, at once. That it cannot be written is no reason to stop.
    func complain(_ line: String) {
        try? errors.writeLine(line)
        try? errors.flush()
    }

    private static func columns(_ environment: [String: String]) -> Int {
        var size = winsize()
        if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        return environment["COLUMNS"].flatMap(Int.init).map { min(max($0, 20), 1000) } ?? 80
    }
}
