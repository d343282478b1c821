import SkeinBSON
import SkeinCollector
import SkeinJournal
import SkeinPlatform
import SkeinShipping
import SkeinWire
import SkeinZeroMQ
import Testing

@Suite struct DeliverTests {
    private func records(_ numbers: ClosedRange<UInt64>, type: String = "a") -> [(
        number: UInt64, document: [UInt8]
    )] {
        numbers.map { ($0, event(type, Int($0)).bytes) }
    }

    @Test func `a batch is acknowledged once it is durable, and is in the files once`() throws {
        let running = try RunningCollector()
        let producer = try RawProducer(try #require(running.ports.deliver))
        guard case .welcome(let welcome) = try producer.hello() else {
            Issue.record("no welcome")
            return
        }
        #expect(welcome.ack == 0 && welcome.window >= 512 << 10)
        #expect(welcome.collector == running.collector.status["id"]?.stringValue)
        try producer.batch(records(1...100))
        try producer.waitForAck(100)
        // Again, cut differently.
        try producer.batch(records(51...150))
        try producer.batch(records(1...30))
        try producer.waitForAck(150)
        try running.flush()
        let stored = try running.stored().values.flatMap { $0 }
        #expect(stored == records(1...150).map(\.document))
        #expect(running.ledger("received") == 230)
        #expect(running.ledger("journaled") == 150)
        #expect(running.ledger("duplicate") == 80)
        running.expectBalance()
        let shown = try #require(running.collector.status["producers"]?.arrayValues?.first?.documentValue)
        #expect(shown["service"]?.stringValue == "test")
        #expect(shown["acknowledged"]?.intValue == 150)
    }

    @Test func `after a restart a stream goes on where it was`() throws {
        let folder = try TemporaryFolder()
        let stream = StreamIdentity(journalHigh: 3, journalLow: 4, opening: 5, shard: 6)
        for round: UInt64 in 0..<3 {
            let running = try RunningCollector(folder)
            let producer = try RawProducer(try #require(running.ports.deliver), stream: stream)
            guard case .welcome(let welcome) = try producer.hello(first: round * 50 + 1, durable: true) else {
                Issue.record("no welcome")
                return
            }
            #expect(welcome.ack == round * 50)
            try producer.batch(records((round == 0 ? 1 : round * 50 - 20)...round * 50 + 50))
            try producer.waitForAck(round * 50 + 50)
            running.expectBalance()
            running.collector.stop()
        }
        let running = try RunningCollector(folder)
        try running.flush()
        #expect(try running.stored().values.flatMap { $0 } == records(1...150).map(\.document))
        #expect(running.ledger("journaled") == 150)
        #expect(running.collector.status[path: "outlets.files.delivered"]?.intValue == 150)
        running.expectBalance()
    }

    @Test func `an invalid record is put aside by name, the rest is taken`() throws {
        let running = try RunningCollector()
        let producer = try RawProducer(try #require(running.ports.deliver))
        _ = try producer.hello()
        var batch = records(1...10)
        batch[3].document = [1, 2, 3]
        batch[9].document = event("a/b", 1).bytes
        try producer.batch(batch)
        var invalid: [UInt64] = []
        while invalid.count < 2 {
            guard case .refuse(let refuse) = try #require(try producer.answer()) else { continue }
            #expect(refuse.reason == .invalid)
            invalid.append(try #require(refuse.at))
        }
        #expect(invalid == [4, 10])
        try producer.waitForAck(10)
        try running.flush()
        #expect(try running.stored().values.flatMap { $0 }.count == 8)
        #expect(Set(try running.rejected().map(\.bytes)) == Set([batch[3].document, batch[9].document]))
        #expect(running.ledger("rejected.not_bson") == 1)
        // It counts as held: what is sent again is a duplicate.
        try producer.batch(Array(batch[5...]))
        try eventually("it is known") { running.ledger("duplicate") == 5 }
        running.expectBalance()
    }

    @Test func `hundreds of invalid records are told by few answers that count them all`() throws {
        let running = try RunningCollector()
        let producer = try RawProducer(try #require(running.ports.deliver))
        _ = try producer.hello()
        var batch = records(1...400)
        for index in stride(from: 0, to: 400, by: 2) { batch[index].document = [1, 2, 3] }
        try producer.batch(batch)
        var counts: [Int] = []
        while counts.reduce(0, +) < 200 {
            guard case .refuse(let refuse) = try #require(try producer.answer()) else { continue }
            counts.append(refuse.count ?? 1)
        }
        #expect(counts == Array(repeating: 1, count: 31) + [169])
        try producer.waitForAck(400)
        #expect(running.ledger("rejected.not_bson") == 200)
        #expect(running.collector.status[path: "deliver.invalid"]?.intValue == 200)
        running.expectBalance()
    }

    @Test func `a stream that was not greeted, a gap, and a loop are refused by name`() throws {
        let running = try RunningCollector()
        let port = try #require(running.ports.deliver)
        func reason(_ message: DeliverMessage?) -> String? {
            if case .refuse(let refuse) = message { refuse.reason.rawValue } else { nil }
        }
        let stranger = try RawProducer(port)
        try stranger.batch(records(1...2))
        #expect(reason(try stranger.answer()) == "unknown stream")
        let producer = try RawProducer(port)
        _ = try producer.hello()
        try producer.batch(records(5...6))
        #expect(reason(try producer.answer()) == "gap")
        let own = try #require(running.collector.status["id"]?.stringValue)
        let looping = try RawProducer(port)
        #expect(reason(try looping.hello(path: ["x", own])) == "loop")
        running.expectBalance()
    }

    @Test func `garbage is answered or passed over, and others are served`() throws {
        let running = try RunningCollector()
        let port = try #require(running.ports.deliver)
        let hostile = try RawProducer(port)
        _ = try hostile.hello()
        let header = DeliverMessage.batch(.init(stream: hostile.stream, first: 1, last: 3, count: 3))
            .encoded()
        let payload = RawProducer.payload(records(1...3))
        var lying = payload
        lying.replaceSubrange(0..<4, with: [0xFF, 0xFF, 0xFF, 0x7F])
        var falling = payload
        falling[16] = 9
        let messages: [[[UInt8]]] = [
            [[]], [[1]], [[], []], [header], [header, payload, payload], Array(repeating: [7], count: 3000),
            [(["op": "NONSENSE"] as BSONDocument).bytes], [(["op": 1] as BSONDocument).bytes],
            [header, lying], [header, falling], [header, Array(payload.dropLast(9))], [header, []],
            [header, [UInt8](repeating: 0, count: 100)],
            [header, RawProducer.payload(records(1...3), kind: 5)],
            [header, RawProducer.payload(records(1...3), kind: 77)],
        ]
        for message in messages { try hostile.sendRaw(message) }
        try hostile.send(.ping)
        while true { if case .pong = try #require(try hostile.answer()) { break } }
        let producer = try RawProducer(port)
        _ = try producer.hello()
        try producer.batch(records(1...3, type: "good"))
        try producer.waitForAck(3)
        try running.flush()
        let good = try running.stored().filter { $0.key.hasPrefix("good") }.values.flatMap { $0 }
        #expect(good == records(1...3, type: "good").map(\.document))
        running.expectBalance()
    }

    @Test func `an app's journal arrives whole and once, through a restart of the collector`() throws {
        let folder = try TemporaryFolder()
        var running: RunningCollector? = try RunningCollector(folder)
        let port = try #require(running?.ports.deliver)
        let app = try MappedJournal(.init(shards: 2, segmentBytes: 1 << 20, budgetBytes: 64 << 20, slots: 16))
        let shipper = try Shipper(
            journal: app, configuration: .init(endpoint: try Endpoint("deliver://127.0.0.1:\(port)")))
        var sent: [[UInt8]] = []
        func append(_ count: Int) {
            for _ in 0..<count {
                let document = freshEvent(sent.count % 7 == 0 ? "b" : "a", sent.count).bytes
                let number = document.withUnsafeBytes { bytes in
                    app.shards[sent.count % 2].append(
                        kind: .event, flags: 0, arrival: 1, capacity: bytes.count, slot: nil
                    ) { target in
                        target.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
                        return bytes.count
                    }
                }
                #expect(number > 0)
                sent.append(document)
            }
        }
        append(5000)
        #expect(shipper.flush(timeout: .seconds(20)))
        append(2000)
        running?.collector.stop()
        running = nil
        append(1000)
        let again = try RunningCollector(folder) { $0.deliver = .loopback(UInt16(port)) }
        #expect(shipper.flush(timeout: .seconds(30)))
        append(500)
        #expect(shipper.flush(timeout: .seconds(20)))
        try again.flush()
        let stored = try again.stored()
        #expect(stored.values.reduce(0) { $0 + $1.count } == sent.count)
        #expect(Set(stored.values.flatMap { $0 }) == Set(sent))
        again.expectBalance()
        shipper.shutdown(timeout: .seconds(2))
    }

    @Test func `when the journal is full producers are told, others are dropped by count, and all goes on`()
        throws
    {
        let folder = try TemporaryFolder()
        var configuration = RunningCollector.configuration(folder)
        configuration.journal.budgetBytes = 8 << 20
        var files = OutletConfiguration.Files(path: folder.path + "/data/files")
        files.checkpointInterval = .milliseconds(100)
        var outlet = OutletConfiguration(name: "files", kind: .files(files))
        outlet.overflow = .refuse
        outlet.backlogBudgetBytes = 8 << 20
        configuration.outlets = [outlet]
        let running = try RunningCollector(folder) { $0 = configuration }
        // Somebody zips the day: the outlet has to wait, and the journal fills.
        let day = folder.path + "/data/files/" + "\(dayOfToday())"
        #expect(mkdir(day, 0o755) == 0)
        let lock = try holdExclusively(day)
        let producer = try RawProducer(try #require(running.ports.deliver))
        _ = try producer.hello()
        let text = String(repeating: "x", count: 2000)
        var first: UInt64 = 1
        var isFull = false
        while !isFull {
            let batch = (first..<first + 100).map { ($0, freshEvent("a", Int($0), text: text).bytes) }
            try producer.batch(batch)
            answers: while true {
                switch try #require(try producer.answer()) {
                case .acknowledge(let ack) where ack.ack >= first + 99:
                    first += 100
                    break answers
                case .refuse(let refuse) where refuse.reason == .full:
                    #expect(refuse.retryMilliseconds ?? 0 > 0)
                    isFull = true
                    break answers
                default: continue
                }
            }
            try #require(first < 100_000)
        }
        let client = try PushClient(running.ports.collect[0])
        for number in 0..<20 {
            try client.send(freshEvent("b", number, text: String(repeating: "y", count: 200_000)).bytes)
        }
        try eventually("some are dropped") { running.ledger("dropped.journal_full") ?? 0 > 0 }
        running.expectBalance()
        #expect(
            running.collector.status[path: "outlets.files.problem"]?.stringValue?.contains("in use") == true)
        lock.release()
        // What was refused goes through when the outlet has made room.
        var isTaken = false
        while !isTaken {
            try producer.batch([(first, freshEvent("a", Int(first), text: text).bytes)])
            switch try #require(try producer.answer()) {
            case .acknowledge(let ack) where ack.ack >= first: isTaken = true
            default: usleep(20_000)
            }
        }
        try running.flush()
        let stored = try running.stored()
        let delivered = try #require(stored.first { $0.key.hasPrefix("a-") }).value
        #expect(delivered.count >= Int(first))
        #expect(Set(delivered).count == delivered.count)
        running.expectBalance()
    }
}
