import SkeinArchive
import SkeinBSON

/// What the runs of the app have told of their contexts.
struct Told {
    /// By run, lane and context.
    private(set) var states: [[[ReportFile.State]]] = []
    private(set) var begun = 0
    private(set) var closed = 0
    private(set) var open = 0

    /// Reads the next run's report.
    mutating func read(_ path: String, run: Int) throws {
        guard let report = try ReportFile(reading: path) else {
            states.append([])
            return
        }
        defer { report.unmap() }
        let lanes = (0..<ReportFile.lanes).map { report.states(ofLane: $0) }
        for lane in lanes {
            begun += lane.count
            closed += lane.count { $0 == .closed }
            open += lane.count { $0 == .open }
        }
        states.append(lanes)
    }
}

/// What stands in the files of a collector.
struct StoredEvents {
    private struct Found {
        var closed: UInt16 = 0
        var abandoned: UInt16 = 0
    }

    struct Counts {
        /// Documents in the files.
        var events = 0
        var lost = 0
        var twice = 0
        var abandoned = 0
        /// Deaths that are told of.
        var deaths = 0
        /// Contexts that were open then, by what is told of the deaths.
        var openAtDeath = 0
    }

    private var found: [[[Found]]]
    private var events = 0
    private var unnumbered = 0
    /// Processes whose death is told of, by process id and when they opened their journal.
    private var deaths: Set<String> = []
    /// Contexts that were open then, by what is told.
    private var openAtDeath = 0
    private var mistakes: [String] = []

    init(_ told: Told) {
        found = told.states.map { $0.map { Array(repeating: Found(), count: $0.count) } }
    }

    mutating func read(_ logPath: String) throws {
        for file in try ArchiveListing.files(logPath: logPath) {
            let reader = try file.open()
            var damaged: [ArchiveDamage] = []
            reader.onDamage = { damaged.append($0) }
            while let view = try reader.next() { take(view) }
            reader.finish()
            for damage in damaged { mistakes.append("\(damage)") }
        }
    }

    private mutating func take(_ event: BSONView) {
        events += 1
        let error = event.find(path: "error.type")?.text
        let start = event.first("start")?.number ?? 0
        let end = event.first("end")?.number ?? -1
        if end < start { mistakes.append("an event that ends before it starts: \(Self.text(event))") }
        if event.first("type")?.text == "skein.process" { return takeDeath(event) }
        guard let body = event.first("body")?.document, let value = body.first("number")?.integer else {
            // Killed between being opened and being given its number.
            unnumbered += 1
            if error != "abandoned" { mistakes.append("an event without a number: \(Self.text(event))") }
            return
        }
        let number = ContextNumber(value)
        guard found.indices.contains(number.run), found[number.run].indices.contains(number.lane),
            found[number.run][number.lane].indices.contains(number.index)
        else {
            mistakes.append("an event of a context that was never begun: \(number)")
            return
        }
        if let size = body.first("size")?.integer, let text = body.first("text")?.textBytes(),
            text.count != Int(size)
        {
            mistakes.append("\(number): a text of \(text.count) bytes instead of \(size)")
        }
        if error == "abandoned" {
            found[number.run][number.lane][number.index].abandoned += 1
        } else {
            found[number.run][number.lane][number.index].closed += 1
            if body.first("done")?.bool != true || error != nil {
                mistakes.append("\(number): closed, and not whole: \(Self.text(event))")
            }
        }
    }

    private static func text(_ event: BSONView) -> String {
        (try? ExtendedJSON.encode(event.document(), .relaxed)) ?? "\(event.document())"
    }

    /// What recovery tells of a process that was killed.
    private mutating func takeDeath(_ event: BSONView) {
        guard let pid = event.first("pid")?.integer, let opened = event.find(path: "body.opened")?.number,
            let open = event.find(path: "body.open_contexts")?.integer,
            let dropped = event.find(path: "body.dropped")?.document
        else { return mistakes.append("a death that does not say whose: \(Self.text(event))") }
        if !deaths.insert("\(pid) \(opened)").inserted {
            mistakes.append("a death that is told twice: \(Self.text(event))")
        }
        if !dropped.isEmpty { mistakes.append("a process that dropped events: \(Self.text(event))") }
        openAtDeath += Int(open)
    }

    /// Holds what stands there against what was told.
    func compare(with told: Told, place: String, _ findings: inout Findings) -> Counts {
        var counts = Counts(events: events, abandoned: unnumbered, deaths: deaths.count)
        for mistake in mistakes.prefix(10) { findings.add("\(place): \(mistake)") }
        for (run, lanes) in told.states.enumerated() {
            for (lane, states) in lanes.enumerated() {
                for (index, state) in states.enumerated() {
                    let one = found[run][lane][index]
                    let times = one.closed + one.abandoned
                    let name = ContextNumber(run: run, lane: lane, index: index)
                    counts.abandoned += Int(one.abandoned)
                    if times > 1 {
                        counts.twice += 1
                        if counts.twice <= 10 {
                            findings.add(
                                "\(place): \(name) (\(state)) is there \(times) times, \(one.abandoned) of them abandoned"
                            )
                        }
                    }
                    if state == .closed, one.closed == 0 {
                        counts.lost += 1
                        if counts.lost <= 10 {
                            findings.add(
                                "\(place): \(name) was reported closed and is "
                                    + (one.abandoned > 0 ? "abandoned" : "not there"))
                        }
                    }
                    if state == .open, times == 0 {
                        counts.lost += 1
                        if counts.lost <= 10 {
                            findings.add(
                                "\(place): \(name) was open when its process died and is not there")
                        }
                    }
                }
            }
        }
        counts.openAtDeath = openAtDeath
        return counts
    }
}
