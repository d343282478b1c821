import SkeinBSON
import SkeinPlatform
import SkeinZeroMQ

/// `skein ctl`: asks a daemon.
enum ControlVerb: Verb {
    static let help = Help.control

    private static let json = CommandLineOptions.Option("json", takesValue: false)
    private static let raw = CommandLineOptions.Option("raw", "r", takesValue: false)
    private static let timeout = CommandLineOptions.Option("timeout")
    private static let commands = ["status", "flush", "rotate", "reload", "forget", "shutdown"]

    static func run(_ arguments: [String], _ console: Console) throws(ToolFailure) -> Int32 {
        let options = try CommandLineOptions.read(
            "ctl", arguments, [.host, json, raw, timeout, CurveOptions.ownKey, CurveOptions.serverKey])
        if options.has(.help) {
            try console.output.writeLine(help)
            return ExitCode.done
        }
        let accepted = commands.joined(separator: ", ")
        guard let command = options.operands.first else { throw .usage("ctl needs a command: \(accepted)") }
        let operands = command == "forget" ? 2 : 1
        if command == "forget", options.operands.count == 1 {
            throw .usage("ctl forget needs the name of an outlet that is no longer configured")
        }
        guard commands.contains(command), options.operands.count == operands else {
            let wrong =
                options.operands.count > operands && commands.contains(command)
                ? options.operands[operands] : command
            throw .usage("ctl has no command \(SafeText.of(wrong)): it is one of \(accepted)")
        }
        let address =
            try options.value(.host).map { text throws(ToolFailure) in try ControlAddress(text) } ?? .local
        let answer = try ask(
            command, operands == 2 ? options.operands[1] : nil, address, try CurveOptions(options),
            try patience(options, command), console)
        if options.has(json) || options.has(raw) {
            try writeJSON(answer, console)
        } else if command == "status" {
            let layout = Layout(console, noColor: false)
            for line in StatusReport(answer, now: Double(console.now()) / 1e9).lines {
                try console.output.writeLine(layout.text(of: line, isCut: false))
            }
        }
        if let error = answer["error"] {
            throw .failed("the daemon at \(address) answers: \(SafeText.of(error.stringValue ?? "an error"))")
        }
        return ExitCode.done
    }

    private static func patience(_ options: CommandLineOptions, _ command: String) throws(ToolFailure)
        -> Duration
    {
        guard let text = options.value(timeout) else {
            return ["flush", "rotate", "forget"].contains(command) ? .seconds(60) : .seconds(5)
        }
        guard let seconds = Double(text), seconds > 0, seconds <= 86_400 else {
            throw .usage("option --timeout: \(SafeText.of(text)) is no number of seconds from 0 to 86400")
        }
        return .milliseconds(Int64((seconds * 1000).rounded(.up)))
    }

    private static func ask(
        _ command: String, _ name: String?, _ address: ControlAddress, _ curve: CurveOptions,
        _ patience: Duration,
        _ console: Console
    ) throws(ToolFailure) -> BSONDocument {
        let context: ZMQContext
        do throws(ZMQError) {
            context = try ZMQContext()
        } catch {
            throw .failed("\(error)")
        }
        defer { context.shutdown() }
        return try ControlClient(address, curve, context: context, console: console)
            .ask(command.uppercased(), name: name, timeout: patience)
    }

    private static func writeJSON(_ answer: BSONDocument, _ console: Console) throws(ToolFailure) {
        let json: String
        do throws(BSONError) {
            json = try ExtendedJSON.encode(answer, .relaxed)
        } catch {
            throw .failed("the answer cannot be written as JSON: \(error)")
        }
        try console.output.writeLine(JSONText.safe(json))
    }
}
