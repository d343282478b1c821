import SkeinFilter
import SkeinPlatform
import SkeinWire

/// What `skein ingest` is asked for.
struct IngestOptions {
    static let follow = CommandLineOptions.Option("follow", "F")
    static let fromStart = CommandLineOptions.Option("from-start", takesValue: false)
    static let match = CommandLineOptions.Option("match")
    static let text = CommandLineOptions.Option("text")
    static let json = CommandLineOptions.Option("json", takesValue: false)
    static let endpoint = CommandLineOptions.Option("endpoint")
    static let spool = CommandLineOptions.Option("spool")
    static let state = CommandLineOptions.Option("state")
    static let service = CommandLineOptions.Option("service")
    static let timeout = CommandLineOptions.Option("timeout")
    static let all = [
        CommandLineOptions.Option.host, follow, fromStart, match, text, json, endpoint, spool, state, service,
        timeout,
    ]

    /// Files to follow; none: standard input.
    var files: [(type: String, path: String)] = []
    /// The type of events of standard input.
    var type = "line"
    var startsAtStart: Bool
    var format: LineFormat
    var endpointText: String?
    var address: ControlAddress
    var spoolPath: String?
    /// Where positions are kept.
    var statePath: String?
    var serviceName: String?
    /// How long to wait at the end for what is not acknowledged.
    var patience: Duration

    init(_ options: CommandLineOptions) throws(ToolFailure) {
        for text in options.values(Self.follow) {
            guard let colon = text.firstIndex(of: ":"), colon != text.startIndex,
                text.index(after: colon) != text.endIndex
            else {
                throw .usage("option -F: \(SafeText.of(text)) is not of the form TYPE:FILE")
            }
            let path = String(text[text.index(after: colon)...])
            guard !files.contains(where: { $0.path == path }) else {
                throw .usage("option -F: \(SafeText.of(path)) is given twice")
            }
            files.append((try Self.type(String(text[..<colon])), path))
        }
        guard options.operands.count <= (files.isEmpty ? 1 : 0) else {
            throw .usage(
                files.isEmpty
                    ? "ingest takes one TYPE at most" : "ingest takes no TYPE beside -F, which has its own")
        }
        if let type = options.operands.first { self.type = try Self.type(type) }
        startsAtStart = options.has(Self.fromStart)
        format = try Self.format(options)
        endpointText = options.value(Self.endpoint)
        address =
            try options.value(.host).map { text throws(ToolFailure) in try ControlAddress(text) } ?? .local
        spoolPath = options.value(Self.spool)
        statePath = options.value(Self.state) ?? (files.isEmpty ? nil : spoolPath.map { $0 + "/positions" })
        if files.isEmpty, let state = options.value(Self.state) {
            throw .usage("option --state: \(SafeText.of(state)) is for files, which -F names")
        }
        serviceName = options.value(Self.service)
        let seconds = options.value(Self.timeout) ?? "30"
        guard let number = Double(seconds), number >= 0, number <= 86_400 else {
            throw .usage("option --timeout: \(SafeText.of(seconds)) is no number of seconds from 0 to 86400")
        }
        patience = .milliseconds(Int(number * 1000))
    }

    private static func type(_ text: String) throws(ToolFailure) -> String {
        guard Array(text.utf8).withUnsafeBytes({ EventType.isValid($0) }) else {
            throw .usage(
                "\(SafeText.of(text)) is no type: 1 to 200 bytes without a slash, control character or leading dot"
            )
        }
        return text
    }

    private static func format(_ options: CommandLineOptions) throws(ToolFailure) -> LineFormat {
        let texts = Set(options.values(text))
        guard let pattern = options.value(match) else {
            guard texts.isEmpty else { throw .usage("option --text is for groups of --match") }
            return LineFormat(kind: options.has(json) ? .json : .text, texts: [])
        }
        guard !options.has(json) else { throw .usage("option --json: not beside --match") }
        let compiled: LinePattern
        do throws(LinePattern.Failure) {
            compiled = try LinePattern(pattern)
        } catch {
            throw .usage("option --match: \(SafeText.of(error.message))")
        }
        guard !compiled.names.isEmpty else {
            throw .usage("option --match: it has no named groups, as (?<status>\\d+)")
        }
        if let unknown = texts.first(where: { !compiled.names.contains($0) }) {
            throw .usage(
                "option --text: no group is called \(SafeText.of(unknown)): \(compiled.names.joined(separator: ", "))"
            )
        }
        return LineFormat(kind: .pattern(compiled), texts: texts)
    }
}
