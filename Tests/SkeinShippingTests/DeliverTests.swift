import SkeinJournal
import SkeinPlatform
import SkeinShipping
import SkeinWire
import SkeinZeroMQ
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct DeliverTests {
    private func makeShipper(
        _ app: AppJournal, port: Int, scheme: String = "deliver", warnings: Warnings = Warnings(),
        _ change: (inout Shipper.Configuration) -> Void = { _ in }
    ) throws -> Shipper {
        var configuration = Shipper.Configuration(
            endpoint: try Endpoint("\(scheme)://127.0.0.1:\(port)"), service: "test", host: "here", pid: 7)
        change(&configuration)
        return try Shipper(journal: app.journal, configuration: configuration) { warnings.add($0) }
    }

    private func expectAll(
        _ count: Int, in contents: FakeCollector.Contents, of app: AppJournal, shards: Int = 2,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(contents.problems == [], sourceLocation: sourceLocation)
        for shard in 0..<shards {
            let numbers = contents.numbers[app.stream(shard)] ?? []
            #expect(numbers.elementsEqual((0..<count).map { UInt64($0 + 1) }), sourceLocation: sourceLocation)
            let documents = contents.documents[app.stream(shard)] ?? []
            let isRight = documents.enumerated().allSatisfy { $1 == AppJournal.event(shard, $0 + 1) }
            #expect(isRight, sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: ["deliver", "tcp"])
    func `what is appended is delivered in order, flushed, and ended by BYE`(_ scheme: String) throws {
        let collector = try FakeCollector()
        defer { collector.stop() }
        let app = try AppJournal()
        let shipper = try makeShipper(app, port: collector.port, scheme: scheme)
        for shard in 0...1 { app.append(1...500, to: shard) }
        #expect(shipper.flush(timeout: .seconds(20)))
        expectAll(500, in: collector.now, of: app)
        for shard in 0...1 { app.append(501...700, to: shard) }
        #expect(shipper.flush(timeout: .seconds(20)))
        expectAll(700, in: collector.now, of: app)
        let statistics = shipper.statistics
        #expect(statistics.acknowledged == 1400)
        #expect(statistics.transport == .deliver)
        #expect(statistics.isConnected)
        #expect(statistics.collector == "fake")
        #expect(statistics.dropped == [:])
        shipper.shutdown(timeout: .seconds(20))
        #expect(Set(collector.now.farewells) == [app.stream(0), app.stream(1)])
        #expect(shipper.statistics.acknowledged == 1400)
        #expect(shipper.statistics.backlogBytes == 0)
        let counter = app.journal.counter(PipelineCounter.acknowledged.index).pointee.load(ordering: .relaxed)
        #expect(counter == 1400)
        let hello = try #require(collector.now.greetings.first)
        #expect(
            hello.service == "test" && hello.host == "here" && hello.pid == 7 && hello.first == 1
                && !hello.durable)
    }

    @Test func `an idle shipper is woken by the first record`() throws {
        let collector = try FakeCollector()
        defer { collector.stop() }
        let app = try AppJournal()
        let shipper = try makeShipper(app, port: collector.port)
        for round in 1...5 {
            // Let it fall asleep: nothing to send, and the connection made.
            let quiet = SystemClock.monotonicNanoseconds() + 50_000_000
            while SystemClock.monotonicNanoseconds() < quiet { usleep(1000) }
            app.append(round...round)
            #expect(collector.wait { $0.records == round })
        }
        shipper.shutdown(timeout: .seconds(20))
    }

    @Test func `a collector that comes late gets everything`() throws {
        let listener = try ListeningSocket(host: "127.0.0.1", port: 0)
        let port = Int(listener.port)
        close(listener.descriptor)
        let app = try AppJournal()
        let warnings = Warnings()
        let shipper = try makeShipper(app, port: port, warnings: warnings)
        for shard in 0...1 { app.append(1...300, to: shard) }
        #expect(!shipper.flush(timeout: .milliseconds(300)))
        #expect(warnings.wait(for: "nobody listens"))
        #expect(!shipper.statistics.isConnected)
        let collector = try FakeCollector(port: port)
        defer { collector.stop() }
        #expect(shipper.flush(timeout: .seconds(20)))
        expectAll(300, in: collector.now, of: app)
        shipper.shutdown(timeout: .seconds(20))
    }

    @Test func `a collector that is killed again and again holds every record once`() throws {
        var collector = try FakeCollector()
        let app = try AppJournal()
        let shipper = try makeShipper(app, port: collector.port) { $0.batchBytes = 4096 }
        let total = 6000
        let writers = try (0...1).map { shard in
            try SystemThread(name: "writer") {
                for number in 1...total {
                    app.append(AppJournal.event(shard, number), to: shard)
                    if number % 100 == 0 { usleep(2000) }
                }
            }
        }
        for round in 1...6 {
            #expect(collector.wait { $0.records > round * 1000 })
            collector.stop()
            collector = try FakeCollector(port: collector.port, contents: collector.memory)
        }
        for writer in writers { writer.join() }
        #expect(shipper.flush(timeout: .seconds(30)))
        expectAll(total, in: collector.now, of: app)
        #expect(shipper.statistics.acknowledged == UInt64(2 * total))
        #expect(shipper.statistics.reconnects >= 1)
        shipper.shutdown(timeout: .seconds(20))
        collector.stop()
    }

    @Test func `a collector that says nothing is left and tried again, and blocks nobody`() throws {
        let silent = try FakeCollector(.silent)
        let app = try AppJournal()
        let warnings = Warnings()
        let shipper = try makeShipper(app, port: silent.port, warnings: warnings) {
            $0.silence = .milliseconds(200)
        }
        app.append(1...100)
        app.append(1...100, to: 1)
        let start = SystemClock.monotonicNanoseconds()
        #expect(!shipper.flush(timeout: .milliseconds(500)))
        #expect(SystemClock.monotonicNanoseconds() - start < 5_000_000_000)
        #expect(warnings.wait(for: "does not answer"))
        silent.stop()
        let collector = try FakeCollector(port: silent.port)
        defer { collector.stop() }
        #expect(shipper.flush(timeout: .seconds(20)))
        expectAll(100, in: collector.now, of: app)
        shipper.shutdown(timeout: .seconds(20))
    }

    @Test(arguments: [FakeCollector.Behaviour.nonsense, .confused])
    func `a collector that talks nonsense is told of and survived, and nothing is lost`(
        _ behaviour: FakeCollector.Behaviour
    ) throws {
        let strange = try FakeCollector(behaviour)
        let app = try AppJournal()
        let warnings = Warnings()
        let shipper = try makeShipper(app, port: strange.port, warnings: warnings) {
            $0.silence = .milliseconds(100)
        }
        app.append(1...100)
        #expect(strange.wait { $0.messages >= 3 })
        _ = shipper.flush(timeout: .milliseconds(500))
        #expect(warnings.wait(for: "127.0.0.1"))
        strange.stop()
        shipper.shutdown(timeout: .seconds(1))
        // A confused collector may have claimed to have records; what it did not claim is still there.
        let rest = app.journal.usage
        #expect(rest.bytes > 0)
    }

    @Test func `a full collector is tried again until it has room`() throws {
        let full = try FakeCollector(.full)
        let app = try AppJournal()
        let shipper = try makeShipper(app, port: full.port)
        for shard in 0...1 { app.append(1...100, to: shard) }
        #expect(full.wait { $0.counts.refusedFull >= 6 })
        #expect(shipper.statistics.acknowledged == 0)
        full.stop()
        let collector = try FakeCollector(port: full.port)
        defer { collector.stop() }
        #expect(shipper.flush(timeout: .seconds(20)))
        expectAll(100, in: collector.now, of: app)
        shipper.shutdown(timeout: .seconds(20))
    }

    @Test func `a shutdown with nobody there ends in its time and leaves everything in the journal`() throws {
        let app = try AppJournal()
        let shipper = try makeShipper(app, port: 1)
        app.append(1...10)
        let start = SystemClock.monotonicNanoseconds()
        shipper.shutdown(timeout: .milliseconds(200))
        #expect(SystemClock.monotonicNanoseconds() - start < 5_000_000_000)
        #expect(shipper.hasEnded)
        #expect(shipper.statistics.backlogBytes > 0)
        #expect(!shipper.flush(timeout: .seconds(20)))
        shipper.shutdown(timeout: .seconds(20))
        shipper.notify()
    }

    @Test func `what a dead process left is delivered under its own stream, and that one is ended`() throws {
        let folder = try TemporaryFolder()
        let dead: StreamIdentity
        do {
            let app = try AppJournal(folder: folder.path)
            dead = app.stream()
            app.append(1...400)
            let shipper = try makeShipper(app, port: 1)
            shipper.shutdown(timeout: .zero)
            app.journal.close(clean: false)
        }
        let collector = try FakeCollector()
        defer { collector.stop() }
        let app = try AppJournal(folder: folder.path)
        app.append(1...50)
        let shipper = try makeShipper(app, port: collector.port)
        #expect(shipper.flush(timeout: .seconds(20)))
        #expect(collector.wait { $0.farewells == [dead] })
        let contents = collector.now
        #expect(contents.problems == [])
        #expect(contents.numbers[dead]?.count == 400)
        #expect(contents.documents[dead]?.last == AppJournal.event(0, 400))
        #expect(contents.numbers[app.stream()]?.count == 50)
        #expect(contents.greetings.allSatisfy { $0.durable })
        #expect(shipper.statistics.acknowledged == 450)
        #expect(shipper.statistics.acknowledgedOfEarlier == 400)
        shipper.shutdown(timeout: .seconds(20))
    }

    @Test func `an acknowledgement that was lost with its process costs nothing`() throws {
        let folder = try TemporaryFolder()
        let collector = try FakeCollector()
        defer { collector.stop() }
        let dead: StreamIdentity
        do {
            let app = try AppJournal(folder: folder.path)
            dead = app.stream()
            app.append(1...400)
            // A reader under another name: the collector gets everything, the shipper's cursor never moves.
            let other = try Shipper(
                shipping: Renamed(app.journal),
                configuration: .init(endpoint: try Endpoint("deliver://127.0.0.1:\(collector.port)")))
            #expect(other.flush(timeout: .seconds(20)))
            #expect(collector.now.numbers[dead]?.count == 400)
            _ = try app.journal.reader(shard: 0)
        }
        let app = try AppJournal(folder: folder.path)
        app.append(1...5)
        let shipper = try makeShipper(app, port: collector.port)
        #expect(shipper.flush(timeout: .seconds(20)))
        #expect(collector.now.problems == [])
        #expect(collector.now.numbers[dead]?.count == 400)
        #expect(collector.now.numbers[app.stream()]?.count == 5)
        shipper.shutdown(timeout: .seconds(20))
    }

    @Test func `a journal that wakes nobody is shipped when told`() throws {
        let collector = try FakeCollector()
        defer { collector.stop() }
        let app = try AppJournal()
        let shipper = try Shipper(
            shipping: Renamed(app.journal),
            configuration: .init(endpoint: try Endpoint("deliver://127.0.0.1:\(collector.port)")))
        for round in 1...3 {
            let quiet = SystemClock.monotonicNanoseconds() + 50_000_000
            while SystemClock.monotonicNanoseconds() < quiet { usleep(1000) }
            app.append(round...round)
            shipper.notify()
            #expect(collector.wait { $0.records == round })
        }
        shipper.shutdown(timeout: .seconds(20))
    }

    /// Ships under a cursor of another name, without farewells.
    private struct Renamed: ShippableJournal {
        let journal: MappedJournal

        init(_ journal: MappedJournal) { self.journal = journal }

        func makeLanes() throws -> [any ShippableLane] {
            try (0..<journal.readableShards).map { Lane(try journal.reader(shard: $0, cursor: "other")) }
        }

        func tend() {}
        func setWakeUp(_ wakeUp: (@Sendable () -> Void)?) {}
        func marks() -> [UInt64] { journal.shards.map(\.lastNumber) }
        func count(_ outcome: ShippingOutcome, _ records: UInt64) {}

        final class Lane: ShippableLane {
            let reader: JournalReader
            init(_ reader: JournalReader) { self.reader = reader }

            func next(maximumBytes: Int) throws -> ShippableRun? {
                try reader.next(maximumBytes: maximumBytes).map { run in
                    ShippableRun(
                        stream: StreamIdentity(run.stream), first: run.first, last: run.last,
                        count: run.count,
                        bytes: run.bytes, owner: run, isDurable: true, isResumed: false)
                }
            }

            func rewind() { reader.rewindToCursor() }
            func acknowledge(through number: UInt64, of stream: StreamIdentity) throws {
                try reader.advance(past: number, of: JournalStream(stream))
            }
            func firstUnacknowledged(of stream: StreamIdentity) -> UInt64? { nil }
            func hasPassed(_ mark: UInt64) -> Bool { reader.backlogBytes == 0 }
            func isComplete(_ stream: StreamIdentity) -> Bool { false }
            func armWakeUp(afterBytes bytes: Int) -> Bool { reader.armWakeUp(afterBytes: bytes) }
            var backlogBytes: Int { reader.backlogBytes }
        }
    }

    @Test func `another shipper goes on where one ended in the middle, and every record is held once`() throws
    {
        let collector = try FakeCollector()
        defer { collector.stop() }
        let app = try AppJournal()
        let warnings = Warnings()
        for round in 0..<20 {
            let shipper = try makeShipper(app, port: collector.port, warnings: warnings) {
                $0.batchBytes = 4096
            }
            for shard in 0...1 { app.append(round * 200 + 1...round * 200 + 200, to: shard) }
            // It may have sent more than it heard of.
            #expect(collector.wait { $0.records > round * 400 })
            shipper.shutdown(timeout: .zero)
        }
        let shipper = try makeShipper(app, port: collector.port, warnings: warnings)
        #expect(shipper.flush(timeout: .seconds(20)))
        expectAll(4000, in: collector.now, of: app)
        #expect(warnings.all == [])
        shipper.shutdown(timeout: .seconds(20))
    }

    @Test func `a forward outlet's stream outlives its shippers, and its gaps are no losses`() throws {
        let collector = try FakeCollector()
        defer { collector.stop() }
        let app = try AppJournal(shards: 1)
        let warnings = Warnings()
        let forward = Forward(app.journal)
        for round in 0..<5 {
            app.append(round * 100 + 1...round * 100 + 100)
            let shipper = try Shipper(
                shipping: forward,
                configuration: .init(endpoint: try Endpoint("deliver://127.0.0.1:\(collector.port)"))
            ) { warnings.add($0) }
            #expect(shipper.flush(timeout: .seconds(20)))
            shipper.shutdown(timeout: .seconds(20))
        }
        let contents = collector.now
        #expect(contents.problems == [])
        #expect(contents.farewells == [])
        #expect(contents.counts.lostUpstream == 0)
        #expect(contents.counts.unknownStreams == 0)
        #expect(contents.documents[forward.stream]?.count == 250)
        #expect(contents.documents[forward.stream]?[1] == AppJournal.event(0, 4))
        #expect(contents.greetings.allSatisfy { $0.sparse })
        #expect(warnings.all == [])
    }

    /// Ships every second record, numbered by ten times its own, as a stream of its own.
    private struct Forward: ShippableJournal {
        let journal: MappedJournal
        let stream = StreamIdentity(journalHigh: 5, journalLow: 6, opening: 7, shard: 0)

        init(_ journal: MappedJournal) { self.journal = journal }

        func makeLanes() throws -> [any ShippableLane] {
            [Lane(try journal.reader(shard: 0, cursor: "forward"), stream)]
        }

        func tend() {}
        func setWakeUp(_ wakeUp: (@Sendable () -> Void)?) {}
        func marks() -> [UInt64] { [journal.shards[0].lastNumber * 10] }
        func count(_ outcome: ShippingOutcome, _ records: UInt64) {}

        final class Lane: ShippableLane {
            let reader: JournalReader
            let stream: StreamIdentity
            var assembler: RunAssembler
            var own: JournalStream?

            init(_ reader: JournalReader, _ stream: StreamIdentity) {
                self.reader = reader
                self.stream = stream
                assembler = RunAssembler(stream: stream)
                reader.rewindToCursor()
            }

            func next(maximumBytes: Int) throws -> ShippableRun? {
                guard let run = try reader.next(maximumBytes: 2000) else { return nil }
                own = run.stream
                var records = run.makeCursor()
                while let record = records.next() {
                    if record.number % 2 == 0 { assembler.append(record, number: record.number * 10) }
                }
                return assembler.finish(
                    first: run.first * 10, last: run.last * 10, isDurable: true, isResumed: false)
            }

            func rewind() { reader.rewindToCursor() }
            func acknowledge(through number: UInt64, of stream: StreamIdentity) throws {
                if let own { try reader.advance(past: number / 10, of: own) }
            }
            func firstUnacknowledged(of stream: StreamIdentity) -> UInt64? {
                reader.acknowledgedNumber * 10 + 1
            }
            func hasPassed(_ mark: UInt64) -> Bool { reader.acknowledgedNumber * 10 >= mark }
            func isComplete(_ stream: StreamIdentity) -> Bool { false }
            func armWakeUp(afterBytes bytes: Int) -> Bool { reader.armWakeUp(afterBytes: bytes) }
            var backlogBytes: Int { reader.backlogBytes }
        }
    }

    @Test func `a record that no message can hold is dropped and counted, and the others go on`() throws {
        let collector = try FakeCollector()
        defer { collector.stop() }
        let app = try AppJournal(shards: 1, segmentBytes: 32 << 20, budgetBytes: 128 << 20)
        let warnings = Warnings()
        let shipper = try makeShipper(app, port: collector.port, warnings: warnings)
        app.append(1...3)
        #expect(app.append([UInt8](repeating: 1, count: 17 << 20)) > 0)
        app.append(5...7)
        #expect(shipper.flush(timeout: .seconds(20)))
        #expect(app.append([UInt8](repeating: 1, count: 17 << 20)) > 0)
        #expect(shipper.flush(timeout: .seconds(20)))
        // As large as a collector's events may be: taken.
        #expect(app.append([UInt8](repeating: 1, count: 16 << 20)) > 0)
        #expect(shipper.flush(timeout: .seconds(20)))
        #expect(collector.now.problems == [])
        #expect(collector.now.numbers[app.stream()] == [1, 2, 3, 5, 6, 7, 9])
        #expect(shipper.statistics.dropped == ["too_large": 2])
        #expect(shipper.statistics.acknowledged == 7)
        #expect(warnings.wait(for: "larger than a collector takes"))
        shipper.shutdown(timeout: .seconds(20))
    }

    @Test func `a collect port where a deliver port was named is told by name, and nothing is lost`() throws {
        let context = try ZMQContext()
        let pull = try ZMQSocket(.pull, in: context)
        try pull.bind("tcp://127.0.0.1:0")
        let app = try AppJournal()
        let warnings = Warnings()
        let shipper = try makeShipper(app, port: pull.boundPort ?? 0, warnings: warnings)
        app.append(1...10)
        #expect(warnings.wait(for: "is not a deliver port"))
        #expect(!shipper.flush(timeout: .milliseconds(100)))
        #expect(shipper.statistics.acknowledged == 0)
        let message = try pull.receive()?.count
        #expect(message == nil)
        shipper.shutdown(timeout: .zero)
    }

    @Test(.enabled(if: ZMQContext.supportsCurve))
    func `CURVE: the right key is let in, a wrong one is told by name`() throws {
        let server = try CurveKeyPair.generate()
        let collector = try FakeCollector(curve: server)
        defer { collector.stop() }
        let app = try AppJournal()
        let shipper = try makeShipper(app, port: collector.port) {
            $0.curve = (try? CurveKeyPair.generate()).map { ($0, server.publicKey) }
        }
        app.append(1...10)
        #expect(shipper.flush(timeout: .seconds(20)))
        shipper.shutdown(timeout: .seconds(20))

        let other = try AppJournal()
        other.append(1...10)
        let warnings = Warnings()
        let wrong = try CurveKeyPair.generate().publicKey
        let refused = try makeShipper(other, port: collector.port, warnings: warnings) {
            $0.curve = (try? CurveKeyPair.generate()).map { ($0, wrong) }
        }
        #expect(warnings.wait(for: "127.0.0.1:\(collector.port)"))
        #expect(refused.statistics.acknowledged == 0)
        refused.shutdown(timeout: .zero)
    }

    @Test func `the child of a fork is not kept waiting`() throws {
        let app = try AppJournal()
        let shipper = try makeShipper(app, port: 1)
        app.append(1...10)
        shipper.forgetAfterFork()
        let start = SystemClock.monotonicNanoseconds()
        #expect(!shipper.flush(timeout: .seconds(20)))
        shipper.shutdown(timeout: .seconds(20))
        shipper.notify()
        #expect(SystemClock.monotonicNanoseconds() - start < 2_000_000_000)
    }
}
