import SkeinPlatform

/// A `skeind` beside this program, on ports of its own, in a folder of its own. It is killed when nobody holds it.
final class CollectorProcess {
    let endpoint: String
    /// Seconds from its start to the line that says it is ready.
    let secondsToReady: Double
    private let process: ChildProcess

    struct NotReady: Error, CustomStringConvertible {
        let description: String
    }

    /// Starts it and waits until it is ready.
    init(in folder: String, _ more: [String] = []) throws {
        let path = Self.besides("skeind")
        guard access(path, X_OK) == 0 else {
            throw NotReady(description: "no \(path); swift build -c release --product skeind makes it")
        }
        let start = SystemClock.monotonicNanoseconds()
        process = try ChildProcess(
            path: path,
            arguments: [
                "--data", folder, "--control", "127.0.0.1:0", "--collect", "none", "--stream", "none",
                "--deliver", "127.0.0.1:0",
            ] + more, output: .pipe)
        let line = Self.firstLine(process.output)
        secondsToReady = Double(SystemClock.monotonicNanoseconds() - start) / 1e9
        guard let line, let port = line.firstMatch(of: /deliver 127\.0\.0\.1:(\d+)/)?.1 else {
            process.signal(SIGKILL)
            throw NotReady(description: "skeind does not say that it is ready: \(line ?? "it ended")")
        }
        endpoint = "deliver://127.0.0.1:\(port)"
    }

    deinit {
        kill()
    }

    /// SIGKILL, and waits for its end.
    func kill() {
        process.signal(SIGKILL)
        _ = process.wait(until: SystemClock.monotonicNanoseconds() + 20_000_000_000)
    }

    private static func firstLine(_ descriptor: Int32) -> String? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while read(descriptor, &byte, 1) == 1, byte != UInt8(ascii: "\n") { bytes.append(byte) }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    private static func besides(_ name: String) -> String {
        #if os(Linux)
            let own = "/proc/self/exe"
        #else
            let own = CommandLine.arguments.first ?? ""
        #endif
        guard let resolved = realpath(own, nil) else { return name }
        defer { free(resolved) }
        let path = String(cString: resolved)
        return path[...(path.lastIndex(of: "/") ?? path.startIndex)] + name
    }
}
