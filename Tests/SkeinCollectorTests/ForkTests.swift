import SkeinBSON
import SkeinJournal
import SkeinPlatform
import Testing

@testable import SkeinCollector

/// A real program that forks, and a real collector.
@Suite(.timeLimit(.minutes(2))) struct ForkTests {
    private static let path = Program.path.replacing("/skeind", with: "/SkeinForkProgram")

    private func stored(_ folder: TemporaryFolder) throws -> [String: [BSONDocument]] {
        Dictionary(
            grouping: try RunningCollector.stored(folder.path + "/data/files").values.joined().map {
                BSONDocument(unchecked: $0)
            }, by: { $0["type"]?.stringValue ?? "" })
    }

    private func numbers(_ events: [BSONDocument]?) -> [Int64] {
        (events ?? []).compactMap { $0[path: "body.n"]?.intValue }.sorted()
    }

    @Test func `both sides of a fork record, each event once and under its own pid`() throws {
        let running = try RunningCollector()
        let endpoint = "deliver://127.0.0.1:\(running.ports.deliver ?? 0)"
        let spool = running.folder.path + "/spool"
        let program = try ChildProcess(path: Self.path, arguments: [endpoint, spool, "500", "both"])
        let deadline = SystemClock.monotonicNanoseconds() + 60_000_000_000
        #expect(program.wait(until: deadline) == .exited(0))
        try running.flush()
        let events = try stored(running.folder)
        #expect(numbers(events["parent"]) == Array(0..<1000))
        #expect(numbers(events["child"]) == Array(0..<500))
        #expect(events["open"]?.count == 1)
        let open = try #require(events["open"]?.first)
        #expect(open[path: "body.parent"] == .bool(true) && open[path: "body.child"] == nil)
        let inner = try #require(events["open.inner"]?.first)
        #expect(events["open.inner"]?.count == 1)
        #expect(inner["id"] == open["id"] && inner["parent"] == open["span"])
        let parent = Int64(program.processID)
        #expect(events["parent"]?.allSatisfy { $0["pid"]?.intValue == parent } == true)
        let child = try #require(inner[path: "body.pid"]?.intValue)
        #expect(child != parent)
        #expect(((events["child"] ?? []) + [inner]).allSatisfy { $0["pid"]?.intValue == child })
        let spans = events.values.joined().compactMap { $0["span"]?.stringValue }
        #expect(Set(spans).count == spans.count)
        running.expectBalance()
    }

    @Test func `when the parent dies after a fork its spool is free at once, though the child lives`() throws
    {
        let running = try RunningCollector()
        let endpoint = "deliver://127.0.0.1:\(running.ports.deliver ?? 0)"
        let spool = running.folder.path + "/spool"
        let program = try ChildProcess(path: Self.path, arguments: [endpoint, spool, "500", "orphan"])
        let deadline = SystemClock.monotonicNanoseconds() + 60_000_000_000
        #expect(program.wait(until: deadline) == .signalled(SIGKILL))
        // The child waits for the end of its input, which this object holds open.
        let next = try MappedJournal(adopting: spool + "/0")
        #expect(next.recovered.openSlots.count == 1)
        next.close(clean: false)
        var changed = RunningCollector.configuration(running.folder)
        changed.spools = [spool]
        try running.collector.reload(changed)
        try eventually("all of both is stored") {
            try running.flush()
            let events = try stored(running.folder)
            return numbers(events["parent"]).count >= 500 && numbers(events["child"]).count >= 500
                && events["skein.process"] != nil && events["open"] != nil && events["open.inner"] != nil
        }
        withExtendedLifetime(program) {}
        let events = try stored(running.folder)
        #expect(numbers(events["parent"]) == Array(0..<500))
        #expect(numbers(events["child"]) == Array(0..<500))
        #expect(events["open"]?.count == 1 && events["open.inner"]?.count == 1)
        #expect(events["open"]?.first?[path: "error.type"] == "abandoned")
        #expect(events["skein.process"]?.count == 1)
    }
}
