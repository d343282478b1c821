import SkeinPlatform

/// A folder nobody else can write to, gone with this object.
final class ScratchFolder {
    let path: String

    init() throws {
        let parent = ProcessEnvironment.variables(prefix: "TMPDIR")["TMPDIR"] ?? "/tmp"
        let made = strdup(parent + "/skein-demo.XXXXXX")
        defer { free(made) }
        guard let made, mkdtemp(made) != nil else {
            throw DemoError.failed(
                "cannot make a folder in \(parent): \(SystemError.current) (--database names a file)")
        }
        path = String(cString: made)
    }

    deinit {
        for name in ["catalogue.db", "catalogue.db-journal"] { unlink(path + "/" + name) }
        rmdir(path)
    }
}
