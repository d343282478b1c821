import SkeinBSON
import SkeinPlatform

/// `skein view --where … --json` over stored files, by the processor time of the whole program, against merely reading them.
enum ViewRows {
    private static let mebibytes = 384

    static func rows() throws -> [Row] {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let (path, size) = try write(folder)
        let conditions = [
            ("response.status >= 500 and type ~ \"req*\"", true),
            ("type = \"request\" and user = 5000", false),
            ("elapsed > 200ms or response.status = 503", false),
        ]
        return try conditions.map { condition, isGoal in
            var ours: [Double] = []
            var reading: [Double] = []
            for _ in 0..<5 {
                let before = childSeconds()
                _ = try ProgramOutput.lines(
                    of: "skein", ["view", "-l", folder.path, "--where", condition, "--json"])
                ours.append(Double(size) / (childSeconds() - before) * 1e-6)
                reading.append(Double(size) / (try read(path)) * 1e-6)
            }
            return Row(
                name: "view --where '\(condition)'", ours: median(ours), unit: .bytesPerSecond,
                peer: ("read(2) of the same", median(reading)), goal: isGoal ? .atLeast(1000) : .none)
        }
    }

    /// Events, of which one of some ten thousand has status 503.
    private static func write(_ folder: ScratchFolder) throws -> (path: String, size: Int) {
        let day = folder.path + "/20261120"
        guard mkdir(day, 0o755) == 0 else { throw SystemError.current }
        let path = day + "/request-20261120.bson"
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw SystemError.current }
        defer { close(file) }
        var bytes: [UInt8] = []
        for number in 0..<10_000 {
            bytes += FilterRows.event(status: number == 5000 ? 503 : 200, number: number).bytes
        }
        var size = 0
        while size < mebibytes << 20 {
            guard SkeinPlatform.write(file, bytes, bytes.count) == bytes.count else {
                throw SystemError.current
            }
            size += bytes.count
        }
        return (path, size)
    }

    private static func childSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    /// Seconds of this thread's processor that reading takes, as `cat` does.
    private static func read(_ path: String) throws -> Double {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw SystemError.current }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 128 << 10)
        let start = Measurement.threadNanoseconds()
        while SkeinPlatform.read(file, &buffer, buffer.count) > 0 {}
        return Double(Measurement.threadNanoseconds() - start) * 1e-9
    }
}
