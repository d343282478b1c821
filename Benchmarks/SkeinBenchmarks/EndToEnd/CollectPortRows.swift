import CSkeinBenchmarks
import SkeinBSON
import SkeinPlatform

/// The collect port: single messages of one event each, against a loop in C that takes them from a PULL socket and looks at none.
/// Sender and receiver share the machine's cores in both.
enum CollectPortRows {
    static func rows(messages: Int = 6_000_000, rounds: Int = 3) throws -> [Row] {
        let event = Self.event
        var ours: [Double] = []
        var theirs: [Double] = []
        for _ in 0..<rounds {
            theirs.append(try bare(messages, event))
            ours.append(try skeind(messages, event))
        }
        return [
            Row(
                name: "collect port, messages of \(event.count) bytes", ours: median(ours),
                unit: .eventsPerSecond, peer: ("a bare PULL loop in C", median(theirs)),
                goal: .ratioAtLeast(0.8))
        ]
    }

    /// What `--pull N` does: the bare loop, in a process of its own.
    static func pull(_ count: Int) -> Int32 { skein_bench_pull(Int64(count)) }

    private static func bare(_ messages: Int, _ event: [UInt8]) throws -> Double {
        let child = try ChildProcess(
            path: ProgramOutput.ownPath, arguments: ["--pull", "\(messages)"], output: .pipe)
        defer { _ = child.end(grace: .zero) }
        guard let endpoint = ProgramOutput.firstLine(child.output) else { throw SystemError(code: EIO) }
        let start = SystemClock.monotonicNanoseconds()
        try push(endpoint, event, messages)
        guard child.wait(until: start + 120_000_000_000) == .exited(0) else {
            throw SystemError(code: ETIMEDOUT)
        }
        return rate(messages, since: start)
    }

    private static func skeind(_ messages: Int, _ event: [UInt8]) throws -> Double {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let collector = try CollectorProcess(in: folder.path, collects: true, ["--log-path", "none"])
        guard let endpoint = collector.collect else { throw SystemError(code: EIO) }
        let start = SystemClock.monotonicNanoseconds()
        try push(endpoint, event, messages)
        while try journaled(collector) < messages {
            guard SystemClock.monotonicNanoseconds() < start + 120_000_000_000 else {
                throw SystemError(code: ETIMEDOUT)
            }
            usleep(2_000)
        }
        let rate = rate(messages, since: start)
        collector.kill()
        return rate
    }

    private static func journaled(_ collector: CollectorProcess) throws -> Int {
        let ledger = try collector.status()["ledger"]?.documentValue
        return Int(ledger?["journaled"]?.intValue ?? 0)
    }

    private static func push(_ endpoint: String, _ event: [UInt8], _ messages: Int) throws {
        let result = event.withUnsafeBytes {
            skein_bench_push(endpoint, $0.baseAddress, $0.count, Int64(messages))
        }
        guard result == 0 else { throw SystemError(code: result) }
    }

    private static func rate(_ messages: Int, since start: Int64) -> Double {
        Double(messages) * 1e9 / Double(SystemClock.monotonicNanoseconds() - start)
    }

    /// One event of 300 bytes.
    private static var event: [UInt8] {
        var event: BSONDocument = [
            "id": "673e2a0f8d1c4b5a9e7f001122334455", "type": "request", "host": "benchmark-host",
        ]
        event.append("pid", .int32(4711))
        let now = Double(SystemClock.wallNanoseconds()) * 1e-9
        event.append("start", .double(now))
        event.append("end", .double(now + 0.25))
        let rest = 300 - event.bytes.count - 30
        event.append("body", .document(["text": .string(String(repeating: "x", count: max(1, rest)))]))
        return event.bytes
    }
}
