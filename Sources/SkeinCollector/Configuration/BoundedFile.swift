import SkeinPlatform

/// Whole files of people: configuration, keys.
enum BoundedFile {
    /// - Throws: the system's error; `EFBIG` for a file of more than `maximumBytes`.
    static func read(_ path: String, maximumBytes: Int) throws(SystemError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .current }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count <= maximumBytes {
            let count = SkeinPlatform.read(descriptor, &chunk, chunk.count)
            if count < 0 {
                let error = SystemError.current
                if error.code == EINTR { continue }
                throw error
            }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
        throw SystemError(code: EFBIG)
    }
}
