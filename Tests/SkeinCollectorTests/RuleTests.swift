import SkeinBSON
import SkeinCrypto
import SkeinPlatform
import SkeinWire
import Testing

@testable import SkeinCollector

/// Rules that do more than to name outlets.
@Suite struct RuleTests {
    private static let secrets: Rule = {
        var rule = Rule()
        rule.name = "secrets"
        rule.redact = [.init(keys: ["**.text"], by: .mask("***"))]
        return rule
    }()

    private static func collector(
        _ rules: [Rule], _ folder: TemporaryFolder? = nil,
        change: (inout CollectorConfiguration) -> Void = { _ in }
    ) throws -> RunningCollector {
        try RunningCollector(folder) { configuration in
            configuration.rules = rules
            change(&configuration)
        }
    }

    private static func send(_ running: RunningCollector, _ numbers: ClosedRange<Int>) throws {
        let producer = try RawProducer(try #require(running.ports.deliver))
        _ = try producer.hello()
        for start in stride(from: numbers.lowerBound, through: numbers.upperBound, by: 500) {
            let part = start...min(start + 499, numbers.upperBound)
            let first = UInt64(start - numbers.lowerBound)
            try producer.batch(
                part.map {
                    (first + UInt64($0 - start) + 1, freshEvent("t", $0, text: "secret \($0)").bytes)
                })
        }
        try producer.waitForAck(UInt64(numbers.count))
    }

    private static func texts(_ documents: [[UInt8]]) -> Set<String> {
        Set(documents.compactMap { BSONDocument(unchecked: $0)[path: "body.text"]?.stringValue })
    }

    private static func only(_ stored: [String: [[UInt8]]]) throws -> [[UInt8]] {
        #expect(stored.count == 1)
        return try #require(stored.values.first)
    }

    @Test func `what a rule hides no outlet sees, and STATUS counts it once`() throws {
        let master = try RunningCollector()
        let port = try #require(master.ports.deliver)
        let running = try Self.collector([Self.secrets]) { configuration in
            configuration.outlets.append(
                OutletConfiguration(
                    name: "second", kind: .files(.init(path: configuration.dataPath + "/second"))))
            configuration.outlets.append(
                OutletConfiguration(
                    name: "master", kind: .forward(.init(endpoint: "deliver://127.0.0.1:\(port)"))))
        }
        try Self.send(running, 1...3000)
        try running.flush()
        try master.flush()
        for folder in ["/data/files", "/data/second"] {
            let documents = try Self.only(try RunningCollector.stored(running.folder.path + folder))
            #expect(documents.count == 3000)
            #expect(Self.texts(documents) == ["***"])
        }
        #expect(Self.texts(try Self.only(try master.stored())) == ["***"])
        running.expectBalance()
        let rule = try #require(running.collector.status["rules"]?.arrayValues?.first?.documentValue)
        #expect(rule["rule"] == "secrets")
        #expect(rule["matched"]?.intValue == 3000)
        #expect(rule["redacted"]?.intValue == 3000)
        #expect(rule["rewritten"]?.intValue == 3000)
    }

    @Test func `of a tree all events go on or none, a second reading finds the same, and rate says how many`()
        throws
    {
        var rule = Rule()
        rule.rate = 0.25
        rule.name = "thin"
        let program = RuleProgram([rule], compile: nil, hash: nil, maximumBytes: 1 << 20)
        let scratch = RuleScratch(maximumBytes: 1 << 20)
        var kept = 0
        for tree in 0..<4000 {
            var fates: Set<Bool> = []
            for type in ["request", "request.sql", "other"] {
                var event = freshEvent(type, tree)
                event["id"] = .string("tree \(tree)")
                event["rate"] = 0.5
                try event.bytes.withUnsafeBytes { bytes in
                    let outcome = program.run(bytes, scratch, counts: nil) { _ in }
                    fates.insert(outcome.fate == .goes)
                    guard outcome.fate == .goes else { return }
                    let document = BSONDocument(unchecked: Array(outcome.event))
                    #expect(document["rate"] == .double(0.125))
                    #expect(document.keys == event.keys)
                    try BSONValidator.validate(outcome.event)
                }
            }
            #expect(fates.count == 1)
            if fates.contains(true) { kept += 1 }
        }
        // Four standard deviations.
        #expect(abs(kept - 1000) < 110, "\(kept)")
    }

    @Test func `later rules see what earlier ones made, and drop ends an event for every outlet`() throws {
        var mark = Rule()
        mark.add = [.init("seen.by", "edge")]
        var drop = Rule()
        drop.isDropping = true
        drop.match = "n < 10 and seen"
        let compile: EventFilterCompiler = { text in
            #expect(text == "n < 10 and seen")
            return SmallSeen()
        }
        let program = RuleProgram(
            [Rule(to: ["a"]), mark, drop, Rule(to: ["b"])], compile: compile, hash: nil,
            maximumBytes: 1 << 20)
        let scratch = RuleScratch(maximumBytes: 1 << 20)
        for (number, fate) in [(1, RuleProgram.Fate.dropped(rule: 2)), (10, .goes)] {
            var named: [Int] = []
            freshEvent("t", number).bytes.withUnsafeBytes { bytes in
                #expect(
                    program.run(bytes, scratch, counts: nil) { named.append($0) }.fate == fate)
            }
            #expect(named == (number == 1 ? [0, 1] : [0, 1, 3]))
        }
    }

    private struct SmallSeen: SkeinCollector.EventFilter {
        func matches(_ event: UnsafeRawBufferPointer, _ envelope: EventEnvelope) -> Bool {
            let document = BSONDocument(unchecked: Array(event))
            return document[path: "body.seen.by"] == "edge" && document[path: "body.n"]?.intValue ?? 0 < 10
        }
    }

    @Test func `copies in a backlog are as the rules left them, and a retired outlet keeps its rules`() throws
    {
        let (port, masterFolder) = try BacklogTests.absentMaster()
        let folder = try TemporaryFolder()
        func change(_ configuration: inout CollectorConfiguration) {
            configuration.journal.segmentBytes = 256 << 10
            configuration.journal.budgetBytes = 4 << 20
            configuration.drainTimeout = .milliseconds(300)
        }
        func forward(_ configuration: inout CollectorConfiguration) {
            change(&configuration)
            configuration.outlets.append(
                OutletConfiguration(
                    name: "master", kind: .forward(.init(endpoint: "deliver://127.0.0.1:\(port)"))))
        }
        var edge: RunningCollector? = try Self.collector([Self.secrets], folder, change: forward)
        try Self.send(try #require(edge), 1...20000)
        try eventually("copies are made") {
            try #require(edge).collector.status[path: "outlets.master.backlog.bytes"]?.intValue ?? 0 > 1 << 20
        }
        edge?.collector.stop()
        // Neither the outlet nor the rule is configured any more: it finishes under the rules it had.
        edge = try Self.collector([], folder, change: change)
        let master = try RunningCollector(masterFolder) { configuration in
            configuration.deliver = .loopback(port)
        }
        try eventually("all of it is there") {
            try master.flush()
            return master.ledger("journaled") == 20000
        }
        try master.flush()
        let documents = try Self.only(try master.stored())
        #expect(documents.count == 20000)
        #expect(Self.texts(documents) == ["***"])
    }

    @Test func `an event that a rule would make too large goes nowhere, and is counted`() throws {
        var grow = Rule()
        grow.add = [.init("big", .string(String(repeating: "x", count: 1 << 20)))]
        let running = try Self.collector([grow]) { $0.journal.segmentBytes = 1 << 20 }
        try Self.send(running, 1...3)
        try running.flush()
        #expect(try running.stored().isEmpty)
        #expect(running.collector.status[path: "rules.0.too_large"]?.intValue == 3)
        running.expectBalance()
    }

    @Test(arguments: [
        ("id", "id is what makes an event"), ("body", "body is what makes"), ("type.x", "type is what makes"),
        ("a..b", "is no pattern of keys"), ("", "is no pattern of keys"),
        (Array(repeating: "a", count: 40).joined(separator: "."), "is too long"),
    ])
    func `a pattern that reaches what makes an event is none`(text: String, message: String) {
        do throws(BadValue) {
            _ = try KeyPattern(text)
            Issue.record("\(text)")
        } catch {
            #expect(error.message.contains(message), "\(error.message)")
        }
    }

    @Test func `damaged bytes are survived, and what comes out is an event`() throws {
        var rule = Rule()
        rule.remove = ["**.b?", "items.x"]
        rule.redact = [.init(keys: ["**.text", "**.0"], by: .hash), .init(keys: ["**.n"])]
        rule.add = [.init("a.b.c", 1), .init("items", "x")]
        let program = RuleProgram(
            [rule], compile: nil, hash: KeyedHash(key: [1, 2, 3]), maximumBytes: 1 << 20)
        let scratch = RuleScratch(maximumBytes: 1 << 20)
        let body: BSONDocument = [
            "text": "x", "items": .array(.array([.document(["x": 1]), "y", .array(.array([.null, true]))])),
            "bb": .double(1),
            "n": ["n": ["deep": "text"]],
        ]
        var event = freshEvent("t", 1)
        event["body"] = .document(body)
        var random = SystemRandomNumberGenerator()
        var made = 0
        for _ in 0..<20_000 {
            var bytes = event.bytes
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            bytes.withUnsafeBytes { bytes in
                let buffer = RewriteBuffer(maximumBytes: 1 << 20)
                var states: [KeyPattern.State] = []
                _ = program.steps[0].redactor.rewrite(bytes, into: buffer, states: &states)
                for setter in program.steps[0].setters { _ = setter.rewrite(bytes, into: buffer) }
                let outcome = program.run(bytes, scratch, counts: nil) { _ in }
                guard outcome.fate == .goes else { return }
                made += 1
                var envelope = EventEnvelope()
                let isSound = EventCheck.check(outcome.event, into: &envelope) == nil
                #expect(isSound)
            }
        }
        #expect(made > 1000)
    }

    @Test func `rules come back from the disk as they were`() throws {
        var rule = Rule(match: "a = 1", to: ["files"])
        rule.name = "n"
        rule.rate = 0.5
        rule.remove = ["a.*"]
        rule.redact = [
            .init(keys: ["b"], by: .mask("x")), .init(keys: ["c"], by: .hash),
            .init(keys: ["d"], by: .remove),
        ]
        rule.add = [.init("e.f", .int64(7)), .init("g", .array(.array([1, "x"])))]
        rule.hold = .init(by: "x", until: "y = 1", window: .milliseconds(1500), capacity: 7)
        #expect(Rule(rule.document) == rule)
        var drop = Rule(match: "x = 1")
        drop.isDropping = true
        #expect(Rule(drop.document) == drop)
    }
}
