import Skein
import SkeinPlatform
import Synchronization

/// What "nothing is lost" costs: throughput with acknowledgements, start over a backlog, and how long an app is held up. Shown,
/// not judged: all of it depends on the disk. (Kills survived: `make faults`.)
struct Reliability {
    private let folder: String

    static func run() throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let reliability = Reliability(folder: folder.path)
        try reliability.throughput()
        try reliability.timeToReady()
        try reliability.holdUps()
    }

    // MARK: Throughput

    private func throughput() throws {
        let collector = try CollectorProcess(in: folder + "/throughput")
        let pipeline = try Self.pipeline(collector.endpoint, spool: nil, journalBytes: 1 << 30)
        let count = 2_000_000
        let start = SystemClock.monotonicNanoseconds()
        Self.write(count, to: pipeline)
        let written = Self.seconds(since: start)
        guard Self.flush(pipeline) else { return print("throughput: not everything was acknowledged") }
        let acknowledged = Self.seconds(since: start)
        let statistics = pipeline.statistics
        Self.end(pipeline)
        // Named here, or the last reference to it would be gone, and the process with it, before the events are there.
        collector.kill()
        print("throughput, one thread, events of about 300 bytes, acknowledged after fdatasync")
        print("  recorded      \(Self.rate(count, written)) events/s")
        print("  acknowledged  \(Self.rate(Int(statistics.acknowledged), acknowledged)) events/s\n")
    }

    // MARK: Backlog

    private func timeToReady() throws {
        print("skeind over a backlog: seconds to ready after SIGKILL, and for each GiB (goal: under 1)")
        let data = folder + "/backlog"
        var collector = try CollectorProcess(in: data, ["--forward", "deliver://127.0.0.1:1"])
        let empty = collector.secondsToReady
        print("  nothing   \(Self.thousandths(empty)) s")
        let pipeline = try Self.pipeline(collector.endpoint, spool: nil, journalBytes: 1 << 30)
        let text = String(repeating: "x", count: 1_800)
        for n in 0..<512 * 1024 {
            pipeline.withContext("backlog") { context in
                context["n"] = n
                context["text"] = text
            }
            if n % 1_024 == 0 { while pipeline.statistics.inFlight > 100_000 { usleep(1_000) } }
        }
        guard Self.flush(pipeline) else { return print("  the backlog was not taken") }
        Self.end(pipeline)
        collector.kill()
        collector = try CollectorProcess(in: data, ["--forward", "deliver://127.0.0.1:1"])
        print("  1 GiB     \(Self.thousandths(collector.secondsToReady)) s\n")
        collector.kill()
    }

    // MARK: Hold-ups

    private func holdUps() throws {
        print("how long an app is held up by one context with four fields (promise: 1000 at 99.99 %)")
        print(Latencies.header)
        let count = 400_000
        print(Latencies.measure(count) { _ in Self.spin() }.text("nothing: this machine's own"))
        let collector = try CollectorProcess(in: folder + "/hold-ups")
        for (name, endpoint, spool, isBusy) in [
            ("shipping at full load, in memory", collector.endpoint, nil, true),
            ("shipping at full load, spool", collector.endpoint, folder + "/spool-1", true),
            ("collector absent, at full load, in memory", "deliver://127.0.0.1:1", nil, true),
            ("collector absent, at full load, spool", "deliver://127.0.0.1:1", folder + "/spool-2", true),
            ("collector absent, about 20000/s, in memory", "deliver://127.0.0.1:1", nil, false),
            ("collector absent, about 20000/s, spool", "deliver://127.0.0.1:1", folder + "/spool-3", false),
        ] {
            let pipeline = try Self.pipeline(endpoint, spool: spool, journalBytes: 256 << 20)
            let isOver = Flag()
            // Another thread keeps the shipper busy meanwhile.
            let load = try SystemThread(name: "load") {
                while isBusy, !isOver.isSet {
                    Self.write(2_000, to: pipeline)
                    usleep(5_000)
                }
            }
            let latencies = Latencies.measure(isBusy ? count : count / 2, burst: isBusy ? 200 : 25) {
                Self.record($0, in: pipeline)
            }
            print(latencies.text(name))
            isOver.set()
            load.join()
            Self.end(pipeline)
        }
        collector.kill()
    }

    // MARK: Parts

    private static func pipeline(
        _ endpoint: String, spool: String?, journalBytes: Int
    ) throws -> EventPipeline {
        var configuration = EventPipeline.Configuration(endpoint: endpoint, service: "bench", spool: spool)
        configuration.journalBytes = journalBytes
        configuration.onWarning = { _ in }
        return try EventPipeline(configuration)
    }

    @inline(never)
    private static func record(_ n: Int, in pipeline: EventPipeline) {
        pipeline.withContext("request") { context in
            context["user_agent"] = "curl/7.88.1"
            context["path"] = "/search"
            context["response.status"] = 200
            context["response.size"] = n
        }
    }

    @inline(never)
    private static func write(_ count: Int, to pipeline: EventPipeline) {
        for n in 0..<count { record(n, in: pipeline) }
    }

    /// About as long as recording, touching nothing.
    @inline(never)
    private static func spin() {
        let end = SystemClock.monotonicNanoseconds() + 400
        while SystemClock.monotonicNanoseconds() < end {}
    }

    private static func flush(_ pipeline: EventPipeline) -> Bool {
        let outcome = Monitor<Bool?>(nil)
        Task {
            let isFlushed = await pipeline.flush(timeout: .seconds(60))
            outcome.update { $0 = isFlushed }
        }
        return outcome.wait(until: SystemClock.monotonicNanoseconds() + 70_000_000_000) { $0 } ?? false
    }

    private static func end(_ pipeline: EventPipeline) {
        let isEnded = Monitor(false)
        Task {
            await pipeline.shutdown(timeout: .milliseconds(100))
            isEnded.update { $0 = true }
        }
        _ = isEnded.wait(until: SystemClock.monotonicNanoseconds() + 10_000_000_000) { $0 ? true : nil }
    }

    private static func seconds(since start: Int64) -> Double {
        Double(SystemClock.monotonicNanoseconds() - start) / 1e9
    }

    private static func rate(_ count: Int, _ seconds: Double) -> Int { Int(Double(count) / seconds) }

    private static func thousandths(_ value: Double) -> String { "\((value * 1_000).rounded() / 1_000)" }
}
