package import SkeinPlatform
import Synchronization

/// The file system. Folders are made for their owner alone (0700), files too (0600): events are nobody else's
/// business.
package struct DiskStorage: JournalStorage {
    package init() {}

    package var isPersistent: Bool { true }

    package func createFolder(_ path: String) throws(SystemError) {
        if mkdir(path, 0o700) == 0 { return }
        let error = SystemError.current
        switch error.code {
        case EEXIST:
            return
        case ENOENT:
            guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { throw error }
            try createFolder(String(path[..<slash]))
            if mkdir(path, 0o700) == 0 { return }
            let error = SystemError.current
            guard error.code == EEXIST else { throw error }
        default:
            throw error
        }
    }

    package func names(in folder: String) throws(SystemError) -> [String] {
        guard let stream = opendir(folder) else {
            let error = SystemError.current
            if error.code == ENOENT { return [] }
            throw error
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                let error = SystemError.current
                guard error.code == 0 else { throw error }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
    }

    package func open(_ path: String, create: Bool) throws(SystemError) -> any JournalFile {
        try DiskFile(path, create: create)
    }

    package func remove(_ path: String) throws(SystemError) {
        guard unlink(path) == 0 else { throw SystemError.current }
    }

    package func removeFolder(_ path: String) throws(SystemError) {
        guard rmdir(path) == 0 else { throw SystemError.current }
    }

    package func syncFolder(_ path: String) throws(SystemError) {
        let descriptor = openFile(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError.current }
        let result = fsync(descriptor)
        let error = SystemError.current
        close(descriptor)
        guard result == 0 else { throw error }
    }

    package func lock(_ path: String) throws(SystemError) -> (any JournalLock)? {
        try HeldLocks.shared.add { () throws(SystemError) in try take(path) }
    }

    private func take(_ path: String) throws(SystemError) -> DiskLock? {
        // Whoever removes a journal holds its lock while doing so. A lock taken on a file that has meanwhile
        // lost its name is worth nothing: try the file that now has it.
        for _ in 0..<100 {
            let file = try DiskFile(path, create: true)
            guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
                let error = SystemError.current
                if error.code == EWOULDBLOCK || error.code == EINTR { return nil }
                throw error
            }
            var held = stat()
            var named = stat()
            if fstat(file.descriptor, &held) == 0, stat(path, &named) == 0, held.st_ino == named.st_ino,
                held.st_dev == named.st_dev
            {
                return DiskLock(file.takeDescriptor())
            }
        }
        return nil
    }
}

private func openFile(_ path: String, _ flags: Int32, _ mode: mode_t = 0) -> Int32 {
    while true {
        let descriptor = open(path, flags, mode)
        if descriptor >= 0 || errno != EINTR { return descriptor }
    }
}

final class DiskLock: JournalLock {
    private let descriptor: Atomic<Int32>

    init(_ descriptor: Int32) {
        self.descriptor = Atomic(descriptor)
    }

    var keepsReservations: Bool {
        FileSpace.keepsReservations(descriptor: descriptor.load(ordering: .relaxed))
    }

    // Closing the last descriptor of the open file gives the lock up. A child of a fork that still has one would
    // keep it, which is why the child forgets it.
    func release() {
        HeldLocks.shared.remove(self)
        let descriptor = descriptor.exchange(-1, ordering: .relaxed)
        if descriptor >= 0 {
            flock(descriptor, LOCK_UN)
            close(descriptor)
        }
    }

    func forgetInChild() {
        let descriptor = descriptor.exchange(-1, ordering: .relaxed)
        if descriptor >= 0 { close(descriptor) }
    }

    deinit { release() }
}

private final class DiskFile: JournalFile {
    private let owned: Atomic<Int32>

    init(_ path: String, create: Bool) throws(SystemError) {
        let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0)
        let descriptor = openFile(path, flags, 0o600)
        guard descriptor >= 0 else { throw SystemError.current }
        owned = Atomic(descriptor)
    }

    deinit {
        let descriptor = descriptor
        if descriptor >= 0 { close(descriptor) }
    }

    var descriptor: Int32 { owned.load(ordering: .relaxed) }

    /// Hands the descriptor to a new owner.
    func takeDescriptor() -> Int32 { owned.exchange(-1, ordering: .relaxed) }

    func byteCount() throws(SystemError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemError.current }
        return Int(status.st_size)
    }

    func reserve(_ bytes: Int) throws(SystemError) {
        try FileSpace.reserve(descriptor: descriptor, bytes: bytes)
    }

    func resize(_ bytes: Int) throws(SystemError) {
        while ftruncate(descriptor, off_t(bytes)) != 0 {
            let error = SystemError.current
            guard error.code == EINTR else { throw error }
        }
    }

    var keepsReservations: Bool { FileSpace.keepsReservations(descriptor: descriptor) }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = pread(
                descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
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
        var done = 0
        while done < bytes.count {
            let count = pwrite(
                descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            if count < 0 {
                let error = SystemError.current
                if error.code == EINTR { continue }
                throw error
            }
            done += count
        }
    }

    func sync() throws(SystemError) {
        #if canImport(Darwin)
            let result = fsync(descriptor)
        #else
            let result = fdatasync(descriptor)
        #endif
        guard result == 0 else { throw SystemError.current }
    }

    func map(_ bytes: Int, writable: Bool) throws(SystemError) -> Mapping {
        Mapping(
            base: try MemoryMap.shared(descriptor: descriptor, bytes: bytes, writable: writable),
            byteCount: bytes, isOfFile: true)
    }
}
