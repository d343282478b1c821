import SkeinPlatform

/// Pruning: the folders of days that are no longer kept are removed.
public enum ArchivePrune {
    /// What was removed of one day.
    public struct Outcome: Hashable, Sendable {
        /// Event files removed.
        public var files: Int
        /// Bytes that they took.
        public var bytes: Int
        /// What lay in the folder and is none of the archive's: it was left, and the folder with it.
        public var left: [String]
    }

    /// The days to remove so that `retainDays` days before today, and today, stay.
    /// - Throws: ``ArchiveError/Code/badArgument`` if `retainDays` is below 1: today and yesterday are still written.
    public static func days(
        logPath: String, retainDays: Int, today: ArchiveDay
    ) throws(ArchiveError) -> [ArchiveDay] {
        guard retainDays >= 1 else {
            throw ArchiveError(
                .badArgument,
                "cannot retain \(retainDays) days: at least 1, since events of yesterday still arrive")
        }
        let oldest = today.advanced(by: -retainDays)
        return try ArchiveListing.days(logPath: logPath).filter { $0 < oldest }
    }

    /// Removes a day's event files and, if nothing else is in it, its folder. Takes the day's lock.
    /// - Parameter isDryRun: only tells what it would do, and takes no lock.
    /// - Throws: ``ArchiveError/Code/locked`` if another process uses the day; ``ArchiveError/Code/system`` if something
    ///   cannot be removed. What was removed until then stays removed.
    public static func prune(_ day: ArchiveDay, logPath: String, isDryRun: Bool) throws(ArchiveError)
        -> Outcome
    {
        let folder = ArchivePath.folder(logPath: logPath, day: day)
        var status = stat()
        guard lstat(folder, &status) == 0 else { throw ArchiveError("look at", folder, .current) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw ArchiveError("prune", folder, SystemError(code: ENOTDIR))
        }
        if isDryRun { return try remove(folder, isDryRun: true) }
        let lock = try DayFolderLock(folder: folder, .exclusive)
        let outcome = try remove(folder, isDryRun: false)
        if outcome.left.isEmpty {
            unlink(ArchivePath.join(folder, ArchivePath.lockName))
            guard rmdir(folder) == 0 else { throw ArchiveError("remove", folder, .current) }
        }
        withExtendedLifetime(lock) {}
        return outcome
    }

    private static func remove(_ folder: String, isDryRun: Bool) throws(ArchiveError) -> Outcome {
        var outcome = Outcome(files: 0, bytes: 0, left: [])
        for name in try ArchiveListing.names(in: folder).sorted() where name != ArchivePath.lockName {
            let path = ArchivePath.join(folder, name)
            let isOurs = ArchiveFile(folder: folder, name: name) != nil || isTemporary(name)
            var status = stat()
            guard isOurs, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                outcome.left.append(path)
                continue
            }
            guard isDryRun || unlink(path) == 0 else { throw ArchiveError("remove", path, .current) }
            outcome.files += 1
            outcome.bytes += Int(status.st_size)
        }
        return outcome
    }

    /// What a zip left that was killed.
    private static func isTemporary(_ name: String) -> Bool {
        name.utf8.first == UInt8(ascii: ".") && name.utf8.hasSuffix(ArchiveZip.temporaryEnding)
            && ArchiveFile(
                folder: "", name: String(name.dropFirst().dropLast(ArchiveZip.temporaryEnding.count))) != nil
    }
}
