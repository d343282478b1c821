import SkeinJournal

/// A journal for people.
struct JournalReport {
    private(set) var lines: [StyledLine] = []
    private let now: Double

    /// - Parameter now: Unix seconds, to say how long ago things were.
    init(_ inspection: JournalInspection, now: Double) {
        self.now = now
        head(inspection)
        segments(inspection)
        streams(inspection)
        cursors(inspection)
        slots(inspection)
        damage(inspection)
    }

    /// One record as a line: where it stands, its number, what it is.
    static func text(_ record: InspectedRecord) -> String {
        let stream = record.stream.map { SafeText.of($0.description) } ?? "unknown stream"
        let flags = record.record.flags & RecordFlags.log != 0 ? " log" : ""
        return
            "\(record.file) \(record.position) \(stream) \(record.record.number) \(record.record.kind)\(flags) "
            + "\(record.record.payload.count) B \(Moment.text(Double(record.record.arrival) / 1e9))"
    }

    private mutating func head(_ inspection: JournalInspection) {
        var line = StyledLine()
        line.append(SafeText.of(inspection.folder), .bold)
        line.append(inspection.writer == .app ? "  an app's journal" : "  a collector's journal")
        guard let head = inspection.head else {
            line.append("  no head", .red)
            lines.append(line)
            put("  owner    " + (inspection.isOwnerAlive ? "alive" : "none"))
            return
        }
        line.append("  id \(head.journal)", .dim)
        lines.append(line)
        var owner = "  owner    pid \(head.pid), " + (inspection.isOwnerAlive ? "alive" : "dead")
        if !inspection.isOwnerAlive { owner += head.wasClosed ? ", closed it" : ", did not close it" }
        owner += head.isSameBoot ? ", this boot" : ", another boot"
        put(owner)
        var opened = "  opened   \(when(head.opened)), opening \(hex(head.opening))"
        if head.lastSignOfLife > 0 { opened += "; last sign of life \(when(head.lastSignOfLife))" }
        put(opened)
        if !head.endpoint.isEmpty { put("  endpoint " + SafeText.of(head.endpoint)) }
    }

    private mutating func segments(_ inspection: JournalInspection) {
        let log = inspection.segments.filter { $0.role == .log }
        let bytes = inspection.segments.reduce(0) { $0 + $1.fileBytes }
        title(
            "segments",
            "\(Quantity.plural(inspection.segments.count, "file")), \(Quantity.bytes(bytes)); "
                + "\(Quantity.plural(inspection.records, "record")) in the log")
        for segment in log {
            var text =
                "  \(segment.file)  shard \(segment.shard), sequence \(segment.sequence), opening \(hex(segment.opening))"
            text += segment.isSealed ? ", sealed" : ""
            put(text)
            text =
                "    \(Quantity.plural(segment.records - segment.tables, "record")), \(Quantity.bytes(segment.bytes))"
            if let first = segment.firstNumber, let last = segment.lastNumber {
                text += ", numbers \(first) to \(last)"
            }
            if let oldest = segment.oldest, let newest = segment.newest {
                text += ", \(ago(oldest)) to \(ago(newest))"
            }
            put(text)
            text = "    committed \(segment.committed), ends at \(segment.end) of \(segment.fileBytes)"
            if segment.isChanging { text += "; its owner is using it anew just now" }
            put(text)
        }
        for role in [JournalInspection.Role.passed, .dropped, .free, .headless, .foreign] {
            let some = inspection.segments.filter { $0.role == role }
            guard !some.isEmpty else { continue }
            put("  \(meaning(role)): \(some.map(\.file).joined(separator: " "))")
        }
    }

    private func meaning(_ role: JournalInspection.Role) -> String {
        switch role {
        case .log: "in the log"
        case .passed: "behind every cursor"
        case .dropped: "beyond the end, never acknowledged"
        case .free: "free"
        case .headless: "without a header that holds"
        case .foreign: "of another journal, or given up"
        }
    }

    private mutating func streams(_ inspection: JournalInspection) {
        guard !inspection.streams.isEmpty else { return }
        title("streams", Quantity.count(inspection.streams.count))
        for stream in inspection.streams.prefix(StatusReport.mostRows) {
            var text = "  \(stream.stream)  \(Quantity.plural(stream.records, "record"))"
            if let first = stream.first, let last = stream.last { text += ", \(first) to \(last)" }
            if let highest = stream.highest { text += ", taken up to \(highest)" }
            if stream.isEnded { text += ", ended" }
            put(text)
        }
        rest(inspection.streams.count)
    }

    private mutating func cursors(_ inspection: JournalInspection) {
        title("cursors", inspection.cursors.isEmpty ? "none" : Quantity.count(inspection.cursors.count))
        for cursor in inspection.cursors.prefix(StatusReport.mostRows) {
            var text = "  \(SafeText.of(cursor.name))"
            if inspection.writer == .app { text += " shard \(cursor.shard)" }
            text += "  " + (cursor.position.map { "at \($0)" } ?? "at the start")
            if cursor.recordsBehind == 0 {
                text += ", nothing behind"
            } else {
                text +=
                    ", \(Quantity.plural(cursor.recordsBehind, "record")) and "
                    + "\(Quantity.bytes(cursor.bytesBehind)) behind"
                if let oldest = cursor.oldestBehind {
                    text += ", by \(Quantity.duration(max(0, now - Double(oldest) / 1e9)))"
                }
            }
            put(text)
        }
        rest(inspection.cursors.count)
    }

    private mutating func slots(_ inspection: JournalInspection) {
        let slots = inspection.slots
        guard slots.total > 0, inspection.writer == .app else { return }
        title(
            "open contexts",
            "\(slots.open) open, \(slots.closing) closing, of \(Quantity.plural(slots.total, "slot"))")
        for (type, count) in slots.types.prefix(StatusReport.mostRows) {
            put("  \(type.withUnsafeBytes { SafeText.of($0) })  \(count)")
        }
        rest(slots.types.count)
    }

    private mutating func damage(_ inspection: JournalInspection) {
        if inspection.skippedRecords > 0 {
            title(
                "beyond the end",
                "\(Quantity.plural(inspection.skippedRecords, "whole record")), never acknowledged")
        }
        guard !inspection.isWhole else { return title("damage", "none") }
        title(
            "damage",
            "\(Quantity.plural(inspection.damagedRecords, "record")) lost at least, "
                + "\(Quantity.bytes(inspection.damagedBytes))", .red)
        for fault in inspection.faults.prefix(StatusReport.mostRows) {
            put(
                "  \(SafeText.of(fault.file))" + (fault.offset.map { " at \($0)" } ?? "") + ": "
                    + fault.reason)
        }
        rest(inspection.faults.count)
    }

    private mutating func rest(_ count: Int) {
        if count > StatusReport.mostRows {
            put("  … and \(Quantity.count(count - StatusReport.mostRows)) more (--json has all)")
        }
    }

    private mutating func title(_ text: String, _ detail: String, _ style: StyledLine.Style = .dim) {
        var line = StyledLine()
        line.append(text, .bold)
        line.append("  " + detail, style)
        lines.append(line)
    }

    private mutating func put(_ text: String) {
        var line = StyledLine()
        line.append(text)
        lines.append(line)
    }

    private func when(_ nanoseconds: Int64) -> String {
        "\(Moment.text(Double(nanoseconds) / 1e9)) (\(ago(nanoseconds)))"
    }

    private func ago(_ nanoseconds: Int64) -> String {
        let elapsed = now - Double(nanoseconds) / 1e9
        return elapsed >= 0 ? Quantity.duration(elapsed) + " ago" : "in " + Quantity.duration(-elapsed)
    }

    private func hex(_ number: UInt64) -> String { String(number, radix: 16) }
}
