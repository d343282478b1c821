import SkeinPlatform
import Testing

@Suite struct PageCacheTests {
    /// A file system on a block device: one that lives in memory gives none back. Others have the major number 0.
    private static var isOnDisk: Bool {
        var status = stat()
        return stat("/var/tmp", &status) == 0 && status.st_dev >> 8 != 0
    }

    /// How many of a file's pages are in the kernel's cache.
    private func cachedPages(_ descriptor: Int32, bytes: Int) throws -> Int {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let mapping = mmap(nil, bytes, PROT_READ, MAP_SHARED, descriptor, 0)
        try #require(mapping != MAP_FAILED)
        defer { munmap(mapping, bytes) }
        var states = [UInt8](repeating: 0, count: (bytes + page - 1) / page)
        try #require(mincore(mapping, bytes, &states) == 0)
        return states.count { $0 & 1 == 1 }
    }

    @Test(.enabled(if: isOnDisk))
    func `what is on the disk leaves the cache, and the rest of the file stays and reads the same`() throws {
        var template = Array("/var/tmp/skein-page-cache-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        unlink(template)
        var bytes = [UInt8](repeating: 0, count: 4 << 20)
        for index in stride(from: 0, to: bytes.count, by: 1000) { bytes[index] = UInt8(index / 1000 % 251) }
        try #require(write(descriptor, bytes, bytes.count) == bytes.count)
        let whole = try cachedPages(descriptor, bytes: bytes.count)
        PageCache.beginWriting(descriptor, from: 0, count: 3 << 20)
        #expect(FileDurability.sync(descriptor) == nil)
        PageCache.release(descriptor, from: 0, count: 3 << 20)
        // The kernel gives back its own units, of up to 2 MiB.
        let rest = try cachedPages(descriptor, bytes: bytes.count)
        #expect(rest * 2 <= whole && rest * 4 >= whole)
        var found = [UInt8](repeating: 0, count: bytes.count)
        #expect(pread(descriptor, &found, found.count, 0) == bytes.count)
        #expect(memcmp(found, bytes, bytes.count) == 0)
    }
}
