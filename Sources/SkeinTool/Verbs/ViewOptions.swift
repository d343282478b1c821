import SkeinArchive
import SkeinFilter
import SkeinPlatform

/// What `skein view` was asked for.
struct ViewOptions {
    enum Source: Equatable {
        case live(ControlAddress)
        case stored(logPath: String)
        /// `-` is standard input.
        case files([String])
    }

    enum Format: Equatable {
        case lines, pretty
        case json(isPretty: Bool)
        case fields([String])
    }

    enum Grouping: Equatable {
        case none, group, tree
    }

    var source: Source
    var format = Format.lines
    var grouping = Grouping.none
    var filter = EventSelection()
    var follows = false
    var curve = CurveOptions.none
    var noColor = false

    private typealias Option = CommandLineOptions.Option
    private static let follow = Option("follow", "f", takesValue: false)
    private static let whereExpression = Option("where")
    private static let group = Option("group", takesValue: false)
    private static let tree = Option("tree", takesValue: false)
    private static let json = Option("json", takesValue: false)
    private static let pretty = Option("pretty", "p", takesValue: false)
    private static let fields = Option("fields")
    private static let colorless = Option("no-color", takesValue: false)

    /// - Returns: nil if only help was asked for.
    init?(_ arguments: [String], _ console: Console) throws(ToolFailure) {
        let options = try CommandLineOptions.read(
            "view", arguments,
            [
                .host, .logPath, .typeName, .id, .startDate, .endDate, Self.follow, Self.whereExpression,
                Self.group,
                Self.tree, Self.json, Self.pretty, Self.fields, Self.colorless, CurveOptions.ownKey,
                CurveOptions.serverKey,
            ])
        if options.has(.help) { return nil }
        source = try Self.source(options, console)
        filter = try Self.filter(options)
        filter.conditions = try options.values(Self.whereExpression).map(Self.condition)
        follows = options.has(Self.follow)
        curve = try CurveOptions(options)
        noColor = options.has(Self.colorless)
        try readFormat(options)
        if follows, case .live = source { throw .usage("option --follow: live events need no following") }
    }

    private static func source(_ options: CommandLineOptions, _ console: Console) throws(ToolFailure)
        -> Source
    {
        let host = try options.value(.host).map { text throws(ToolFailure) in try ControlAddress(text) }
        let logPath = options.value(.logPath)
        let files = options.operands
        switch (host, logPath, files.isEmpty) {
        case (let host?, nil, true): return .live(host)
        case (nil, let logPath?, true): return .stored(logPath: logPath)
        case (nil, nil, false): return .files(files)
        case (nil, nil, true): return console.inputIsTerminal ? .live(.local) : .files(["-"])
        default: throw .usage("-H, --log-path and files: only one of them says where events come from")
        }
    }

    private static func filter(_ options: CommandLineOptions) throws(ToolFailure) -> EventSelection {
        do throws(ArchiveError) {
            var patterns: [TypePattern] = []
            for text in options.values(.typeName) { patterns.append(try TypePattern(text)) }
            return EventSelection(
                types: TypeSelection(patterns), ids: options.values(.id).map { Array($0.utf8) },
                time: try TimeSpan(startDate: options.value(.startDate), endDate: options.value(.endDate)))
        } catch {
            throw .usage(SafeText.of(error.message))
        }
    }

    private static func condition(_ text: String) throws(ToolFailure) -> EventFilter {
        do throws(FilterError) {
            return try EventFilter(text)
        } catch {
            let lines = error.diagram.split(separator: "\n").map { "\n  " + $0 }.joined()
            throw .usage("option --where: \(SafeText.of(error.description))\(lines)")
        }
    }

    private mutating func readFormat(_ options: CommandLineOptions) throws(ToolFailure) {
        let isPretty = options.has(Self.pretty)
        if options.has(Self.json) {
            format = .json(isPretty: isPretty)
        } else if isPretty {
            format = .pretty
        }
        if let list = options.value(Self.fields) {
            guard format == .lines else {
                throw .usage("option --fields goes with neither --json nor --pretty")
            }
            let paths = list.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard paths.allSatisfy({ !$0.isEmpty }) else {
                throw .usage("option --fields: an empty name in \(SafeText.of(list)) (write a,b.c)")
            }
            format = .fields(paths)
        }
        if options.has(Self.tree) {
            guard format == .lines else {
                throw .usage("option --tree draws: it goes with none of --json, --pretty, --fields")
            }
            grouping = .tree
        } else if options.has(Self.group) {
            grouping = .group
        }
    }
}
