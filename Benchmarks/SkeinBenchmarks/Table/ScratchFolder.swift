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
    func remove() {
        removeTree(path)
    }

    private func removeTree(_ path: String) {
        guard let folder = opendir(path) else { return }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name != ".", name != ".." else { continue }
            let inner = "\(path)/\(name)"
            if unlink(inner) != 0 { removeTree(inner) }
        }
        closedir(folder)
        rmdir(path)
    }
}
