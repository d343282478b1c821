import SkeinPlatform

/// A descriptor to read from, closed with the value if it was opened here.
struct FileInput: ~Copyable {
    let descriptor: Int32
    private let isOwned: Bool

    /// Opens a file for reading in order, from `offset` on.
    init(path: String, offset: Int) throws(ArchiveError) {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard file >= 0 else { throw ArchiveError("read", path, .current) }
        var status = stat()
        let failure: SystemError? =
            if fstat(file, &status) != 0 {
                .current
            } else if status.st_mode & S_IFMT == S_IFDIR {
                SystemError(code: EISDIR)
            } else if offset > 0, lseek(file, off_t(offset), SEEK_SET) < 0 {
                .current
            } else {
                nil
            }
        if let failure {
            close(file)
            throw ArchiveError("read", path, failure)
        }
        #if os(Linux)
            posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL)
        #endif
        descriptor = file
        isOwned = true
    }

    /// A descriptor of somebody else's.
    init(borrowing descriptor: Int32) {
        self.descriptor = descriptor
        isOwned = false
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    /// Reads what there is, at most `room.count` bytes.
    /// - Returns: the number of bytes, 0 at the end.
    func fetch(into room: UnsafeMutableRawBufferPointer, name: String) throws(ArchiveError) -> Int {
        while true {
            let count = read(descriptor, room.baseAddress, room.count)
            if count >= 0 { return count }
            let failure = SystemError.current
            if failure.code != EINTR { throw ArchiveError("read", name, failure) }
        }
    }
}
