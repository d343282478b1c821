import SkeinBSON
import SkeinJournal
import SkeinPlatform

/// `skein journal`: looks at journals, and repairs them.
enum JournalVerb: Verb {
    static let help = Help.journal

    private typealias Option = CommandLineOptions.Option
    private static let json = Option("json", takesValue: false)
    private static let records = Option("records", takesValue: false)
    private static let events = Option("events", takesValue: false)
    private static let dryRun = Option("dry-run", takesValue: false)
    private static let discard = Option("discard", takesValue: false)

    static func run(_ arguments: [String], _ console: Console) throws(ToolFailure) -> Int32 {
        let options = try CommandLineOptions.read(
            "journal", arguments, [json, records, events, dryRun, discard])
        if options.has(.help) {
            try console.output.writeLine(help)
            return ExitCode.done
        }
        guard let action = options.operands.first else { throw .usage("journal needs inspect or repair") }
        guard action == "inspect" || action == "repair" else {
            throw .usage("journal has no action \(SafeText.of(action)): it is inspect or repair")
        }
        let refused = action == "inspect" ? [dryRun, discard] : [records, events]
        for option in refused where options.has(option) {
            throw .usage("option --\(option.name) is not for \(action)")
        }
        if options.has(events), !options.has(records) { throw .usage("option --events goes with --records") }
        guard options.operands.count == 2 else {
            throw .usage(
                "journal \(action) needs one PATH: a journal's folder, a spool, or a collector's data folder")
        }
        MappingGuard.install()
        let path = options.operands[1]
        let found: [String]
        do throws(JournalError) {
            found = try JournalInspection.journals(at: path)
        } catch {
            throw .failed(SafeText.of(error.description))
        }
        guard !found.isEmpty else { throw .failed("no journal is at \(SafeText.of(path))") }
        if action == "repair" { return try repair(found, options, console) }
        if options.has(records) {
            return try list(found, isJSON: options.has(json), isEvents: options.has(events), console)
        }
        return try inspect(found, isJSON: options.has(json), console)
    }

    /// Looks at each; what cannot be looked at is told, and the rest goes on.
    private static func survey(_ folder: String, _ console: Console) -> JournalSurvey? {
        do throws(JournalError) {
            return try JournalSurvey(folder)
        } catch {
            console.complain("skein: \(SafeText.of(error.description))")
            return nil
        }
    }

    private static func inspect(
        _ folders: [String], isJSON: Bool, _ console: Console
    ) throws(ToolFailure) -> Int32 {
        let layout = Layout(console, noColor: false)
        var isWhole = true
        for (index, folder) in folders.enumerated() {
            guard let inspection = survey(folder, console)?.inspection else {
                isWhole = false
                continue
            }
            if !inspection.isWhole { isWhole = false }
            if isJSON {
                try write(JournalDocument.of(inspection), console)
            } else {
                if index > 0 { try console.output.writeLine("") }
                for line in JournalReport(inspection, now: Double(console.now()) / 1e9).lines {
                    try console.output.writeLine(layout.text(of: line, isCut: false))
                }
            }
        }
        return isWhole ? ExitCode.done : ExitCode.nothing
    }

    private static func list(
        _ folders: [String], isJSON: Bool, isEvents: Bool, _ console: Console
    ) throws(ToolFailure) -> Int32 {
        var isWhole = true
        let events = JSONWriter(console.output, isPretty: false) { console.complain("skein: " + $0) }
        for folder in folders {
            guard let survey = survey(folder, console) else {
                isWhole = false
                continue
            }
            if !survey.inspection.isWhole { isWhole = false }
            try survey.forEachRecord { (record) throws(ToolFailure) -> Void in
                if isEvents {
                    guard record.record.kind == .event else { return }
                    // A copy: of a living owner's memory nothing is sure to stay as it was checked.
                    let bytes = Array(record.record.payload)
                    let isShown = try bytes.withUnsafeBufferPointer { (bytes) throws(ToolFailure) -> Bool in
                        guard let event = Event(UnsafeRawBufferPointer(bytes)) else { return false }
                        try events.write(event)
                        return true
                    }
                    if !isShown {
                        console.complain(
                            "skein: \(SafeText.of(folder))/\(record.file) at \(record.position.offset): no event"
                        )
                        isWhole = false
                    }
                } else if isJSON {
                    try write(JournalDocument.of(record, in: folder), console)
                } else {
                    try console.output.writeLine(JournalReport.text(record))
                }
            }
        }
        return isWhole ? ExitCode.done : ExitCode.nothing
    }

    private static func repair(
        _ folders: [String], _ options: CommandLineOptions, _ console: Console
    ) throws(ToolFailure) -> Int32 {
        var isWhole = true
        for folder in folders {
            do throws(JournalError) {
                let outcome = try JournalRepair.run(
                    folder, discards: options.has(discard), isDryRun: options.has(dryRun),
                    now: console.now() / 1_000_000_000)
                if !((outcome.after ?? outcome.before).isWhole) { isWhole = false }
                if options.has(json) {
                    try? write(JournalDocument.of(outcome), console)
                } else {
                    let lines = RepairReport.lines(outcome, isDryRun: options.has(dryRun))
                    for line in lines { try? console.output.writeLine(line) }
                }
            } catch {
                console.complain("skein: \(SafeText.of(error.description))")
                isWhole = false
            }
        }
        return isWhole ? ExitCode.done : ExitCode.nothing
    }

    private static func write(_ document: BSONDocument, _ console: Console) throws(ToolFailure) {
        let json: String
        do throws(BSONError) {
            json = try ExtendedJSON.encode(document, .relaxed)
        } catch {
            throw .failed("the report cannot be written as JSON: \(error)")
        }
        try console.output.writeLine(JSONText.safe(json))
    }
}
