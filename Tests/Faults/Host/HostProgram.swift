import Skein
import SkeinPlatform
import Synchronization

/// `SkeinFaults host`: an app that records as fast as it can towards an endpoint that may be anything, and says what
/// that did to it. One line of `name=value` pairs on standard output:
///
/// `created`, `acknowledged`, `held`, `dropped` (events), `warnings`, `base_kib`, `peak_kib` (resident memory before the
/// load, and at most), `flush_ms` (a flush with a limit of 200 ms), `shutdown_ms`.
struct HostProgram {
    private let endpoint: String
    private let seconds: Int64
    private let journalBytes: Int

    init(_ arguments: [String]) throws {
        let line = try CommandLineOptions(
            arguments, options: ["endpoint", "seconds", "journal-bytes"].map { .init($0) })
        guard let endpoint = line.last("endpoint"), let seconds = line.last("seconds").flatMap({ Int64($0) }),
            let journalBytes = line.last("journal-bytes").flatMap({ Int($0) })
        else { throw FaultsError("host: --endpoint, --seconds and --journal-bytes are needed") }
        self.endpoint = endpoint
        self.seconds = seconds
        self.journalBytes = journalBytes
    }

    private final class WarningCount: Sendable {
        let count = Atomic<Int>(0)
    }

    func run() throws {
        let warnings = WarningCount()
        var configuration = EventPipeline.Configuration(endpoint: endpoint, service: "host")
        configuration.journalBytes = journalBytes
        configuration.segmentBytes = 2 << 20
        configuration.shards = 2
        configuration.onWarning = { _ in warnings.count.add(1, ordering: .relaxed) }
        let pipeline = try EventPipeline(configuration)
        Self.write(1_000, to: pipeline)
        let base = ResidentMemory.now() ?? 0
        let deadline = Deadline.after(seconds: seconds)
        let threads = try (0..<2).map { number in
            try SystemThread(name: "load-\(number)") {
                while SystemClock.monotonicNanoseconds() < deadline {
                    Self.write(1_000, to: pipeline)
                    // Room for others: what is looked at is what the other end does to us.
                    usleep(2_000)
                }
            }
        }
        for thread in threads { thread.join() }
        let outcome = Monitor<(flush: Int64, shutdown: Int64)?>(nil)
        Task {
            let start = SystemClock.monotonicNanoseconds()
            await pipeline.flush(timeout: .milliseconds(200))
            let flushed = SystemClock.monotonicNanoseconds()
            await pipeline.shutdown()
            let ended = SystemClock.monotonicNanoseconds()
            outcome.update { $0 = ((flushed - start) / 1_000_000, (ended - flushed) / 1_000_000) }
        }
        guard let times = outcome.wait(until: Deadline.after(seconds: 30), { $0 }) else {
            throw FaultsError("host: flush and shutdown took longer than 30 s")
        }
        let statistics = pipeline.statistics
        Output.line(
            "created=\(statistics.created) acknowledged=\(statistics.acknowledged) held=\(statistics.inFlight) "
                + "dropped=\(statistics.dropped.values.reduce(0, +)) "
                + "warnings=\(warnings.count.load(ordering: .relaxed)) "
                + "base_kib=\(base) peak_kib=\(ResidentMemory.peak() ?? 0) flush_ms=\(times.flush) "
                + "shutdown_ms=\(times.shutdown)")
    }

    private static func write(_ count: Int, to pipeline: EventPipeline) {
        for number in 0..<count {
            pipeline.withContext("job") { context in
                context["number"] = number
                context["text"] = "a text that is there so that the event has some length, as events do"
            }
        }
    }
}
