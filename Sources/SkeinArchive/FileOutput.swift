import SkeinPlatform

/// A new file being written. It must not be there yet.
struct FileOutput: ~Copyable {
    private let descriptor: Int32
    private let path: String
    /// Bytes written.
    private(set) var count = 0

    /// - Parameter status: whose permissions and owner the file takes over. Only root can give files away; for others
    ///   the file stays their own.
    init(path: String, like status: stat) throws(ArchiveError) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw ArchiveError("create", path, .current) }
        _ = fchown(file, status.st_uid, status.st_gid)
        guard fchmod(file, status.st_mode & 0o7777) == 0 else {
            let failure = SystemError.current
            close(file)
            unlink(path)
            throw ArchiveError("set the permissions of", path, failure)
        }
        descriptor = file
        self.path = path
    }

    deinit {
        close(descriptor)
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
        var rest = bytes
        while rest.count > 0 {
            let written = put(rest)
            if written < 0 {
                let failure = SystemError.current
                if failure.code == EINTR { continue }
                throw ArchiveError("write", path, failure)
            }
            count += written
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
    }

    mutating func write(_ bytes: [UInt8]) throws(ArchiveError) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyBytes(from: bytes)
        try write(UnsafeRawBufferPointer(copy))
    }

    func sync() throws(ArchiveError) {
        guard fsync(descriptor) == 0 else { throw ArchiveError("sync", path, .current) }
    }

    private func put(_ bytes: UnsafeRawBufferPointer) -> Int {
        systemWrite(descriptor, bytes.baseAddress, bytes.count)
    }
}

/// write(2), under a name that a method called `write` does not hide.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
