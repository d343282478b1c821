import SkeinJournal

/// What a repair did, for people.
enum RepairReport {
    static func lines(_ outcome: JournalRepair.Outcome, isDryRun: Bool) -> [String] {
        let before = outcome.before
        let folder = SafeText.of(before.folder)
        guard before.needsRepair else {
            return ["\(folder): nothing to repair"] + lost(before).map { "  " + $0 }
        }
        let records = (outcome.after ?? before).records
        var lines = [
            "\(folder): \(isDryRun ? "would keep" : "kept") \(Quantity.plural(records, "whole record"))"
        ]
        for fault in before.faults where fault.isRepairable {
            lines.append(
                "  \(SafeText.of(fault.file))" + (fault.offset.map { " at \($0)" } ?? "") + ": "
                    + fault.reason)
        }
        if before.damagedRecords > 0 {
            lines.append("  lost: \(Quantity.plural(before.damagedRecords, "record")) at least")
        }
        if outcome.filledPlaces > 0 {
            lines.append("  \(Quantity.plural(outcome.filledPlaces, "place")) that held what is lost: closed")
        }
        for segment in outcome.rescuedSegments { lines.append("  \(segment): has its header again") }
        for cursor in outcome.movedCursors {
            lines.append(
                "  cursor \(SafeText.of(cursor.name)), shard \(cursor.shard): goes on at \(cursor.to)")
        }
        if before.slots.open + before.slots.closing > 0 {
            lines.append(
                "  \(Quantity.plural(before.slots.open + before.slots.closing, "open context")): kept")
        }
        for file in outcome.omittedFiles { lines.append("  \(file): no part of the journal, left out") }
        lines += lost(before).map { "  " + $0 }
        if let damaged = outcome.damagedFolder {
            lines.append("  the damaged one is \(SafeText.of(damaged))")
        }
        if isDryRun { lines.append("  nothing was changed") }
        return lines
    }

    private static func lost(_ inspection: JournalInspection) -> [String] {
        inspection.faults.filter { !$0.isRepairable }.map {
            "cannot be repaired: \(SafeText.of($0.file)): \($0.reason)"
        }
    }
}
