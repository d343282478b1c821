import Skein
import SkeinPlatform

/// What both services can be told on the command line.
struct ServiceOptions {
    var host = "127.0.0.1"
    var port: UInt16 = 0
    var pipeline: EventPipeline.Configuration
    /// Ends with the standard input.
    var endsWithInput = false

    static let options: [CommandLineOptions.Option] = [
        .init("listen"), .init("endpoint"), .init("spool"), .init("until-stdin-closes", takesValue: false),
        .init("help", "h", takesValue: false),
    ]

    init(_ line: CommandLineOptions, service: String) throws {
        // The environment's variables, then the flags.
        pipeline = try EventPipeline.Configuration.fromEnvironment()
        pipeline.service = service
        if let endpoint = line.last("endpoint") { pipeline.endpoint = endpoint }
        if let spool = line.last("spool") { pipeline.spool = spool }
        if let text = line.last("listen") {
            guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
                colon != text.startIndex
            else {
                throw DemoError.usage(
                    "--listen is \"\(text)\"; HOST:PORT is accepted, for instance 127.0.0.1:0")
            }
            let named = text[..<colon]
            host = String(named.hasPrefix("[") && named.hasSuffix("]") ? named.dropFirst().dropLast() : named)
            self.port = port
        }
        endsWithInput = line.last("until-stdin-closes") != nil
    }
}
