import SkeinPlatform

/// What a process has in memory, as the kernel counts it.
enum ResidentMemory {
    /// KiB now: `VmRSS`. Nil if the process is gone.
    static func now(of process: Int32? = nil) -> Int? { field("VmRSS:", process) }

    /// KiB at most so far: `VmHWM`.
    static func peak(of process: Int32? = nil) -> Int? { field("VmHWM:", process) }

    private static func field(_ name: String, _ process: Int32?) -> Int? {
        guard let text = SmallFile.read("/proc/\(process.map(String.init) ?? "self")/status") else {
            return nil
        }
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
    }
}
