internal import CSkeinPlatform

/// Lets mapped files of other processes be cut while they are read.
public enum MappingGuard {
    /// From here on, for the whole process: a page of a mapped file that is no longer there reads as zeros, instead of
    /// ending the process by SIGBUS. Any other SIGBUS ends it still. For programs, not for libraries: signals belong
    /// to the process.
    public static func install() {
        skein_guard_mappings()
    }
}
