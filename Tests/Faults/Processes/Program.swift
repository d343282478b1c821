import SkeinPlatform

/// A program that is started, killed and started again. What it says goes to a file. Confined to one thread.
final class Program {
    let name: String
    let log: String
    private let path: String
    private(set) var process: ChildProcess?
    private(set) var starts = 0
    private(set) var kills = 0

    init(_ name: String, path: String, log: String) {
        self.name = name
        self.path = path
        self.log = log
    }

    var isRunning: Bool { process != nil }

    func start(_ arguments: [String]) throws {
        // The shell only redirects: exec keeps the process id.
        let redirect = ["-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1", "sh", log, path]
        do {
            process = try ChildProcess(path: "/bin/sh", arguments: redirect + arguments)
        } catch {
            throw FaultsError("cannot start \(path): \(error)")
        }
        starts += 1
    }

    /// SIGKILL, and waits until it is gone.
    func kill() throws {
        guard let process else { return }
        process.signal(SIGKILL)
        guard process.wait(until: Deadline.after(seconds: 20)) != nil else {
            throw FaultsError("\(name) (process \(process.processID)) did not go within 20 s of SIGKILL")
        }
        self.process = nil
        kills += 1
    }

    /// How it ended, if it did so by itself.
    func ownEnd() -> ChildProcess.End? {
        guard let end = process?.wait(until: 0) else { return nil }
        process = nil
        return end
    }

    /// SIGTERM, and waits for the end.
    func finish(within seconds: Int64) -> ChildProcess.End? {
        guard let process else { return nil }
        process.signal(SIGTERM)
        let end = process.wait(until: Deadline.after(seconds: seconds))
        if end != nil { self.process = nil }
        return end
    }

    /// Returns once it has said these words.
    /// - Parameter timesBefore: how often an earlier start of it had said them.
    func waitUntilItSays(_ words: String, timesBefore: Int = 0, within seconds: Int64) throws {
        let deadline = Deadline.after(seconds: seconds)
        while lastWords.split(separator: words, omittingEmptySubsequences: false).count - 1 <= timesBefore {
            guard SystemClock.monotonicNanoseconds() < deadline, ownEnd() == nil else {
                throw FaultsError("\(name) did not say \"\(words)\" in \(seconds) s; it said:\n\(lastWords)")
            }
            Deadline.pause(milliseconds: 10)
        }
    }

    /// The last lines that it said.
    var lastWords: String {
        let descriptor = open(log, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        let end = lseek(descriptor, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: 2_000)
        let count = pread(descriptor, &bytes, bytes.count, max(0, end - 2_000))
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}

/// Deadlines by the monotonic clock.
enum Deadline {
    static func after(seconds: Int64) -> Int64 {
        SystemClock.monotonicNanoseconds() + seconds * 1_000_000_000
    }

    /// Sleeps, shorter if the time is over before.
    static func pause(milliseconds: Int64) {
        usleep(UInt32(milliseconds * 1_000))
    }
}
