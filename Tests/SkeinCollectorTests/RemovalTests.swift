import SkeinBSON
import SkeinCollector
import SkeinPlatform
import SkeinWire
import Testing

/// Outlets that are removed, forgotten, added and renamed, and configurations that cannot be meant.
@Suite struct RemovalTests {
    private static func edge(
        _ folder: TemporaryFolder, forwardingTo port: UInt16?
    ) -> CollectorConfiguration {
        var configuration = RunningCollector.configuration(folder)
        configuration.journal.segmentBytes = 256 << 10
        configuration.journal.budgetBytes = 4 << 20
        configuration.drainTimeout = .milliseconds(300)
        if let port {
            configuration.outlets.append(
                OutletConfiguration(
                    name: "master", kind: .forward(.init(endpoint: "deliver://127.0.0.1:\(port)"))))
        }
        return configuration
    }

    /// A collector that has a backlog for a master that is away.
    private static func lagging(
        _ folder: TemporaryFolder, _ port: UInt16
    ) throws -> (RunningCollector, BacklogTests.Sender) {
        let running = try RunningCollector(folder) { $0 = edge(folder, forwardingTo: port) }
        let sender = try BacklogTests.Sender(try #require(running.ports.deliver))
        #expect(try sender.send(kibibytes: 5 << 10))
        try eventually("what waits is in the backlog") {
            running.collector.status[path: "outlets.master.backlog.bytes"]?.intValue ?? 0 > 3 << 20
        }
        return (running, sender)
    }

    private static func forget(_ running: RunningCollector, _ name: String) throws -> BSONDocument? {
        let request: BSONDocument = ["cmd": "FORGET", "name": .string(name)]
        return try ask(running.ports.control, request.bytes)
    }

    private static func removed(_ running: RunningCollector) -> Int64? {
        running.collector.status[path: "outlets_removed.dropped.outlet_removed"]?.intValue
    }

    @Test
    func `an outlet that was removed is forgotten when asked, and what waited for it is counted for good`()
        throws
    {
        let (port, _) = try BacklogTests.absentMaster()
        let folder = try TemporaryFolder()
        var (running, sender): (RunningCollector?, BacklogTests.Sender) = try Self.lagging(folder, port)
        let edge = try #require(running)
        #expect(
            try Self.forget(edge, "master")?["error"]?.stringValue
                == "master is configured: take it out of the configuration and reload first")
        #expect(try Self.forget(edge, "nobody")?["error"]?.stringValue == "no outlet is called \"nobody\"")
        #expect(try Self.forget(edge, "../outlets")?["error"]?.stringValue?.hasPrefix("no outlet") == true)
        var plain = Self.edge(folder, forwardingTo: nil)
        plain.control = .loopback()
        try edge.collector.reload(plain)
        #expect(edge.collector.status[path: "outlets.master"] != nil)
        #expect(try Self.forget(edge, "master") == ["ok": true])
        #expect(edge.collector.status[path: "outlets.master"] == nil)
        #expect(Self.removed(edge) == Int64(sender.sent))
        #expect(TemporaryFolder.names(folder.path + "/data/backlog").isEmpty)
        #expect(
            TemporaryFolder.names(folder.path + "/data/outlets") == ["files.checkpoint", "files.settings"])
        try eventually("it is told downstream") {
            try BacklogTests.notices(try edge.stored()).contains {
                $0.reason == "outlet_removed" && $0.place == "master" && $0.count == Int64(sender.sent)
            }
        }
        edge.expectBalance()
        edge.collector.stop()
        running = nil
        let again = try RunningCollector(folder) { $0 = plain }
        #expect(Self.removed(again) == Int64(sender.sent))
        again.expectBalance()
    }

    @Test func `what waits for an outlet that is removed is dropped when its time is over`() throws {
        let (port, _) = try BacklogTests.absentMaster()
        let folder = try TemporaryFolder()
        var (running, sender): (RunningCollector?, BacklogTests.Sender) = try Self.lagging(folder, port)
        running?.collector.stop()
        running = nil
        let plain = try RunningCollector(folder) { configuration in
            configuration = Self.edge(folder, forwardingTo: nil)
            configuration.retirement = .zero
        }
        try eventually("it is gone") { Self.removed(plain) == Int64(sender.sent) }
        try eventually("with its backlog") { TemporaryFolder.names(folder.path + "/data/backlog").isEmpty }
        plain.expectBalance()
    }

    @Test func `a removed outlet goes through its backlog, and no further`() throws {
        let (port, masterFolder) = try BacklogTests.absentMaster()
        let folder = try TemporaryFolder()
        let (running, sender) = try Self.lagging(folder, port)
        let removedAt = sender.sent
        try running.collector.reload(Self.edge(folder, forwardingTo: nil))
        #expect(try sender.send(kibibytes: 100))
        let master = try RunningCollector(masterFolder) { $0.deliver = .loopback(port) }
        try eventually("it is through") { running.collector.status[path: "outlets.master"] == nil }
        try master.flush()
        try BacklogTests.expectOnce(try master.stored(), removedAt)
        #expect(Self.removed(running) == nil)
    }

    @Test func `a configuration that cannot be meant, or had, touches no backlog`() throws {
        let (port, masterFolder) = try BacklogTests.absentMaster()
        let folder = try TemporaryFolder()
        var (running, sender): (RunningCollector?, BacklogTests.Sender) = try Self.lagging(folder, port)
        func waiting() -> [String] {
            TemporaryFolder.names(folder.path + "/data/backlog/master").filter { !$0.hasSuffix(".cursor") }
        }
        let before = waiting()
        let good = Self.edge(folder, forwardingTo: port)
        let file = try folder.write("file", "")
        var mistakes: [CollectorConfiguration] = []
        var wrong = Self.edge(folder, forwardingTo: nil)
        wrong.rules = [Rule(to: ["nobody"])]
        mistakes.append(wrong)
        wrong = Self.edge(folder, forwardingTo: nil)
        wrong.outlets[0] = OutletConfiguration(name: "files", kind: .files(.init(path: file + "/x")))
        mistakes.append(wrong)
        wrong = Self.edge(folder, forwardingTo: nil)
        wrong.outlets.append(
            OutletConfiguration(name: "master", kind: .files(.init(path: folder.path + "/m"))))
        mistakes.append(wrong)
        for wrong in mistakes {
            #expect(throws: (any Error).self) { try running?.collector.reload(wrong) }
            #expect(waiting() == before)
        }
        #expect(try sender.send(kibibytes: 100))
        running?.collector.stop()
        running = nil
        for wrong in mistakes.dropLast() {
            #expect(throws: (any Error).self) {
                let collector = try Collector(wrong, log: .none)
                try collector.start()
            }
            #expect(waiting() == before)
        }
        let again = try RunningCollector(folder) { $0 = good }
        let master = try RunningCollector(masterFolder) { $0.deliver = .loopback(port) }
        try again.flush()
        try master.flush()
        try BacklogTests.expectOnce(try master.stored(), sender.sent)
    }

    @Test func `outlets come, go and are renamed under load, and each has every event of its time once`()
        throws
    {
        let folder = try TemporaryFolder()
        let running = try RunningCollector(folder)
        let base = RunningCollector.configuration(folder)
        func files(_ name: String) -> OutletConfiguration {
            OutletConfiguration(name: name, kind: .files(.init(path: base.dataPath + "/" + name)))
        }
        let port = try #require(running.ports.deliver)
        let load = Monitor((isOver: false, sent: UInt64(0), hasEnded: false))
        try SystemThread(name: "load") {
            if let sender = try? BacklogTests.Sender(port) {
                while !load.withLock({ $0.isOver }), (try? sender.send(kibibytes: 20)) == true {
                    load.update { $0.sent = sender.sent }
                }
            }
            load.update { $0.hasEnded = true }
        }.detach()
        func moveOn() throws {
            let now = load.withLock { $0.sent }
            let deadline = SystemClock.monotonicNanoseconds() + 20_000_000_000
            try #require(load.wait(until: deadline) { $0.sent >= now + 60 ? true : nil } != nil)
        }
        var names: Set<String> = ["files"]
        for round in 0..<6 {
            var configuration = base
            // One stays, one comes for two rounds, and one has another name each time.
            if round % 3 != 0 { configuration.outlets.append(files("sometimes\(round / 3)")) }
            configuration.outlets.append(files("renamed\(round)"))
            for outlet in configuration.outlets where outlet.kind != .stream { names.insert(outlet.name) }
            try running.collector.reload(configuration)
            try moveOn()
        }
        load.update { $0.isOver = true }
        let deadline = SystemClock.monotonicNanoseconds() + 20_000_000_000
        try #require(load.wait(until: deadline) { $0.hasEnded ? true : nil } != nil)
        let sent = load.withLock { $0.sent }
        try running.flush()
        try eventually("those removed are through") {
            running.collector.status["outlets"]?.documentValue?.count == 4
        }
        var next: Int64 = 1
        for name in names.sorted() {
            let numbers = try RunningCollector.stored(base.dataPath + "/" + name).values.flatMap { $0 }.map {
                try #require(BSONDocument(unchecked: $0)[path: "body.n"]?.intValue)
            }.sorted()
            let first = try #require(numbers.first, "\(name) has nothing")
            let last = try #require(numbers.last)
            let isEach = numbers == Array(first...last)
            #expect(isEach, "\(name) has gaps, or something twice")
            if name == "files" { #expect(first == 1 && last == Int64(sent)) }
            if name.hasPrefix("renamed") {
                // What arrives while a reload works goes to both; nothing goes to neither.
                #expect(first <= next || name == "renamed0", "\(name)")
                next = last + 1
            }
        }
        #expect(next == Int64(sent) + 1)
        #expect(Self.removed(running) == nil)
        running.expectBalance()
    }
}
