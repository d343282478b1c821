import SkeinArchive
import SkeinPlatform

/// `skein archive`: zips, prunes and cuts out stored files.
enum ArchiveVerb: Verb {
    static let help = Help.archive

    private typealias Option = CommandLineOptions.Option
    private static let retainDays = Option("retain-days")
    private static let level = Option("level")
    private static let openDays = Option("open-days", takesValue: false)
    private static let dryRun = Option("dry-run", takesValue: false)

    static func run(_ arguments: [String], _ console: Console) throws(ToolFailure) -> Int32 {
        let options = try CommandLineOptions.read(
            "archive", arguments,
            [.logPath, .typeName, .startDate, .endDate, retainDays, level, openDays, dryRun])
        if options.has(.help) {
            try console.output.writeLine(help)
            return ExitCode.done
        }
        guard let action = options.operands.first else { throw .usage("archive needs zip, prune or cat") }
        let request = try Request(options, console)
        switch action {
        case "zip":
            try refuse([retainDays], options, action)
            return try ArchiveZipping(request, level: try zipLevel(options), isDryRun: options.has(dryRun))
                .run(withOpenDays: options.has(openDays))
        case "prune":
            try refuse([level, openDays, .startDate, .endDate, .typeName], options, action)
            guard options.operands.count == 1 else {
                throw .usage("archive prune removes whole days, not types")
            }
            guard let text = options.value(retainDays) else {
                throw .usage("archive prune needs --retain-days N: how many days before today to keep")
            }
            guard let days = Int(text), days >= 1, days <= 100_000 else {
                throw .usage("option --retain-days: \(SafeText.of(text)) is no number from 1 to 100000")
            }
            return try prune(request, days, isDryRun: options.has(dryRun))
        case "cat":
            try refuse([retainDays, level, openDays, dryRun], options, action)
            return try cat(request)
        default:
            throw .usage("archive has no action \(SafeText.of(action)): it is zip, prune or cat")
        }
    }

    /// What all actions need.
    struct Request {
        var logPath: String
        var filter: EventSelection
        var console: Console

        init(_ options: CommandLineOptions, _ console: Console) throws(ToolFailure) {
            self.console = console
            logPath =
                options.value(.logPath) ?? console.environment["SKEIND_LOG_PATH"] ?? "./skein-data/files"
            do throws(ArchiveError) {
                var patterns: [TypePattern] = []
                for text in options.values(.typeName) + options.operands.dropFirst() {
                    patterns.append(try TypePattern(text))
                }
                filter = EventSelection(
                    types: TypeSelection(patterns),
                    time: try TimeSpan(startDate: options.value(.startDate), endDate: options.value(.endDate))
                )
            } catch {
                throw .usage(SafeText.of(error.message))
            }
        }

        /// The day it is, UTC.
        var today: ArchiveDay { ArchiveDay(unixNanoseconds: console.now()) }

        func files() throws(ToolFailure) -> [ArchiveFile] {
            do throws(ArchiveError) {
                return try ArchiveListing.files(logPath: logPath, types: filter.types, time: filter.time)
            } catch {
                throw .failed(SafeText.of(error.message))
            }
        }
    }

    private static func refuse(
        _ others: [CommandLineOptions.Option], _ options: CommandLineOptions, _ action: String
    ) throws(ToolFailure) {
        for option in others where options.has(option) {
            throw .usage("option --\(option.name) does not go with archive \(action)")
        }
    }

    private static func zipLevel(_ options: CommandLineOptions) throws(ToolFailure) -> Int32 {
        guard let text = options.value(level) else { return 6 }
        guard let level = Int32(text), (1...19).contains(level) else {
            throw .usage("option --level: \(SafeText.of(text)) is no number from 1 to 19")
        }
        return level
    }

    private static func prune(_ request: Request, _ retained: Int, isDryRun: Bool) throws(ToolFailure)
        -> Int32
    {
        let console = request.console
        let days: [ArchiveDay]
        do throws(ArchiveError) {
            days = try ArchivePrune.days(logPath: request.logPath, retainDays: retained, today: request.today)
        } catch {
            throw .failed(SafeText.of(error.message))
        }
        var isWhole = true
        for day in days {
            let outcome: ArchivePrune.Outcome
            do throws(ArchiveError) {
                outcome = try ArchivePrune.prune(day, logPath: request.logPath, isDryRun: isDryRun)
            } catch {
                isWhole = false
                console.complain("skein archive: " + SafeText.of(error.message))
                continue
            }
            try console.output.writeLine(
                "\(isDryRun ? "would remove" : "removed") \(day): \(Quantity.plural(outcome.files, "file")), "
                    + Quantity.bytes(outcome.bytes))
            for path in outcome.left {
                isWhole = false
                console.complain("skein archive: left \(SafeText.of(path)): it is no event file")
            }
        }
        if days.isEmpty {
            try console.output.writeLine("nothing older than \(Quantity.plural(retained, "day"))")
        }
        return isWhole ? ExitCode.done : ExitCode.nothing
    }

    /// Writes events as they are stored, file by file.
    private static func cat(_ request: Request) throws(ToolFailure) -> Int32 {
        let console = request.console
        guard !console.outputIsTerminal else {
            throw .usage(
                "archive cat writes BSON, which is nothing for a terminal: use skein view, or > FILE")
        }
        let damage = DamageReport(console)
        let pipeline = EventPipeline(request.filter, .each(RawWriter(console.output)), console)
        let progress = Progress(console, sharesScreen: false)
        defer { progress.clear() }
        try StoredEvents(console: console, pipeline: pipeline, damage: damage, progress: progress)
            .read(try request.files().map { EventFile($0) })
        try pipeline.finish()
        progress.clear()
        if damage.count == 0, pipeline.taken == 0 { console.complain("skein archive: no event found") }
        return damage.count > 0 || pipeline.taken == 0 ? ExitCode.nothing : ExitCode.done
    }
}

/// Events as they are: bare BSON documents.
private final class RawWriter: EventWriter {
    private let sink: OutputSink

    init(_ sink: OutputSink) {
        self.sink = sink
    }

    func write(_ event: Event) throws(ToolFailure) {
        try sink.write(event.bytes)
    }
}
