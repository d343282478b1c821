import SkeinPlatform

/// Makes a damaged journal whole, keeping every whole record.
///
/// A new folder is written beside the old one, looked at, and takes its name at one instant. The old one stays, as
/// `<name>.damaged-<Unix seconds>`. A kill at any instant leaves the old journal or the new one under its name, and a second
/// run does what is left.
package struct JournalRepair: Sendable {
    /// What was done, or would be.
    package struct Outcome: Sendable {
        /// The journal as it was found.
        package var before: JournalInspection
        /// The journal as it is now; nil if nothing had to be done, or nothing was to be done.
        package var after: JournalInspection?
        /// Places that were filled, since what stood there is lost.
        package var filledPlaces = 0
        /// Segments whose header was found by their records.
        package var rescuedSegments: [String] = []
        /// Cursors that go on at another place.
        package var movedCursors: [(name: String, shard: Int, to: JournalPosition)] = []
        /// Files that are no part of the new journal.
        package var omittedFiles: [String] = []
        /// Where the old folder is; nil if it was discarded.
        package var damagedFolder: String?
    }

    static let workSuffix = ".repairing"
    static let damagedSuffix = ".damaged-"

    /// Repairs a journal that nobody uses. One that needs none is left alone.
    ///
    /// Reads and writes the whole journal once; needs its room a second time on the disk.
    /// - Parameters:
    ///   - discards: removes the old folder instead of keeping it.
    ///   - isDryRun: changes nothing.
    ///   - now: Unix seconds, for the old folder's name.
    /// - Throws: `locked` when a living process owns the journal; `damaged` when it cannot be made whole, and is left
    ///   as it is; `noSpace` and `system` with the path.
    package static func run(
        _ folder: String, discards: Bool = false, isDryRun: Bool = false, now: Int64
    ) throws(JournalError) -> Outcome {
        var folder = folder
        while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
        if isDryRun {
            let survey = try JournalSurvey(folder)
            guard !survey.inspection.isOwnerAlive else { throw Self.locked(folder) }
            return try RepairedFolder(survey).outcome
        }
        let lock: (any JournalLock)?
        do throws(SystemError) {
            // No journal, no lock: nothing is made in a folder that is none.
            _ = try JournalSurvey.names(ofJournal: folder)
            lock = try DiskStorage().lock("\(folder)/\(JournalFiles.lock)")
        } catch {
            throw JournalError("repairing the journal \(folder)", error)
        }
        guard let lock else { throw Self.locked(folder) }
        defer { lock.release() }
        let swap = FolderSwap(folder, now: now)
        try swap.sweep()
        let survey = try JournalSurvey(folder, isLockMine: true)
        var repaired = try RepairedFolder(survey)
        guard survey.inspection.needsRepair else { return repaired.outcome }
        try swap.begin()
        do throws(JournalError) {
            try repaired.write(to: swap.work)
            var after = try JournalSurvey(swap.work, isLockMine: true)
            // Where the log was thought to end, mending may lead on to segments that have damage of their own.
            for _ in 0..<3 where after.inspection.needsRepair {
                let further = try RepairedFolder(after)
                try further.write(to: try swap.beginAgain())
                try swap.takeSecond()
                repaired.outcome.filledPlaces += further.outcome.filledPlaces
                after = try JournalSurvey(swap.work, isLockMine: true)
            }
            let result = after.inspection
            guard !result.needsRepair, result.records >= survey.inspection.records else {
                throw JournalError(
                    .damaged,
                    "repairing the journal \(folder): it would hold \(result.records) of "
                        + "\(survey.inspection.records) records, and \(result.faults.count) places would not be whole: "
                        + "\(result.faults.first?.reason ?? "none"). It stays as it is.")
            }
            repaired.outcome.after = result
        } catch {
            swap.cancel()
            throw error
        }
        repaired.outcome.damagedFolder = try swap.finish(discards: discards)
        repaired.outcome.after?.folder = folder
        return repaired.outcome
    }

    private static func locked(_ folder: String) -> JournalError {
        JournalError(
            .locked, "repairing the journal \(folder): a living process owns it. End that process first.")
    }
}
