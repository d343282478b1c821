import SkeinBSON
import SkeinPlatform
import SkeinZeroMQ

/// A `skeind` beside this program, on ports of its own, in a folder of its own. It is killed when nobody holds it.
final class CollectorProcess {
    let endpoint: String
    /// Where it answers requests.
    let control: String
    /// Where it takes single events; nil unless asked for.
    let collect: String?
    /// Seconds from its start to the line that says it is ready.
    let secondsToReady: Double
    private let process: ChildProcess

    struct NotReady: Error, CustomStringConvertible {
        let description: String
    }

    /// Starts it and waits until it is ready.
    /// - Parameter collects: opens the collect port, too.
    init(in folder: String, collects: Bool = false, _ more: [String] = []) throws {
        let path = "\(ProgramOutput.folder)/skeind"
        guard access(path, X_OK) == 0 else {
            throw NotReady(description: "no \(path); swift build -c release --product skeind makes it")
        }
        let start = SystemClock.monotonicNanoseconds()
        process = try ChildProcess(
            path: path,
            arguments: [
                "--data", folder, "--control", "127.0.0.1:0", "--collect",
                collects ? "127.0.0.1:0" : "none", "--stream", "none",
                "--deliver", "127.0.0.1:0",
            ] + more, output: .pipe)
        let line = ProgramOutput.firstLine(process.output)
        secondsToReady = Double(SystemClock.monotonicNanoseconds() - start) / 1e9
        guard let line, let port = line.firstMatch(of: /deliver 127\.0\.0\.1:(\d+)/)?.1 else {
            process.signal(SIGKILL)
            throw NotReady(description: "skeind does not say that it is ready: \(line ?? "it ended")")
        }
        endpoint = "deliver://127.0.0.1:\(port)"
        collect = line.firstMatch(of: /collect 127\.0\.0\.1:(\d+)/).map { "tcp://127.0.0.1:\($0.1)" }
        control = line.firstMatch(of: /control 127\.0\.0\.1:(\d+)/).map { "tcp://127.0.0.1:\($0.1)" } ?? ""
    }

    deinit {
        kill()
    }

    /// What STATUS answers.
    func status() throws -> BSONDocument {
        let context = try ZMQContext()
        let socket = try ZMQSocket(.req, in: context)
        try socket.connect(control)
        let request: BSONDocument = ["cmd": "STATUS"]
        _ = try socket.send(request.bytes, wait: true)
        guard let answer = try socket.receive(wait: true) else { return BSONDocument() }
        return try BSONDocument(validating: answer.bytes())
    }

    /// SIGKILL, and waits for its end.
    func kill() {
        process.signal(SIGKILL)
        _ = process.wait(until: SystemClock.monotonicNanoseconds() + 20_000_000_000)
    }
}
