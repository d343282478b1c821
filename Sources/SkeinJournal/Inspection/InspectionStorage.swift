import SkeinPlatform

/// A folder to look at and not to touch: files are opened for reading and mapped privately, so that nothing done to the
/// memory reaches them. What would change the folder does nothing or fails.
///
/// The files may be anybody's and may change meanwhile: only regular files count, no links are followed, nothing waits.
/// A file that is cut while it is mapped makes a read of the missing pages a SIGBUS: who looks at folders of other
/// processes installs a `MappingGuard` first.
struct InspectionStorage: JournalStorage {
    /// More of a file than this is not looked at: no segment is larger.
    static let maximumBytes = 1 << 30

    /// First pages that take the place of those in the files, by path: headers that were rescued.
    var headers: [String: [UInt8]] = [:]

    var isPersistent: Bool { true }

    func createFolder(_ path: String) throws(SystemError) { throw SystemError(code: EROFS) }
    func names(in folder: String) throws(SystemError) -> [String] { try DiskStorage().names(in: folder) }
    func remove(_ path: String) throws(SystemError) {}
    func removeFolder(_ path: String) throws(SystemError) { throw SystemError(code: EROFS) }
    func syncFolder(_ path: String) throws(SystemError) { throw SystemError(code: EROFS) }
    func lock(_ path: String) throws(SystemError) -> (any JournalLock)? { throw SystemError(code: EROFS) }

    func open(_ path: String, create: Bool) throws(SystemError) -> any JournalFile {
        try InspectedFile(path, header: headers[path])
    }

    /// Whether somebody alive holds the lock of a journal. Where nobody does, it is held shared for the instant of
    /// asking. A lock that is not there or cannot be opened is held by nobody.
    static func isLocked(_ path: String) -> Bool {
        let descriptor = openReadOnly(path)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_SH | LOCK_NB) == 0 else {
            return SystemError.current.code == EWOULDBLOCK
        }
        flock(descriptor, LOCK_UN)
        return false
    }
}

private func openReadOnly(_ path: String) -> Int32 {
    while true {
        // A pipe in the place of a file must not hold us up.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        if descriptor >= 0 || errno != EINTR { return descriptor }
    }
}

private final class InspectedFile: JournalFile {
    private let descriptor: Int32
    private let isRegular: Bool
    private let header: [UInt8]?

    init(_ path: String, header: [UInt8]?) throws(SystemError) {
        let opened = openReadOnly(path)
        guard opened >= 0 else { throw SystemError.current }
        descriptor = opened
        self.header = header
        var status = stat()
        isRegular = fstat(opened, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    deinit { close(descriptor) }

    func byteCount() throws(SystemError) -> Int {
        guard isRegular else { return 0 }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemError.current }
        return min(Int(status.st_size), InspectionStorage.maximumBytes)
    }

    func reserve(_ bytes: Int) throws(SystemError) { throw SystemError(code: EROFS) }
    func resize(_ bytes: Int) throws(SystemError) { throw SystemError(code: EROFS) }
    var keepsReservations: Bool { true }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        var done = 0
        while done < buffer.count, isRegular, let base = buffer.baseAddress {
            let count = pread(descriptor, base + done, buffer.count - done, off_t(offset + done))
            if count < 0 {
                let error = SystemError.current
                if error.code == EINTR { continue }
                throw error
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) {
        throw SystemError(code: EROFS)
    }

    func sync() throws(SystemError) { throw SystemError(code: EROFS) }

    func map(_ bytes: Int, writable: Bool) throws(SystemError) -> Mapping {
        let mapping = Mapping(
            base: try MemoryMap.privateCopy(descriptor: descriptor, bytes: bytes), byteCount: bytes,
            isOfFile: header == nil)
        if let header, header.count <= bytes {
            header.withUnsafeBytes { page in
                if let from = page.baseAddress { mapping.base.copyMemory(from: from, byteCount: page.count) }
            }
        }
        return mapping
    }
}
