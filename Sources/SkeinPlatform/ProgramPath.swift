internal import CSkeinPlatform

/// The file of the program that runs.
public enum ProgramPath {
    /// A path that starts this very program again; on Linux also after its file was replaced or removed.
    public static var current: String {
        #if os(Linux)
            "/proc/self/exe"
        #else
            // As it was called: from a folder that is still there, or found in PATH.
            CommandLine.arguments.first ?? ""
        #endif
    }
}
