import SkeinPlatform

/// A folder of the benchmark's own.
struct ScratchFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/skein-benchmark-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        guard let made else { throw SystemError.current }
        path = made
    }

    /// Removes the folder and all in it.
    func remove() { Self.remove(path) }

    private static func remove(_ path: String) {
        for name in FolderListing.names(path) {
            let inner = "\(path)/\(name)"
            if unlink(inner) != 0 { remove(inner) }
        }
        rmdir(path)
    }
}

enum FolderListing {
    /// What a folder has in it; nothing if it cannot be read.
    static func names(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
