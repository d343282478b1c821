internal import CSkeinPlatform

/// Keeping the kernel's cache of a file that grows and grows small. Advice: where the system or the file system takes none,
/// nothing happens, and no call fails or proves anything.
///
/// Each page that a long file is written to is a new one until the machine's memory is full of them. Fresh memory is
/// dear, on a virtual machine above all, where the host has to find it first: 300 bytes cost 400 to 750 ns there, and 65
/// in pages that were just given back.
public enum PageCache {
    /// Begins to write what is in the cache of a part of a file to the disk. Waits only when the disk's queue is full.
    public static func beginWriting(_ descriptor: Int32, from offset: Int, count: Int) {
        skein_begin_writing(descriptor, off_t(offset), off_t(count))
    }

    /// Gives back the memory of whole pages of a part of a file that are on the disk; others stay.
    public static func release(_ descriptor: Int32, from offset: Int, count: Int) {
        skein_release_cached(descriptor, off_t(offset), off_t(count))
    }
}
