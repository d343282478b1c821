import SkeinPlatform

/// Puts a new folder in the place of an old one at one instant.
///
/// The new one is written as `<name>.repairing`, with a marker in it until it is complete; then both exchange their names,
/// and what is now `<name>.repairing` becomes `<name>.damaged-<time>`. Whatever a kill leaves is told apart by the marker:
/// with it, an unfinished copy; without, the old journal (or a finished copy that nobody uses), which is kept.
struct FolderSwap {
    let folder: String
    let work: String
    private let now: Int64
    private static let marker = "incomplete"

    init(_ folder: String, now: Int64) {
        self.folder = folder
        self.now = now
        work = folder + JournalRepair.workSuffix
    }

    private var parent: String {
        guard let slash = folder.lastIndex(of: "/") else { return "." }
        return slash == folder.startIndex ? "/" : String(folder[..<slash])
    }

    /// Clears up after a repair that was killed.
    func sweep() throws(JournalError) {
        var status = stat()
        if lstat(second, &status) == 0 { try remove(second) }
        guard lstat(work, &status) == 0 else { return }
        if lstat("\(work)/\(Self.marker)", &status) == 0 {
            try remove(work)
        } else if rmdir(work) != 0 {
            // An empty one was only begun.
            _ = try keep()
        }
    }

    /// Makes the new folder, empty and marked.
    func begin() throws(JournalError) { try make(work) }

    /// Makes another, beside it.
    /// - Returns: where.
    func beginAgain() throws(JournalError) -> String {
        try make(second)
        return second
    }

    /// Puts that one in the first one's place.
    func takeSecond() throws(JournalError) {
        try remove(work)
        guard rename(second, work) == 0 else {
            throw JournalError("renaming \(second) to \(work)", SystemError.current)
        }
    }

    /// Takes the unfinished folders back.
    func cancel() {
        try? remove(work)
        try? remove(second)
    }

    private var second: String { work + "-2" }

    private func make(_ folder: String) throws(JournalError) {
        do throws(SystemError) {
            guard mkdir(folder, 0o700) == 0 else { throw SystemError.current }
            _ = try DiskStorage().open("\(folder)/\(Self.marker)", create: true)
        } catch {
            throw JournalError("making \(folder)", error)
        }
    }

    /// Exchanges the names.
    /// - Returns: where the old folder is; nil if it was discarded.
    func finish(discards: Bool) throws(JournalError) -> String? {
        do throws(SystemError) {
            try DiskStorage().remove("\(work)/\(Self.marker)")
            try DiskStorage().syncFolder(work)
            if let error = FolderExchange.exchange(work, folder) { throw error }
            try DiskStorage().syncFolder(parent)
        } catch {
            throw JournalError("putting the repaired \(work) in the place of \(folder)", error)
        }
        if discards {
            try remove(work)
            return nil
        }
        return try keep()
    }

    private func keep() throws(JournalError) -> String {
        for attempt in 0..<1000 {
            let name = folder + JournalRepair.damagedSuffix + "\(now)" + (attempt == 0 ? "" : ".\(attempt)")
            var status = stat()
            if lstat(name, &status) == 0 { continue }
            guard rename(work, name) == 0 else {
                throw JournalError("renaming \(work) to \(name)", SystemError.current)
            }
            return name
        }
        throw JournalError("renaming \(work)", SystemError(code: EEXIST))
    }

    /// Removes a journal's folder. The marker goes last, so that what a kill leaves is still seen to be nothing.
    private func remove(_ folder: String) throws(JournalError) {
        let storage = DiskStorage()
        do throws(SystemError) {
            let names = try storage.names(in: folder)
            if !names.contains(Self.marker) { _ = try storage.open("\(folder)/\(Self.marker)", create: true) }
            for name in names where name != Self.marker { try storage.remove("\(folder)/\(name)") }
            try storage.remove("\(folder)/\(Self.marker)")
            try storage.removeFolder(folder)
        } catch {
            throw JournalError("removing \(folder)", error)
        }
    }
}
