import SkeinPlatform

/// The lock of a day's folder, held for as long as the value lives.
///
/// Whoever writes files of the day (the collector's files outlet) holds it shared; whoever zips or prunes the day
/// holds it exclusively. It is an flock(2) of `<folder>/.lock`, so it goes with the process, however that ends.
/// flock is between open files: two locks in one process exclude each other just as two processes do.
public struct DayFolderLock: ~Copyable, Sendable {
    /// Shared among all who write files of the day, or exclusive for who zips or prunes it.
    public enum Mode: Sendable { case shared, exclusive }

    private let descriptor: Int32

    /// Takes the lock, making its file if need be. The folder must exist.
    /// - Parameters:
    ///   - folder: the day's folder.
    ///   - wait: how long to go on trying; zero tries once. The calling thread sleeps in between.
    /// - Throws: ``ArchiveError/Code/locked`` if another holds it, ``ArchiveError/Code/system`` otherwise.
    public init(folder: String, _ mode: Mode, wait: Duration = .zero) throws(ArchiveError) {
        let path = ArchivePath.join(folder, ArchivePath.lockName)
        let deadline = ContinuousClock.now + wait
        while true {
            let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
            guard file >= 0 else { throw ArchiveError("open the lock", path, .current) }
            if flock(file, (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 {
                // Prune removes the lock with its folder: a lock on a file that is no longer there locks nothing.
                if Self.isSameFile(file, path) {
                    descriptor = file
                    return
                }
                close(file)
                continue
            }
            let failure = SystemError.current
            close(file)
            guard failure.code == EWOULDBLOCK || failure.code == EINTR else {
                throw ArchiveError("lock", path, failure)
            }
            guard ContinuousClock.now < deadline else {
                throw ArchiveError(.locked, "\(folder) is in use by another process (\(path) is locked)")
            }
            usleep(20_000)
        }
    }

    deinit {
        close(descriptor)
    }

    private static func isSameFile(_ descriptor: Int32, _ path: String) -> Bool {
        var opened = stat()
        var named = stat()
        return fstat(descriptor, &opened) == 0 && lstat(path, &named) == 0
            && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
    }
}
