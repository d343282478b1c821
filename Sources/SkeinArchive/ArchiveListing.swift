import SkeinPlatform

/// Finds what is stored under a log path.
public enum ArchiveListing {
    /// The days that have a folder, in order.
    /// - Throws: ``ArchiveError/Code/system`` if the log path cannot be read.
    public static func days(logPath: String) throws(ArchiveError) -> [ArchiveDay] {
        try names(in: logPath).compactMap { ArchiveDay($0) }.sorted()
    }

    /// The files that can hold events of these types and this time, ordered by day, stem, and age.
    ///
    /// A file's day is that of its events' `end`, so only the days inside are looked at; but an old Ziggy daemon went
    /// by its local day of arrival, so its files of the days before and after are listed, too.
    /// - Throws: ``ArchiveError/Code/system`` if the log path cannot be read. A day that goes meanwhile is left out.
    public static func files(
        logPath: String, types: TypeSelection = TypeSelection(), time: TimeSpan = TimeSpan()
    ) throws(ArchiveError) -> [ArchiveFile] {
        var result: [ArchiveFile] = []
        for day in try days(logPath: logPath) {
            let isInside = time.touches(day)
            guard isInside || time.touches(day.advanced(by: -1)) || time.touches(day.advanced(by: 1)) else {
                continue
            }
            for file in try files(inDay: day, logPath: logPath)
            where (isInside || file.form == .ziggy) && types.mayBeIn(stem: file.stem) {
                result.append(file)
            }
        }
        return result
    }

    /// The files of one day, ordered by stem and age. A folder that is not there is empty.
    public static func files(inDay day: ArchiveDay, logPath: String) throws(ArchiveError) -> [ArchiveFile] {
        let folder = ArchivePath.folder(logPath: logPath, day: day)
        let found: [String]
        do throws(ArchiveError) {
            found = try names(in: folder)
        } catch {
            if error.isMissing { return [] }
            throw error
        }
        return found.compactMap { ArchiveFile(folder: folder, name: $0) }
            .sorted { ($0.stem, $0.form, $0.name) < ($1.stem, $1.form, $1.name) }
    }

    /// The names in a folder, without `.` and `..`; those that are not UTF-8 are none of ours and left out.
    static func names(in folder: String) throws(ArchiveError) -> [String] {
        guard let directory = opendir(folder) else { throw ArchiveError("read the folder", folder, .current) }
        defer { closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                let failure = SystemError.current
                if failure.code != 0 { throw ArchiveError("read the folder", folder, failure) }
                return names
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let name, name != ".", name != ".." { names.append(name) }
        }
    }
}
