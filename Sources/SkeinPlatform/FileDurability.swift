internal import CSkeinPlatform

/// Making what was written outlive a power cut. Each call waits for the disk: 0.2 ms to many.
public enum FileDurability {
    /// Makes a file's bytes and length durable (`fdatasync`).
    /// - Returns: the error, nil if all is well. After an error the kernel may have forgotten what it could not write:
    ///   calling again proves nothing.
    public static func sync(_ descriptor: Int32) -> SystemError? {
        #if canImport(Darwin)
            return fcntl(descriptor, F_FULLFSYNC) == 0 ? nil : .current
        #else
            return fdatasync(descriptor) == 0 ? nil : .current
        #endif
    }

    /// Makes the names in a folder durable.
    public static func syncFolder(_ folder: String) -> SystemError? {
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard descriptor >= 0 else { return .current }
        defer { close(descriptor) }
        return fsync(descriptor) == 0 ? nil : .current
    }

    /// Whether ``syncFileSystem(of:)`` works here.
    public static let canSyncFileSystems = skein_can_syncfs() != 0

    /// Makes everything on the file system of a folder durable (`syncfs`): one call instead of one for each of
    /// hundreds of files.
    public static func syncFileSystem(of folder: String) -> SystemError? {
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard descriptor >= 0 else { return .current }
        defer { close(descriptor) }
        return skein_syncfs(descriptor) == 0 ? nil : .current
    }
}
