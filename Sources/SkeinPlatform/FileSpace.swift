internal import CSkeinPlatform

/// Space on a disk, taken before it is needed.
public enum FileSpace {
    /// Gives the file its first `bytes` bytes, on the disk and in its length, so that later writes there
    /// cannot run out of space. Zero where nothing was written. A system call; its cost is the file system's.
    /// - Throws: `ENOSPC` when the disk is full, `EOPNOTSUPP` where the file system cannot do it: it is never
    ///   emulated by writing.
    public static func reserve(descriptor: Int32, bytes: Int) throws(SystemError) {
        let code = skein_reserve(descriptor, Int64(bytes))
        guard code == 0 else { throw SystemError(code: code) }
    }

    /// Whether a reserved byte can be written through a mapping without ever failing for want of space. True
    /// on ext2 to ext4, XFS, tmpfs and overlays of them; false where a write takes new blocks (btrfs, ZFS) or
    /// crosses a network, and wherever this is unknown.
    public static func keepsReservations(descriptor: Int32) -> Bool {
        skein_keeps_reservations(descriptor) != 0
    }
}
