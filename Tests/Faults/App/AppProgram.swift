import Skein
import SkeinPlatform
import Synchronization

/// The app under test: two threads and two tasks that open contexts, until SIGTERM or, more often, SIGKILL.
struct AppProgram {
    private let options: AppOptions
    private let signals: Signals

    init(_ options: AppOptions, _ signals: Signals) {
        self.options = options
        self.signals = signals
    }

    /// What the lanes look at between two steps.
    private final class Shared: Sendable {
        let isStopping = Atomic<Bool>(false)
        let running = Monitor(0)
    }

    func run() throws {
        try Signals.endWithInput()
        var configuration = EventPipeline.Configuration(
            endpoint: options.endpoint, service: "app", spool: options.spool)
        configuration.journalBytes = Self.journalBytes
        configuration.segmentBytes = 2 << 20
        configuration.shards = 3
        let pipeline = try EventPipeline(configuration)
        let shared = Shared()
        var threads: [SystemThread] = []
        if options.rate > 0 {
            let reports = try ReportFile(creating: options.reports)
            shared.running.withLock { $0 = ReportFile.lanes }
            for number in 0..<ReportFile.lanes {
                let lane = Lane(
                    number, run: Int(options.run), reports: reports, pipeline: pipeline,
                    seed: options.seed &+ options.run << 8)
                if number < 2 {
                    threads.append(
                        try SystemThread(name: "lane-\(number)") { [options] in
                            Self.drive(lane, options.rate, pipeline, shared)
                        })
                } else {
                    Task { [options] in await Self.driveTask(lane, options.rate, pipeline, shared) }
                }
            }
        }
        Output.line("app run \(options.run): process \(getpid()) goes")
        signals.wait()
        shared.isStopping.store(true, ordering: .relaxed)
        for thread in threads { thread.join() }
        _ = shared.running.wait(until: Deadline.after(seconds: 30)) { $0 == 0 ? true : nil }
        try end(pipeline)
    }

    /// Budget of the spool. The lanes wait long before it is used up: nothing is dropped here.
    private static let journalBytes = 512 << 20

    private static func hasRoom(_ pipeline: EventPipeline) -> Bool {
        pipeline.statistics.inFlight < 50_000
    }

    private static func drive(_ lane: Lane, _ rate: Int, _ pipeline: EventPipeline, _ shared: Shared) {
        var lane = lane
        var pace = Pace(rate: rate / ReportFile.lanes)
        while !shared.isStopping.load(ordering: .relaxed), !lane.isExhausted {
            let before = lane.begun
            for _ in 0..<32 { lane.step() }
            let pause = hasRoom(pipeline) ? pace.pause(after: lane.begun - before) : 5_000_000
            if pause > 0 { usleep(UInt32(pause / 1_000)) }
        }
        lane.end()
        shared.running.update { $0 -= 1 }
    }

    private static func driveTask(
        _ lane: Lane, _ rate: Int, _ pipeline: EventPipeline, _ shared: Shared
    ) async {
        var lane = lane
        var pace = Pace(rate: rate / ReportFile.lanes)
        while !shared.isStopping.load(ordering: .relaxed), !lane.isExhausted {
            let before = lane.begun
            for _ in 0..<32 { await lane.asynchronousStep() }
            let pause = hasRoom(pipeline) ? pace.pause(after: lane.begun - before) : 5_000_000
            if pause > 0 { try? await Task.sleep(nanoseconds: UInt64(pause)) }
        }
        lane.end()
        shared.running.update { $0 -= 1 }
    }

    /// Ships everything, the earlier owners' too, and says how the ledger stands.
    private func end(_ pipeline: EventPipeline) throws {
        let outcome = Monitor<(isFlushed: Bool, statistics: EventStatistics)?>(nil)
        Task {
            let isFlushed = await pipeline.flush(timeout: .seconds(45))
            let statistics = pipeline.statistics
            await pipeline.shutdown()
            outcome.update { $0 = (isFlushed, statistics) }
        }
        guard let (isFlushed, statistics) = outcome.wait(until: Deadline.after(seconds: 60), { $0 }) else {
            throw FaultsError("app run \(options.run): the pipeline did not end within a minute")
        }
        Output.line("app run \(options.run): \(statistics)")
        let dropped = statistics.dropped.values.reduce(0, +)
        guard isFlushed else { throw FaultsError("app run \(options.run): not everything was acknowledged") }
        guard statistics.inFlight == 0, dropped == 0, statistics.created == statistics.acknowledged else {
            throw FaultsError("app run \(options.run): the ledger does not balance")
        }
    }
}

/// How long to pause so that there are so many events a second.
private struct Pace {
    let rate: Int
    private var due = SystemClock.monotonicNanoseconds()

    init(rate: Int) {
        self.rate = max(1, rate)
    }

    /// Nanoseconds. Time that was lost is not made up for.
    mutating func pause(after count: Int) -> Int64 {
        let now = SystemClock.monotonicNanoseconds()
        due = max(due, now - 50_000_000) + Int64(count) * 1_000_000_000 / Int64(rate)
        return max(0, due - now)
    }
}
