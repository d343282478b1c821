import Skein
import SkeinPlatform

/// The whole way of an event: an app on one thread, TCP, skeind's journal, acknowledged after fdatasync, and its file. And its
/// peer's: lines of the same size through rsyslogd.
enum EndToEndRows {
    static func rows(events: Int = 6_000_000, rounds: Int = 3) throws -> [Row] {
        let size = try eventBytes()
        var ours: [Double] = []
        var theirs: [Double] = []
        for _ in 0..<rounds {
            ours.append(try skein(events, size))
            if let rate = try rsyslog(lines: events / 4, bytes: size) { theirs.append(rate) }
        }
        let peer = theirs.isEmpty ? nil : median(theirs)
        return [
            Row(
                name: "app to skeind's files, \(size) bytes each", ours: median(ours), unit: .eventsPerSecond,
                peer: ("rsyslogd, imptcp to omfile", peer), goal: .ratioAtLeast(2.5)),
            Row(
                name: "  the same, by itself", ours: median(ours), unit: .eventsPerSecond,
                goal: .atLeast(2_000_000)),
        ]
    }

    /// Events a second, from the first context until the last event is acknowledged and in its file.
    private static func skein(_ events: Int, _ size: Int) throws -> Double {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let collector = try CollectorProcess(in: folder.path)
        var configuration = EventPipeline.Configuration(endpoint: collector.endpoint, service: "checkout")
        configuration.journalBytes = 256 << 20
        let pipeline = try EventPipeline(configuration)
        let start = SystemClock.monotonicNanoseconds()
        try record(events, size, into: pipeline, within: configuration.journalBytes / 4)
        guard Loops.inTask({ await pipeline.flush(timeout: .seconds(120)) }) else {
            throw SystemError(code: ETIMEDOUT)
        }
        let deadline = start + 180_000_000_000
        while stored(folder.path + "/files") < events * size {
            guard SystemClock.monotonicNanoseconds() < deadline else { throw SystemError(code: ETIMEDOUT) }
            usleep(1_000)
        }
        let seconds = Double(SystemClock.monotonicNanoseconds() - start) / 1e9
        Loops.inTask { await pipeline.shutdown() }
        collector.kill()
        return Double(events) / seconds
    }

    /// Records as fast as the way takes them: what is on it stays below a limit, as an app's journal that is not full.
    private static func record(_ events: Int, _ size: Int, into pipeline: EventPipeline, within bytes: Int)
        throws
    {
        let loop = Loops.recorded(into: pipeline)
        let step = 20_000
        for begun in stride(from: 0, to: events, by: step) {
            _ = loop(min(step, events - begun))
            let deadline = SystemClock.monotonicNanoseconds() + 60_000_000_000
            while (begun + step) * size > bytes + Int(pipeline.statistics.acknowledged) * size {
                guard SystemClock.monotonicNanoseconds() < deadline else {
                    throw SystemError(code: ETIMEDOUT)
                }
                usleep(200)
            }
        }
    }

    private static func rsyslog(lines: Int, bytes: Int) throws -> Double? {
        let script = "Benchmarks/Peers/rsyslog.py"
        guard access(script, R_OK) == 0 else { return nil }
        return try ProgramOutput.lines(at: "/usr/bin/python3", [script, "\(lines)", "\(bytes)"]).first
            .flatMap(Double.init)
    }

    /// Bytes of the rows' event: the same for all, since its numbers have a fixed width.
    private static func eventBytes() throws -> Int {
        let recorder = MemoryRecorder()
        let pipeline = try EventPipeline(.init(recorder: recorder, service: "checkout"))
        pipeline.withContext("request") { Loops.fill($0, 0) }
        return recorder.events.first?.bytes.count ?? 0
    }

    /// Bytes of all event files below a folder.
    private static func stored(_ folder: String) -> Int {
        var bytes = 0
        for day in FolderListing.names(folder) {
            for name in FolderListing.names("\(folder)/\(day)") where name.hasSuffix(".bson") {
                var status = stat()
                if stat("\(folder)/\(day)/\(name)", &status) == 0 { bytes += Int(status.st_size) }
            }
        }
        return bytes
    }
}
