import SkeinBSON
import SkeinCollector
import SkeinPlatform
import SkeinWire
import Testing

/// What becomes of an outlet that cannot keep up, and of everybody else.
@Suite struct BacklogTests {
    /// A journal of 4 MiB in segments of 256 KiB: an outlet lags from 1 MiB on.
    private static func small(_ configuration: inout CollectorConfiguration) {
        configuration.journal.segmentBytes = 256 << 10
        configuration.journal.budgetBytes = 4 << 20
        configuration.journal.backlogBudgetBytes = 64 << 20
        configuration.drainTimeout = .milliseconds(300)
    }

    private static func forwarding(
        to port: UInt16, _ configuration: inout CollectorConfiguration,
        overflow: OutletConfiguration.Overflow = .drop
    ) {
        var outlet = OutletConfiguration(
            name: "master", kind: .forward(.init(endpoint: "deliver://127.0.0.1:\(port)")))
        outlet.overflow = overflow
        configuration.outlets.append(outlet)
    }

    /// A port at which nobody answers yet, and the folder of the collector that will.
    static func absentMaster() throws -> (port: UInt16, folder: TemporaryFolder) {
        let master = try RunningCollector()
        let port = UInt16(try #require(master.ports.deliver))
        master.collector.stop()
        return (port, master.folder)
    }

    /// Sends events of 1 KiB, each acknowledged.
    final class Sender {
        private let producer: RawProducer
        private(set) var sent: UInt64 = 0
        /// When to come again, as the last refusal said.
        private(set) var retryMilliseconds = 0

        init(_ port: Int) throws {
            producer = try RawProducer(port)
            _ = try producer.hello()
        }

        /// - Returns: whether all were acknowledged; else the collector said that it is full.
        @discardableResult
        func send(kibibytes: Int) throws -> Bool {
            let text = String(repeating: "x", count: 900)
            var left = kibibytes
            while left > 0 {
                let count = UInt64(min(100, left))
                left -= Int(count)
                try producer.batch(
                    (sent + 1...sent + count).map {
                        ($0, freshEvent("t\($0 % 3)", Int($0), text: text).bytes)
                    })
                while true {
                    let answer = try #require(try producer.answer())
                    if case .refuse(let refusal) = answer {
                        #expect(refusal.reason == .full)
                        retryMilliseconds = Int(refusal.retryMilliseconds ?? 0)
                        return false
                    }
                    if case .acknowledge(let ack) = answer, ack.ack >= sent + count { break }
                }
                sent += count
            }
            return true
        }
    }

    /// Checks that every number is there once, in order within a type.
    static func expectOnce(
        _ stored: [String: [[UInt8]]], _ count: UInt64, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var numbers: [Int64] = []
        for documents in stored.values {
            let own = try documents.map {
                try #require(BSONDocument(unchecked: $0)[path: "body.n"]?.intValue)
            }
            let isInOrder = own == own.sorted()
            #expect(isInOrder, sourceLocation: sourceLocation)
            numbers += own
        }
        let isEach = numbers.sorted() == Array(1...Int64(count))
        #expect(
            isEach, "\(numbers.count) events, \(Set(numbers).count) of them different, of \(count)",
            sourceLocation: sourceLocation)
    }

    private static func backlog(_ running: RunningCollector, _ key: String, of outlet: String = "master")
        -> Int64?
    {
        running.collector.status[path: "outlets.\(outlet).backlog.\(key)"]?.intValue
    }

    @Test
    func `an outlet whose other end is away holds neither the journal nor producers, and gets all of it`()
        throws
    {
        let (port, masterFolder) = try Self.absentMaster()
        let folder = try TemporaryFolder()
        var edge: RunningCollector? = try RunningCollector(folder) { configuration in
            Self.small(&configuration)
            Self.forwarding(to: port, &configuration)
        }
        let sender = try Sender(try #require(edge?.ports.deliver))
        // Three times the journal's budget, of which nothing is refused.
        for _ in 0..<12 { #expect(try sender.send(kibibytes: 1024)) }
        try eventually("what waits is in the backlog") {
            try #require(edge.flatMap { Self.backlog($0, "bytes") }) >= 9 << 20
        }
        let journal = try #require(edge?.collector.status["journal"]?.documentValue)
        #expect(try #require(journal["bytes"]?.intValue) <= 4 << 20)
        edge?.expectBalance()
        try Self.expectOnce(try #require(try flushedFiles(edge)), sender.sent)
        // A restart changes nothing.
        edge?.collector.stop()
        edge = nil
        edge = try RunningCollector(folder) { configuration in
            Self.small(&configuration)
            Self.forwarding(to: port, &configuration)
        }
        #expect(try #require(edge.flatMap { Self.backlog($0, "bytes") }) >= 9 << 20)
        let master = try RunningCollector(masterFolder) { $0.deliver = .loopback(port) }
        try edge?.flush()
        try master.flush()
        try Self.expectOnce(try master.stored(), sender.sent)
        #expect(edge?.collector.status[path: "outlets.master.delivered"]?.intValue == Int64(sender.sent))
        #expect(edge?.collector.status[path: "outlets.master.backlog_bytes"]?.intValue == 0)
        edge?.expectBalance()
        master.expectBalance()
        try eventually("the empty backlog goes") {
            TemporaryFolder.names(folder.path + "/data/backlog").isEmpty
        }
    }

    private func flushedFiles(_ running: RunningCollector?) throws -> [String: [[UInt8]]]? {
        // The other outlet cannot be flushed.
        let folder = running?.folder.path ?? ""
        try eventually("the files outlet has all") {
            let status = running?.collector.status
            return status?[path: "outlets.files.delivered"]?.intValue
                == status?[path: "ledger.journaled"]?.intValue
        }
        return try RunningCollector.stored(folder + "/data/files")
    }

    @Test func `what is written while it drains comes after what waited, once`() throws {
        let (port, masterFolder) = try Self.absentMaster()
        let edge = try RunningCollector { configuration in
            Self.small(&configuration)
            Self.forwarding(to: port, &configuration)
        }
        let sender = try Sender(try #require(edge.ports.deliver))
        for round in 0..<3 {
            #expect(try sender.send(kibibytes: 6 << 10))
            let master = try RunningCollector(masterFolder) { $0.deliver = .loopback(port) }
            #expect(try sender.send(kibibytes: 3 << 10))
            try edge.flush()
            #expect(try sender.send(kibibytes: 100))
            try edge.flush()
            try master.flush()
            if round == 2 { try Self.expectOnce(try master.stored(), sender.sent) }
            master.expectBalance()
            master.collector.stop()
        }
        edge.expectBalance()
    }

    @Test func `a files outlet that is held up goes on from its backlog, and the other one does not wait`()
        throws
    {
        let edge = try RunningCollector { configuration in
            Self.small(&configuration)
            configuration.outlets.append(
                OutletConfiguration(name: "held", kind: .files(.init(path: configuration.dataPath + "/held")))
            )
        }
        let root = edge.folder.path + "/data/held"
        let day = "\(dayOfToday())"
        mkdir(root + "/" + day, 0o755)
        let lock = try holdExclusively(root + "/" + day)
        let sender = try Sender(try #require(edge.ports.deliver))
        #expect(try sender.send(kibibytes: 10 << 10))
        try eventually("what waits is in the backlog") {
            (Self.backlog(edge, "bytes", of: "held") ?? 0) >= 8 << 20
        }
        try Self.expectOnce(try #require(try flushedFiles(edge)), sender.sent)
        lock.release()
        #expect(try sender.send(kibibytes: 100))
        try edge.flush()
        try Self.expectOnce(try RunningCollector.stored(root), sender.sent)
        #expect(edge.collector.status[path: "outlets.held.read"]?.intValue == Int64(sender.sent))
        edge.expectBalance()
    }

    @Test func `when the backlog is full, too, events are dropped for that outlet, counted and told of`()
        throws
    {
        let (port, masterFolder) = try Self.absentMaster()
        let edge = try RunningCollector { configuration in
            Self.small(&configuration)
            configuration.journal.backlogBudgetBytes = 2 << 20
            Self.forwarding(to: port, &configuration)
        }
        let sender = try Sender(try #require(edge.ports.deliver))
        for _ in 0..<8 { #expect(try sender.send(kibibytes: 1024)) }
        try eventually("some are dropped") { (Self.backlog(edge, "dropped") ?? 0) > 3000 }
        let master = try RunningCollector(masterFolder) { $0.deliver = .loopback(port) }
        try edge.flush()
        try master.flush()
        let delivered = try master.stored().filter { $0.key.hasPrefix("t") }.values.reduce(0) {
            $0 + $1.count
        }
        try eventually("all drops are told") {
            try Self.notices(try edge.stored()).reduce(0) { $0 + $1.count } == Int64(sender.sent)
                - Int64(delivered)
        }
        let notices = try Self.notices(try edge.stored())
        #expect(notices.allSatisfy { $0.reason == "backlog_full" && $0.place == "master" })
        try edge.flush()
        // Notices that are dropped themselves are counted, and not told of.
        let status = edge.collector.status
        let dropped = try #require(status[path: "outlets.master.dropped.backlog_full"]?.intValue)
        #expect(
            try #require(status[path: "outlets.master.delivered"]?.intValue) + dropped
                == Int64(sender.sent) + Int64(notices.count))
        #expect(master.ledger("duplicate") == 0)
        edge.expectBalance()
    }

    /// What events of type `skein.dropped` say.
    static func notices(_ stored: [String: [[UInt8]]]) throws -> [(
        reason: String, place: String, count: Int64
    )] {
        try stored.filter { $0.key.hasPrefix("skein.dropped-") }.values.flatMap { $0 }.map { bytes in
            let event = try BSONDocument(validating: bytes)
            #expect(
                try #require(event[path: "body.since"]?.doubleValue) <= event[path: "body.until"]?.doubleValue
                    ?? 0)
            return (
                try #require(event[path: "body.reason"]?.stringValue),
                try #require(event[path: "body.where"]?.stringValue),
                try #require(event[path: "body.count"]?.intValue)
            )
        }
    }

    @Test func `with overflow refuse the journal waits, producers are told so, and nothing is dropped`()
        throws
    {
        let (port, masterFolder) = try Self.absentMaster()
        let edge = try RunningCollector { configuration in
            Self.small(&configuration)
            configuration.journal.backlogBudgetBytes = 2 << 20
            Self.forwarding(to: port, &configuration, overflow: .refuse)
        }
        let sender = try Sender(try #require(edge.ports.deliver))
        #expect(try !sender.send(kibibytes: 12 << 10))
        #expect(sender.sent > 4 << 10)
        #expect(edge.warnings.wait(for: "the main journal waits") != nil)
        let held = sender.sent
        let master = try RunningCollector(masterFolder) { $0.deliver = .loopback(port) }
        try eventually("there is room again") {
            let again = try Sender(try #require(edge.ports.deliver))
            return try again.send(kibibytes: 1)
        }
        try edge.flush()
        try master.flush()
        let numbers = try master.stored().values.flatMap { $0 }.map {
            try #require(BSONDocument(unchecked: $0)[path: "body.n"]?.intValue)
        }
        #expect(Set(numbers).isSuperset(of: 1...Int64(held)))
        #expect(Int64(numbers.count) == edge.ledger("journaled"))
        #expect(edge.collector.status[path: "outlets.master.dropped"]?.documentValue?.isEmpty == true)
        edge.expectBalance()
    }

    @Test func `killed while it copies and while it drains, an outlet gets each event once`() throws {
        let (port, masterFolder) = try Self.absentMaster()
        let folder = try TemporaryFolder()
        _ = try folder.write(
            "skeind.yaml",
            """
            control: 127.0.0.1:0
            collect: none
            deliver: 127.0.0.1:0
            stream: none
            journal-budget: 16MiB
            journal-segment: 2MiB
            sync-interval: 5ms
            outlets:
              master: { kind: forward, endpoint: "deliver://127.0.0.1:\(port)" }
            """)
        let stream = StreamIdentity(journalHigh: 3, journalLow: 4, opening: 5, shard: 0)
        let text = String(repeating: "x", count: 4000)
        var random = SystemRandomNumberGenerator()
        var held: UInt64 = 0
        var master: RunningCollector?
        var hadBacklog = 0
        for round in 0..<10 {
            // It is away at first, then there for a while each time.
            if round >= 4 && master == nil {
                master = try RunningCollector(masterFolder) {
                    $0.deliver = .loopback(port)
                    $0.journal.budgetBytes = 256 << 20
                }
            }
            let program = try Program(["--config", "skeind.yaml"], folder: folder.path)
            let ports = try program.ports()
            let producer = try RawProducer(try #require(ports["deliver"]), stream: stream)
            guard case .welcome(let welcome) = try producer.hello(first: held + 1, durable: true) else {
                Issue.record("no welcome: \(program.output.all)")
                return
            }
            #expect(welcome.ack >= held)
            held = welcome.ack
            for _ in 0..<Int.random(in: 4...(round < 4 ? 30 : 8), using: &random) {
                try producer.batch(
                    (held + 1...held + 60).map { ($0, freshEvent("t\($0 % 3)", Int($0), text: text).bytes) })
                try producer.waitForAck(held + 60)
                held += 60
            }
            usleep(.random(in: 0...60_000, using: &random))
            if !TemporaryFolder.names(folder.path + "/skein-data/backlog").isEmpty { hadBacklog += 1 }
            program.signal(SIGKILL)
            #expect(program.wait() == 128 + SIGKILL)
            if round % 3 == 1 {
                master?.collector.stop()
                master = nil
            }
        }
        #expect(hadBacklog > 0)
        master = nil
        master = try RunningCollector(masterFolder) {
            $0.deliver = .loopback(port)
            $0.journal.budgetBytes = 256 << 20
        }
        let program = try Program(["--config", "skeind.yaml"], folder: folder.path)
        let control = try #require(try program.ports()["control"])
        #expect(try ask(control, "FLUSH") == ["ok": true])
        let status = try ask(control, "STATUS")
        RunningCollector.expectBalance(status)
        let journaled = UInt64(try #require(status[path: "ledger.journaled"]?.intValue))
        #expect(journaled >= held)
        #expect(status[path: "outlets.master.delivered"]?.intValue == Int64(journaled))
        #expect(status[path: "outlets.files.delivered"]?.intValue == Int64(journaled))
        try master?.flush()
        try Self.expectOnce(try #require(try master?.stored()), journaled)
        try Self.expectOnce(try RunningCollector.stored(folder.path + "/skein-data/files"), journaled)
        program.signal(SIGTERM)
        #expect(program.wait() == 0)
    }
}
