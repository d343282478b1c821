import SkeinArchive
import SkeinFilter

/// `skein view`: shows events.
enum ViewVerb: Verb {
    static let help = Help.view

    static func run(_ arguments: [String], _ console: Console) throws(ToolFailure) -> Int32 {
        guard let options = try ViewOptions(arguments, console) else {
            try console.output.writeLine(help)
            return ExitCode.done
        }
        let damage = DamageReport(console)
        let pipeline = EventPipeline(options.filter, output(options, console), console)
        let progress = Progress(console, sharesScreen: true)
        let stored = StoredEvents(console: console, pipeline: pipeline, damage: damage, progress: progress)
        if endsOnlyByHand(options) { console.catchInterrupt() }
        defer { progress.clear() }
        try read(options, console, stored)
        progress.clear()
        try pipeline.finish()

        let overruns = options.filter.conditions.reduce(0) { $0 + $1.statistics.overruns }
        if overruns > 0 {
            console.complain(
                "skein view: \(overruns) times a regular expression went over its limits: no match")
        }
        if damage.count > 0 { return ExitCode.nothing }
        if pipeline.taken == 0, !endsOnlyByHand(options) {
            console.complain("skein view: no event found")
            return ExitCode.nothing
        }
        return ExitCode.done
    }

    private static func read(
        _ options: ViewOptions, _ console: Console, _ stored: StoredEvents
    ) throws(ToolFailure) {
        let list: () throws(ToolFailure) -> [[EventFile]]
        switch options.source {
        case .live(let address):
            return try LiveEvents(
                address: address, curve: options.curve, types: options.filter.types, console: console,
                pipeline: stored.pipeline
            ).run()
        case .files(let paths):
            let files = paths.map { EventFile(path: $0, console: console) }
            list = { () throws(ToolFailure) in [files] }
        case .stored(let logPath):
            list = { () throws(ToolFailure) in try days(logPath, options.filter) }
        }
        if options.follows {
            let flat = { () throws(ToolFailure) in try list().flatMap { $0 } }
            try FollowedFiles(stored, list: flat).run()
        } else if options.grouping == .none {
            try stored.read(try list().flatMap { $0 })
        } else {
            try merge(try list(), stored, console)
        }
    }

    /// Stored files, those of a day together.
    private static func days(_ logPath: String, _ filter: EventSelection) throws(ToolFailure) -> [[EventFile]]
    {
        let files: [ArchiveFile]
        do throws(ArchiveError) {
            files = try ArchiveListing.files(logPath: logPath, types: filter.types, time: filter.time)
        } catch {
            throw .failed(SafeText.of(error.message))
        }
        var days: [[EventFile]] = []
        var folder: String?
        for file in files {
            if file.folder != folder { days.append([]) }
            folder = file.folder
            days[days.count - 1].append(EventFile(file))
        }
        return days
    }

    /// Reads files that are of the same time together, so that the events of one id, which lie in the files of their types,
    /// come near each other.
    private static func merge(
        _ days: [[EventFile]], _ stored: StoredEvents, _ console: Console
    ) throws(ToolFailure) {
        for files in days {
            if files.count == 1 {
                try stored.read(files)
                continue
            }
            if files.count > StoredEvents.mostMerged {
                console.complain(
                    "skein view: \(files.count) files a day are gathered \(StoredEvents.mostMerged) at a time:"
                        + " a tree over more of them comes in pieces (choose types by -n)")
            }
            for start in stride(from: 0, to: files.count, by: StoredEvents.mostMerged) {
                try stored.merge(Array(files[start..<min(start + StoredEvents.mostMerged, files.count)]))
            }
        }
    }

    private static func output(_ options: ViewOptions, _ console: Console) -> EventPipeline.Output {
        let layout = Layout(console, noColor: options.noColor)
        let sink = console.output
        if options.grouping == .tree {
            return .groups(EventGatherer(.root), TreeWriter(sink, layout))
        }
        let writer: any EventWriter =
            switch options.format {
            case .lines: LineWriter(sink, layout)
            case .pretty: PrettyWriter(sink, layout)
            case .json(let isPretty):
                JSONWriter(sink, isPretty: isPretty) { console.complain("skein: " + $0) }
            case .fields(let paths): FieldsWriter(sink, paths: paths)
            }
        guard options.grouping == .group else { return .each(writer) }
        let separator = options.format == .lines ? "" : nil
        return .groups(EventGatherer(.rootType), PlainGroupWriter(writer, sink, separator: separator))
    }

    private static func endsOnlyByHand(_ options: ViewOptions) -> Bool {
        if case .live = options.source { return true }
        return options.follows
    }
}
