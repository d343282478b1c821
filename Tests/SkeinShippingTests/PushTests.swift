import SkeinJournal
import SkeinPlatform
import SkeinShipping
import SkeinWire
import SkeinZeroMQ
import Testing

@Suite(.timeLimit(.minutes(2))) struct PushTests {
    private func makeShipper(_ app: AppJournal, _ endpoint: String, warnings: Warnings = Warnings()) throws
        -> Shipper
    {
        try Shipper(journal: app.journal, configuration: .init(endpoint: try Endpoint(endpoint))) {
            warnings.add($0)
        }
    }

    private func makePull(_ context: ZMQContext, port: Int = 0, highWaterMark: Int = 1000) throws -> ZMQSocket
    {
        let pull = try ZMQSocket(.pull, in: context)
        try pull.set(
            .receiveTimeout(.seconds(20)), .receiveHighWaterMark(highWaterMark), .receiveBufferBytes(8192))
        try pull.bind("tcp://127.0.0.1:\(port)")
        return pull
    }

    private func receive(_ count: Int, from pull: borrowing ZMQSocket) throws -> [[UInt8]] {
        var messages: [[UInt8]] = []
        while messages.count < count, let frames = try pull.receiveMultipart(wait: true) {
            #expect(frames.frames.count == 1)
            messages.append(frames.frames[0])
        }
        return messages
    }

    @Test
    func `a plain endpoint that is a collect port is found out, with one warning that names the better one`()
        throws
    {
        let context = try ZMQContext()
        let pull = try makePull(context)
        let port = pull.boundPort ?? 0
        let app = try AppJournal(shards: 1)
        let warnings = Warnings()
        let shipper = try makeShipper(app, "127.0.0.1:\(port)", warnings: warnings)
        app.append(1...500)
        #expect(shipper.flush(timeout: .seconds(20)))
        #expect(try receive(500, from: pull) == (1...500).map { AppJournal.event(0, $0) })
        #expect(shipper.statistics.transport == .push)
        #expect(shipper.statistics.acknowledged == 500)
        #expect(warnings.wait(for: "deliver://127.0.0.1:3515"))
        #expect(warnings.all.count == 1, "\(warnings.all)")
        shipper.shutdown(timeout: .seconds(20))
    }

    @Test func `a plain endpoint follows when a deliver port takes the place of a collect port, and back`()
        throws
    {
        let context = try ZMQContext()
        let app = try AppJournal(shards: 1)
        let warnings = Warnings()
        let port: Int
        let shipper: Shipper
        do {
            let pull = try makePull(context)
            port = pull.boundPort ?? 0
            shipper = try makeShipper(app, "tcp://127.0.0.1:\(port)", warnings: warnings)
            app.append(1...100)
            #expect(try receive(100, from: pull).count == 100)
            #expect(shipper.flush(timeout: .seconds(20)))
        }
        let collector = try retrying { try FakeCollector(port: port) }
        // What libzmq takes for a connection of which it does not know yet that it is gone, nobody gets.
        try retrying {
            let statistics = shipper.statistics
            if statistics.transport == .push && statistics.isConnected { throw SystemError(code: ETIMEDOUT) }
        }
        app.append(101...200)
        #expect(shipper.flush(timeout: .seconds(20)))
        #expect(collector.now.numbers[app.stream()]?.elementsEqual(101...200) == true)
        #expect(shipper.statistics.transport == .deliver)
        collector.stop()
        let pull = try retryingPull(context, port)
        app.append(201...300)
        #expect(try receive(100, from: pull).first == AppJournal.event(0, 201))
        shipper.shutdown(timeout: .seconds(20))
    }

    /// A port is free again a moment after its last socket was closed.
    private func retrying<Result>(_ body: () throws -> Result) throws -> Result {
        let deadline = SystemClock.monotonicNanoseconds() + 10_000_000_000
        while true {
            do { return try body() } catch {
                if SystemClock.monotonicNanoseconds() > deadline { throw error }
                usleep(5000)
            }
        }
    }

    private func retryingPull(_ context: ZMQContext, _ port: Int) throws -> ZMQSocket {
        let deadline = SystemClock.monotonicNanoseconds() + 10_000_000_000
        while SystemClock.monotonicNanoseconds() < deadline {
            if let pull = try? makePull(context, port: port) { return pull }
            usleep(5000)
        }
        return try makePull(context, port: port)
    }

    @Test func `push with nobody there neither blocks nor loses, and all arrives when somebody comes`() throws
    {
        let listener = try ListeningSocket(host: "127.0.0.1", port: 0)
        let port = Int(listener.port)
        close(listener.descriptor)
        let app = try AppJournal(shards: 1)
        let shipper = try makeShipper(app, "push://127.0.0.1:\(port)")
        app.append(1...3000)
        #expect(!shipper.flush(timeout: .milliseconds(200)))
        #expect(shipper.statistics.acknowledged == 0)
        let context = try ZMQContext()
        let pull = try retryingPull(context, port)
        #expect(try receive(3000, from: pull) == (1...3000).map { AppJournal.event(0, $0) })
        #expect(shipper.flush(timeout: .seconds(20)))
        #expect(shipper.statistics.acknowledged == 3000)
        shipper.shutdown(timeout: .seconds(20))
    }

    @Test func `a collect port that stands still holds no more than its queues, and then gets the rest`()
        throws
    {
        let context = try ZMQContext()
        let pull = try makePull(context, highWaterMark: 10)
        let port = pull.boundPort ?? 0
        let app = try AppJournal(shards: 1, segmentBytes: 1 << 20, budgetBytes: 128 << 20)
        let shipper = try makeShipper(app, "push://127.0.0.1:\(port)")
        // Documents of 20 kB go without a copy; 4 MiB of kernel buffers take some hundred of them.
        let large = [UInt8](repeating: 7, count: 20_000)
        for _ in 1...2000 { app.append(large) }
        #expect(!shipper.flush(timeout: .seconds(1)))
        #expect(shipper.statistics.acknowledged < 2000)
        let all = try receive(2000, from: pull)
        let isRight = all.count == 2000 && all.allSatisfy { $0 == large }
        #expect(isRight)
        #expect(shipper.flush(timeout: .seconds(20)))
        shipper.shutdown(timeout: .seconds(20))
        #expect(shipper.statistics.backlogBytes == 0)
    }

    @Test func `what libzmq has taken is still sent during a shutdown`() throws {
        let context = try ZMQContext()
        let pull = try makePull(context)
        let port = pull.boundPort ?? 0
        let app = try AppJournal(shards: 1)
        let shipper = try makeShipper(app, "push://127.0.0.1:\(port)")
        app.append(1...800)
        shipper.shutdown(timeout: .seconds(20))
        #expect(shipper.statistics.acknowledged == 800)
        #expect(try receive(800, from: pull).count == 800)
    }

    @Test func `only events are sent, not what journals keep between them`() throws {
        let context = try ZMQContext()
        let pull = try makePull(context)
        let port = pull.boundPort ?? 0
        let app = try AppJournal(shards: 1)
        let shipper = try makeShipper(app, "push://127.0.0.1:\(port)")
        app.append(1...2)
        _ = app.journal.shards[0].append(kind: .dropNotice, flags: 0, arrival: 0, capacity: 8, slot: nil) {
            _ in 8
        }
        app.append(3...4)
        #expect(shipper.flush(timeout: .seconds(20)))
        #expect(try receive(4, from: pull) == (1...4).map { AppJournal.event(0, $0) })
        #expect(shipper.statistics.acknowledged == 4)
        shipper.shutdown(timeout: .seconds(20))
    }

    @Test func `a deliver port where a collect port was named is told by name`() throws {
        let collector = try FakeCollector()
        defer { collector.stop() }
        let app = try AppJournal(shards: 1)
        let warnings = Warnings()
        let shipper = try makeShipper(app, "push://127.0.0.1:\(collector.port)", warnings: warnings)
        app.append(1...10)
        #expect(warnings.wait(for: "is not a collect port"))
        #expect(shipper.statistics.acknowledged == 0)
        shipper.shutdown(timeout: .zero)
    }

    @Test func `a plain endpoint that is neither is told, and found when it becomes one`() throws {
        let context = try ZMQContext()
        let app = try AppJournal(shards: 1)
        let warnings = Warnings()
        let port: Int
        let shipper: Shipper
        do {
            let pub = try ZMQSocket(.pub, in: context)
            try pub.bind("tcp://127.0.0.1:0")
            port = pub.boundPort ?? 0
            shipper = try makeShipper(app, "tcp://127.0.0.1:\(port)", warnings: warnings)
            app.append(1...100)
            #expect(warnings.wait(for: "127.0.0.1:\(port)"))
            #expect(shipper.statistics.acknowledged == 0)
        }
        let pull = try retryingPull(context, port)
        #expect(try receive(100, from: pull).count == 100)
        shipper.shutdown(timeout: .seconds(20))
    }

    @Test func `what is no ZeroMQ socket at all is told`() throws {
        let listener = try ListeningSocket(host: "127.0.0.1", port: 0)
        defer { close(listener.descriptor) }
        let end = try WakeUp()
        let descriptor = listener.descriptor
        let server = try SystemThread(name: "http") {
            var poller = ZMQPoller()
            let ended = poller.add(end)
            _ = poller.add(descriptor: descriptor, for: .readable)
            while true {
                _ = try? poller.wait(for: .milliseconds(100))
                if poller.isReady(ended) { return }
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { continue }
                _ = "HTTP/1.1 400 Bad Request\r\n\r\n".withCString { write(connection, $0, 28) }
                close(connection)
            }
        }
        let app = try AppJournal(shards: 1)
        let warnings = Warnings()
        let shipper = try makeShipper(app, "tcp://127.0.0.1:\(listener.port)", warnings: warnings)
        app.append(1...10)
        #expect(warnings.wait(for: "is no ZeroMQ socket"))
        #expect(shipper.statistics.acknowledged == 0)
        shipper.shutdown(timeout: .zero)
        end.signal()
        server.join()
    }
}
