/// Mappings of files and of memory that belongs to no file. All are multiples of the page size long, and none
/// is inherited by a program that is started with `exec`.
public enum MemoryMap {
    /// Fresh memory, zero, taken page by page as it is touched.
    public static func anonymous(bytes: Int) throws(SystemError) -> UnsafeMutableRawPointer {
        try check(mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | anonymousFlag, -1, 0))
    }

    /// The first `bytes` bytes of an open file, shared with everybody who maps or reads it.
    public static func shared(
        descriptor: Int32, bytes: Int, writable: Bool
    ) throws(SystemError) -> UnsafeMutableRawPointer {
        let protection = writable ? PROT_READ | PROT_WRITE : PROT_READ
        return try check(mmap(nil, bytes, protection, MAP_SHARED, descriptor, 0))
    }

    /// The first `bytes` bytes of an open file, for reading; what is stored there stays in this process. What others
    /// write to the file may be seen.
    public static func privateCopy(
        descriptor: Int32, bytes: Int
    ) throws(SystemError) -> UnsafeMutableRawPointer {
        try check(mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | reserveFlag, descriptor, 0))
    }

    /// Puts fresh, zero, private memory in the place of a mapping, so that pointers into it stay valid and
    /// stores no longer reach the file. One system call, and nothing else: safe in the child of a fork.
    public static func detach(_ pointer: UnsafeMutableRawPointer, bytes: Int) {
        _ = mmap(
            pointer, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | anonymousFlag | MAP_FIXED, -1, 0)
    }

    /// Gives the mapping back. Every pointer into it is dead.
    public static func unmap(_ pointer: UnsafeMutableRawPointer, bytes: Int) {
        munmap(pointer, bytes)
    }

    /// Takes all pages for writing at once, so that who writes first meets no page fault. A hint.
    public static func populate(_ pointer: UnsafeMutableRawPointer, bytes: Int) {
        #if os(Linux)
            // MADV_POPULATE_WRITE, since Linux 5.14; older kernels say EINVAL, which costs nothing.
            _ = madvise(pointer, bytes, 23)
        #endif
    }

    /// Lets go of the memory behind a mapping of a file: it counts no longer as this process's, what was stored stays in
    /// the file, and who reads on gets it from there. Never for memory without a file, which would be zero.
    public static func letGo(_ pointer: UnsafeMutableRawPointer, bytes: Int) {
        #if os(Linux)
            _ = madvise(pointer, bytes, MADV_DONTNEED)
        #endif
    }

    /// Memory for pages that are never stored into need not be there.
    private static var reserveFlag: Int32 {
        #if canImport(Darwin)
            0
        #else
            Int32(MAP_NORESERVE)
        #endif
    }

    private static var anonymousFlag: Int32 {
        #if canImport(Darwin)
            MAP_ANON
        #else
            Int32(MAP_ANONYMOUS)
        #endif
    }

    private static func check(
        _ pointer: UnsafeMutableRawPointer?
    ) throws(SystemError) -> UnsafeMutableRawPointer {
        guard let pointer, pointer != MAP_FAILED else { throw SystemError.current }
        return pointer
    }
}
