import SkeinPlatform

/// A folder that a run keeps its files in: evidence, if something went wrong.
struct Folder {
    let path: String

    /// A new one in the system's temporary folder, or the one that is named.
    init(named name: String?, prefix: String) throws {
        if let name {
            try Self.make(name)
            guard let full = realpath(name, nil) else { throw FaultsError("no folder \(name)") }
            defer { free(full) }
            path = String(cString: full)
            return
        }
        let parent = ProcessEnvironment.variables(prefix: "TMPDIR")["TMPDIR"] ?? "/tmp"
        var template = Array("\(parent)/\(prefix)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw FaultsError("cannot make a folder in \(parent): \(SystemError.current)")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Makes a folder that may be there already.
    static func make(_ path: String) throws {
        guard mkdir(path, 0o755) != 0, errno != EEXIST else { return }
        throw FaultsError("cannot make the folder \(path): \(SystemError.current)")
    }

    /// Writes a file anew.
    static func write(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard descriptor >= 0, SkeinPlatform.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw FaultsError("cannot write \(path): \(SystemError.current)")
        }
    }

    /// The names in a folder; none if it is not there.
    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes it with all that is in it.
    func remove() {
        Self.removeTree(path)
    }

    private static func removeTree(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR {
            for name in names(in: path) { removeTree(path + "/" + name) }
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}
