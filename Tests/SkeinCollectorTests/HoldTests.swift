import SkeinBSON
import SkeinPlatform
import SkeinWire
import Testing

/// Rules with `hold:` in a real `skeind`.
@Suite struct HoldTests {
    private static func start(
        _ folder: TemporaryFolder, _ rules: String
    ) throws -> (program: Program, control: Int, deliver: Int) {
        try write(folder, rules)
        let program = try Program(
            [
                "--control", "127.0.0.1:0", "--collect", "none", "--deliver", "127.0.0.1:0", "--stream",
                "none",
                "--config", "skeind.yaml",
            ], folder: folder.path)
        let ports = try program.ports()
        return (program, try #require(ports["control"]), try #require(ports["deliver"]))
    }

    private static func write(_ folder: TemporaryFolder, _ rules: String) throws {
        _ = try folder.write(
            "skeind.yaml",
            """
            sync-interval: 2ms
            journal-segment: 2MiB
            journal-budget: 256MiB
            checkpoint-interval: 200ms
            outlets: { second: { kind: files, path: second } }
            \(rules)
            """)
    }

    private static let holding = """
        rules:
          - { name: py, match: held = 1, hold: { by: id, until: level >= 40, for: 300s, capacity: 100000 }, to: [files, second] }
          - { match: held = 0, to: [files, second] }
        """

    private static func event(
        _ number: Int, group: Int, level: Int32 = 10, held: Int32 = 1, type: String = "t"
    ) -> BSONDocument {
        let now = Double(SystemClock.wallNanoseconds()) * 1e-9
        return [
            "id": .string("group \(group)"), "type": .string(type), "host": "h", "pid": 1,
            "start": .double(now), "end": .double(now),
            "body": ["n": .int64(Int64(number)), "group": .int64(Int64(group)), "held": .int32(held)],
            "level": .int32(level),
        ]
    }

    /// Sends, and waits until all is acknowledged; a collector that dies meanwhile is told by an error.
    private final class Sender {
        private let producer: RawProducer
        private var number: UInt64
        private var acknowledged: UInt64

        init(_ port: Int, _ stream: StreamIdentity) throws {
            producer = try RawProducer(port, stream: stream)
            guard case .welcome(let welcome)? = try producer.hello(first: 1, durable: true) else {
                throw ConfigurationError()
            }
            number = welcome.ack
            acknowledged = number
        }

        struct ConfigurationError: Error {}

        /// The number of the last event that the collector has.
        var held: Int { Int(number) }

        func send(_ events: [BSONDocument]) throws {
            let first = number + 1
            try producer.batch(events.enumerated().map { (first + UInt64($0), $1.bytes) })
            number += UInt64(events.count)
        }

        func wait() throws {
            guard number > acknowledged else { return }
            try producer.waitForAck(number)
            acknowledged = number
        }
    }

    private static func stored(_ path: String) throws -> [(group: Int, number: Int)] {
        let stored = try RunningCollector.stored(path)
        return try stored.values.flatMap { $0 }.map { bytes in
            let document = BSONDocument(unchecked: bytes)
            return (
                Int(try #require(document[path: "body.group"]?.intValue)),
                Int(try #require(document[path: "body.n"]?.intValue))
            )
        }
    }

    private static func expect(
        _ folder: TemporaryFolder, _ expected: [Int: [Int]],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for path in ["/skein-data/files", "/second"] {
            let found = Dictionary(grouping: try stored(folder.path + path)) { $0.group }
                .mapValues { $0.map(\.number) }
            #expect(Set(found.keys) == Set(expected.keys), "\(path)", sourceLocation: sourceLocation)
            for (group, numbers) in expected {
                let isSame = found[group] == numbers
                let got = found[group] ?? []
                #expect(
                    isSame,
                    "\(path), group \(group): \(got.count) events, \(Set(got).count) of them different, of \(numbers.count)",
                    sourceLocation: sourceLocation)
            }
        }
    }

    private static func expectBalance(
        _ status: BSONDocument, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        RunningCollector.expectBalance(status, sourceLocation: sourceLocation)
        for (name, value) in status[path: "hold.holds"]?.documentValue ?? [:] {
            func count(_ key: String) -> Int64 { value.documentValue?[key]?.intValue ?? -1 }
            #expect(
                count("held")
                    == count("let_go") + count("expired") + count("pushed_out") + count("removed")
                    + count("holding"), "\(name): \(value)", sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `through kills each event of a group with an error comes once and in order, the others not at all`(
        seed: UInt64
    ) throws {
        var random = seed
        func next(_ bound: Int) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(random >> 33) % bound
        }
        let folder = try TemporaryFolder()
        let stream = StreamIdentity(journalHigh: 7, journalLow: seed, opening: 1, shard: 0)
        var events: [BSONDocument] = []
        var expected: [Int: [Int]] = [:]
        var all: [Int: [Int]] = [:]
        for number in 0..<6000 {
            let group = next(60)
            // A third of the groups never has an error.
            let isError = group % 3 > 0 && next(40) == 0
            events.append(Self.event(number, group: group, level: isError ? 40 : 10))
            all[group, default: []].append(number)
            if isError { expected[group] = [] }
        }
        for group in expected.keys { expected[group] = all[group] }
        var life = 0
        while true {
            let (program, control, deliver) = try Self.start(folder, Self.holding)
            let sender = try Sender(deliver, stream)
            let isLast = life == 7
            let until = isLast ? events.count : min(events.count, sender.held + 200 + next(1200))
            for start in stride(from: sender.held, to: until, by: 50) {
                try sender.send(Array(events[start..<min(start + 50, until)]))
            }
            life += 1
            if isLast {
                try sender.wait()
                #expect(try ask(control, "FLUSH")["ok"] == true)
                let status = try ask(control, "STATUS")
                Self.expectBalance(status)
                #expect(status[path: "hold.holds.py.held"]?.intValue == 6000)
                let gone = expected.values.reduce(0) { $0 + $1.count }
                #expect(status[path: "hold.holds.py.let_go"]?.intValue == Int64(gone))
                #expect(status[path: "outlets.files.delivered"]?.intValue == Int64(gone))
                program.signal(SIGTERM)
                #expect(program.wait() == 0)
                break
            }
            if next(3) > 0 { try sender.wait() }
            usleep(UInt32(next(60_000)))
            program.signal(SIGKILL)
            _ = program.wait()
        }
        try Self.expect(folder, expected)
    }

    @Test func `a hold that begins under load holds nothing that an outlet has, and loses nothing`() throws {
        let folder = try TemporaryFolder()
        let (program, control, deliver) = try Self.start(folder, "rules: [ { to: [files, second] } ]")
        let stream = StreamIdentity(journalHigh: 8, journalLow: 1, opening: 1, shard: 0)
        let sender = try Sender(deliver, stream)
        var number = 0
        var expected: [Int: Set<Int>] = [:]
        func send(_ count: Int, level: Int32 = 10) throws {
            for _ in 0..<count / 50 {
                var batch: [BSONDocument] = []
                for _ in 0..<50 {
                    number += 1
                    expected[number % 20, default: []].insert(number)
                    batch.append(Self.event(number, group: number % 20, level: level))
                }
                try sender.send(batch)
            }
        }
        try send(1000)
        // With the hold, without any change, with another capacity and condition, which change nothing of what is held.
        for rules in [
            Self.holding, Self.holding, Self.holding.replacing("100000", with: "99999"),
            Self.holding.replacing("level >= 40", with: "level >= 50"),
        ] {
            try Self.write(folder, rules)
            try send(500)
            #expect(try ask(control, "RELOAD")["ok"] == true)
            try send(500)
        }
        try sender.wait()
        #expect(try ask(control, "FLUSH")["ok"] == true)
        let holding = try #require(try ask(control, "STATUS")[path: "hold.holds.py.holding"]?.intValue)
        #expect(holding >= 2000)
        // A reload that cannot be had leaves what is held where it is.
        try Self.write(folder, Self.holding + "\ntests: [ { event: { type: a }, dropped: true } ]")
        #expect(try ask(control, "RELOAD")["error"] != nil)
        // A restart with the same rules, too.
        program.signal(SIGKILL)
        _ = program.wait()
        let again = try Self.start(folder, Self.holding)
        let second = try Sender(again.deliver, stream)
        #expect(second.held == number)
        var batch: [BSONDocument] = []
        for group in 0..<20 {
            number += 1
            expected[group, default: []].insert(number)
            batch.append(Self.event(number, group: group, level: 50))
        }
        try second.send(batch)
        try second.wait()
        #expect(try ask(again.control, "FLUSH")["ok"] == true)
        let status = try ask(again.control, "STATUS")
        Self.expectBalance(status)
        #expect(status[path: "hold.holds.py.holding"]?.intValue == 0)
        again.program.signal(SIGTERM)
        #expect(again.program.wait() == 0)
        for path in ["/skein-data/files", "/second"] {
            let found = try Self.stored(folder.path + path)
            #expect(found.count == number, "\(path)")
            let groups = Dictionary(grouping: found) { $0.group }.mapValues { Set($0.map(\.number)) }
            let isSame = groups == expected
            #expect(isSame, "\(path)")
        }
    }

    @Test func `what nothing lets go expires by itself, and skein.release lets go`() throws {
        let folder = try TemporaryFolder()
        let rules = """
            rules:
              - { name: short, match: held = 1, hold: { until: level >= 40, for: 200ms }, to: [files, second] }
              - { name: long, match: held = 2, hold: { by: group, until: level >= 40, for: 1h }, to: [files, second] }
            """
        let (program, control, deliver) = try Self.start(folder, rules)
        let stream = StreamIdentity(journalHigh: 9, journalLow: 1, opening: 1, shard: 0)
        let sender = try Sender(deliver, stream)
        try sender.send((0..<100).map { Self.event($0, group: $0 % 5, held: Int32($0 % 2) + 1) })
        try sender.wait()
        try eventually("they expire") {
            try ask(control, "STATUS")[path: "hold.holds.short.expired"]?.intValue == 50
        }
        let now = Double(SystemClock.wallNanoseconds()) * 1e-9
        let release: BSONDocument = [
            "id": "x", "type": "skein.release", "host": "h", "pid": 1, "start": .double(now),
            "end": .double(now),
            "body": ["id": 3],
        ]
        try sender.send([release])
        try sender.wait()
        #expect(try ask(control, "FLUSH")["ok"] == true)
        let status = try ask(control, "STATUS")
        Self.expectBalance(status)
        #expect(status[path: "hold.holds.long.holding"]?.intValue == 40)
        #expect(status[path: "hold.holds.long.let_go"]?.intValue == 10)
        // Without the rule what it holds goes nowhere, and is counted.
        try Self.write(folder, "rules: [ { match: held = 0, to: [files, second] } ]")
        #expect(try ask(control, "RELOAD")["ok"] == true)
        try eventually("they are removed") {
            try ask(control, "STATUS")[path: "hold.former.removed"]?.intValue == 40
        }
        program.signal(SIGTERM)
        #expect(program.wait() == 0)
        try Self.expect(folder, [3: (0..<100).filter { $0 % 5 == 3 && $0 % 2 == 1 }])
    }

    @Test func `what another rule sends to an outlet it gets at once, and not once more`() throws {
        let folder = try TemporaryFolder()
        let rules = """
            rules:
              - { name: py, match: held = 1, hold: { until: level >= 40 }, to: [files, second] }
              - { match: n < 10, to: second }
              - { redact: "**.group", match: held = 7 }
            """
        let (program, control, deliver) = try Self.start(folder, rules)
        let stream = StreamIdentity(journalHigh: 10, journalLow: 1, opening: 1, shard: 0)
        let sender = try Sender(deliver, stream)
        try sender.send((0..<20).map { Self.event($0, group: 1, level: $0 == 19 ? 40 : 10) })
        try sender.wait()
        #expect(try ask(control, "FLUSH")["ok"] == true)
        Self.expectBalance(try ask(control, "STATUS"))
        program.signal(SIGTERM)
        #expect(program.wait() == 0)
        for path in ["/skein-data/files", "/second"] {
            let found = try Self.stored(folder.path + path).map(\.number)
            #expect(found == Array(0..<20), "\(path): \(found)")
        }
    }

    @Test func `memory and disk stay bounded, whatever is held`() throws {
        let folder = try TemporaryFolder()
        let rules = """
            hold-budget: 1MiB
            rules:
              - { name: py, match: held = 1, hold: { until: level >= 40, for: 1h }, to: [files, second] }
              - { match: held = 0, to: [files, second] }
            """
        let (program, control, deliver) = try Self.start(folder, rules)
        let stream = StreamIdentity(journalHigh: 11, journalLow: 1, opening: 1, shard: 0)
        let sender = try Sender(deliver, stream)
        for start in stride(from: 0, to: 60_000, by: 500) {
            try sender.send((start..<start + 500).map { Self.event($0, group: $0 / 10) })
        }
        try sender.wait()
        #expect(try ask(control, "FLUSH")["ok"] == true)
        let status = try ask(control, "STATUS")
        Self.expectBalance(status)
        #expect(try #require(status[path: "hold.bytes"]?.intValue) <= 1 << 20)
        #expect(try #require(status[path: "hold.holds.py.pushed_out"]?.intValue) > 50_000)
        #expect(try #require(status[path: "hold.holds.py.holding"]?.intValue) > 1000)
        var bytes = 0
        for name in TemporaryFolder.names(folder.path + "/skein-data/hold") {
            var status = stat()
            if stat(folder.path + "/skein-data/hold/" + name, &status) == 0 { bytes += Int(status.st_size) }
        }
        #expect(bytes < 80 << 20, "\(bytes)")
        program.signal(SIGTERM)
        #expect(program.wait() == 0)
    }
}
