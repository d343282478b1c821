import SkeinPlatform

/// Folders of the file system.
enum Folder {
    /// Makes a folder and those above it. One that exists is fine.
    static func make(_ path: String) -> SystemError? {
        if mkdir(path, 0o755) == 0 { return nil }
        let error = SystemError.current
        if error.code == EEXIST {
            var status = stat()
            guard stat(path, &status) == 0 else { return .current }
            return status.st_mode & S_IFMT == S_IFDIR ? nil : SystemError(code: ENOTDIR)
        }
        guard error.code == ENOENT, let slash = path.dropLast().lastIndex(of: "/"), slash > path.startIndex
        else {
            return error
        }
        if let error = make(String(path[..<slash])) { return error }
        return mkdir(path, 0o755) == 0 || errno == EEXIST ? nil : .current
    }

    /// Whether there is a folder.
    static func isThere(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// What is in a folder; nothing if it cannot be read.
    static func names(_ path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}

/// A lock on a folder that one process may write to, held for as long as the value lives.
final class FolderLock: Sendable {
    private let descriptor: Int32

    /// - Returns: nil if another process holds it.
    init?(_ path: String) throws(SystemError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw .current }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = SystemError.current
            _ = close(descriptor)
            if error.code == EWOULDBLOCK { return nil }
            throw error
        }
    }

    deinit {
        _ = close(descriptor)
    }
}

/// How many files this process may have open.
enum OpenFileLimit {
    /// Raises the soft limit to the hard one, once, and tells it; at most 65,536.
    static func raise() -> Int {
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return 1024 }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = min(limit.rlim_max, 65_536)
            if raised.rlim_cur > limit.rlim_cur, setrlimit(resource, &raised) == 0 { limit = raised }
        }
        return Int(clamping: min(limit.rlim_cur, 65_536))
    }
}
