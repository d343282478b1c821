package import SkeinPlatform

/// The calls of the file system that a journal makes: so that it runs on anonymous memory as it does in a folder,
/// and a test can cut the power between any two of them.
package protocol JournalStorage: Sendable {
    /// Whether what is written outlives the process.
    var isPersistent: Bool { get }

    /// Makes a folder and those above it. One that exists is fine.
    func createFolder(_ path: String) throws(SystemError)
    /// The names in a folder, without order; none if it does not exist.
    func names(in folder: String) throws(SystemError) -> [String]
    /// Opens a file for reading and writing, made empty if it is not there and `create` says so.
    func open(_ path: String, create: Bool) throws(SystemError) -> any JournalFile
    func remove(_ path: String) throws(SystemError)
    func removeFolder(_ path: String) throws(SystemError)
    /// Makes the names in a folder durable.
    func syncFolder(_ path: String) throws(SystemError)
    /// Takes the lock of a file, made if it is not there; nil if somebody alive holds it.
    func lock(_ path: String) throws(SystemError) -> (any JournalLock)?
}

/// An open file.
package protocol JournalFile: AnyObject, Sendable {
    func byteCount() throws(SystemError) -> Int
    /// Takes the space of the first `bytes` bytes, and makes the file at least that long.
    func reserve(_ bytes: Int) throws(SystemError)
    /// Makes the file exactly that long, without taking space.
    func resize(_ bytes: Int) throws(SystemError)
    /// Whether what was reserved can always be written through a mapping.
    var keepsReservations: Bool { get }
    /// Reads until the buffer is full or the file ends; how many bytes it got.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int
    /// Writes all of the bytes.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError)
    /// Makes everything written durable (fdatasync).
    func sync() throws(SystemError)
    /// Maps the first `bytes` bytes. The mapping outlives the file object.
    func map(_ bytes: Int, writable: Bool) throws(SystemError) -> Mapping
}

extension JournalFile {
    func write(_ bytes: [UInt8], at offset: Int) throws(SystemError) {
        try bytes.withUnsafeBufferPointer { buffer throws(SystemError) in
            try write(UnsafeRawBufferPointer(buffer), at: offset)
        }
    }

    /// So many bytes, zero where the file has none.
    func read(_ count: Int, at offset: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        _ = try bytes.withUnsafeMutableBufferPointer { buffer throws(SystemError) in
            try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
        }
        return bytes
    }
}

/// A lock that dies with its process.
package protocol JournalLock: AnyObject, Sendable {
    /// Whether files beside the lock can be written through a mapping once reserved.
    var keepsReservations: Bool { get }
    func release()
    /// Forgets the lock in the child of a fork: closes the inherited descriptor, and nothing else. The parent
    /// keeps the lock.
    func forgetInChild()
}

/// Mapped memory, given back when the last reference goes.
package final class Mapping: @unchecked Sendable {
    // Sendable: both properties are constant; who stores through the pointer is the owner's concern.
    package let base: UnsafeMutableRawPointer
    package let byteCount: Int
    private let owner: Mapping?
    private let isOfFile: Bool

    /// Takes over mapped memory.
    /// - Parameter isOfFile: it is a shared mapping of a file.
    package init(base: UnsafeMutableRawPointer, byteCount: Int, isOfFile: Bool = false) {
        self.base = base
        self.byteCount = byteCount
        self.isOfFile = isOfFile
        owner = nil
    }

    /// The first bytes of another mapping, which lives as long as this one.
    package init(_ owner: Mapping, byteCount: Int) {
        base = owner.base
        self.byteCount = byteCount
        self.owner = owner
        isOfFile = owner.isOfFile
    }

    deinit {
        if owner == nil { MemoryMap.unmap(base, bytes: byteCount) }
    }

    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: byteCount) }

    /// Lets go of the memory of a file that was read and is not needed soon; reading on works. Any thread.
    func letGo() {
        if isOfFile { MemoryMap.letGo(base, bytes: byteCount) }
    }

    /// Replaces the memory by private zero pages at the same address. See ``MemoryMap/detach(_:bytes:)``.
    package func detach() {
        MemoryMap.detach(base, bytes: byteCount)
    }
}
