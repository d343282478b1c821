import SkeinBSON
import SkeinCollector
import SkeinPlatform
import SkeinWire
import SkeinZeroMQ
import Testing

@Suite struct OutletTests {
    // MARK: Stream

    /// A SUB that has been told that its subscription is in force: it receives events of `probe`.
    final class Subscriber {
        private let context: ZMQContext
        private let socket: ZMQSocket

        init(_ running: RunningCollector, _ prefixes: [String]) throws {
            context = try ZMQContext()
            socket = try ZMQSocket(.sub, in: context)
            try socket.set(.receiveTimeout(.milliseconds(100)))
            for prefix in prefixes + ["probe"] { try socket.set(.subscribe(Array(prefix.utf8))) }
            try socket.connect("tcp://127.0.0.1:\(try #require(running.ports.stream))")
            let client = try PushClient(running.ports.collect[0])
            try eventually("the subscription is in force") {
                try client.send(freshEvent("probe", 0).bytes)
                guard let message = try socket.receiveMultipart(wait: true) else { return false }
                return message.frames[0] == Array("probe".utf8)
            }
            try socket.set(.receiveTimeout(.seconds(20)))
        }

        /// The next message that is no probe.
        func next() throws -> (type: String, event: [UInt8])? {
            while let message = try socket.receiveMultipart(wait: true) {
                #expect(message.frames.count == 2 && message.excess == 0)
                if message.frames[0] == Array("probe".utf8) { continue }
                return (String(decoding: message.frames[0], as: UTF8.self), message.frames[1])
            }
            return nil
        }
    }

    @Test func `a subscriber receives type and event, of the types it asked for`() throws {
        let running = try RunningCollector()
        let subscriber = try Subscriber(running, ["request"])
        let client = try PushClient(running.ports.collect[0])
        let events = ["other", "request", "request.sql", "re"].enumerated().map {
            freshEvent($0.element, $0.offset)
        }
        for event in events { try client.send(event.bytes) }
        let first = try #require(try subscriber.next())
        #expect(first.type == "request" && first.event == events[1].bytes)
        let second = try #require(try subscriber.next())
        #expect(second.type == "request.sql" && second.event == events[2].bytes)
        try eventually("they are counted") {
            let status = try #require(running.collector.status[path: "outlets.stream"]?.documentValue)
            #expect(status["kind"] == "stream")
            return try #require(status["delivered"]?.intValue) >= 2
        }
        running.expectBalance()
    }

    @Test func `an event of more than 256 KiB goes out without its body`() throws {
        let running = try RunningCollector()
        let subscriber = try Subscriber(running, ["large"])
        let client = try PushClient(running.ports.collect[0])
        let large = freshEvent("large", 1, text: String(repeating: "x", count: 300_000))
        try client.send(large.bytes)
        let message = try #require(try subscriber.next())
        let received = try BSONDocument(validating: message.event)
        #expect(received["body"] == .document([:]))
        #expect(received["truncated"] == true)
        for key in ["id", "type", "host", "pid", "start", "end"] { #expect(received[key] == large[key]) }
        try running.flush()
        #expect(try running.stored().values.flatMap { $0 }.contains(large.bytes))
    }

    // MARK: Forward

    @Test(arguments: ["deliver://", ""])
    func `what is forwarded is on the other collector once, through its restart`(
        scheme: String
    ) throws {
        let masterFolder = try TemporaryFolder()
        var master: RunningCollector? = try RunningCollector(masterFolder)
        let port = UInt16(try #require(master?.ports.deliver))
        let edgeFolder = try TemporaryFolder()
        let forwarding: (inout CollectorConfiguration) -> Void = { configuration in
            configuration.outlets.append(
                OutletConfiguration(
                    name: "master", kind: .forward(.init(endpoint: "\(scheme)127.0.0.1:\(port)"))))
        }
        var edge: RunningCollector? = try RunningCollector(edgeFolder, change: forwarding)
        var sent: [[UInt8]] = []
        func send(_ count: Int) throws {
            let client = try PushClient(try #require(edge?.ports.collect[0]))
            let before = edge?.ledger("received") ?? 0
            for _ in 0..<count {
                let event = freshEvent(sent.count % 3 == 0 ? "b" : "a", sent.count).bytes
                try client.send(event)
                sent.append(event)
            }
            try eventually("all arrive") { edge?.ledger("received") == before + Int64(count) }
        }
        try send(500)
        try edge?.flush()
        try send(300)
        // The master goes, and comes back; so does the edge.
        master?.collector.stop()
        master = nil
        try send(200)
        edge?.collector.stop()
        edge = nil
        master = try RunningCollector(masterFolder) { $0.deliver = .loopback(port) }
        edge = try RunningCollector(edgeFolder, change: forwarding)
        try send(100)
        try edge?.flush()
        try master?.flush()
        let stored = try #require(try master?.stored())
        #expect(stored.values.reduce(0) { $0 + $1.count } == sent.count)
        #expect(Set(stored.values.flatMap { $0 }) == Set(sent))
        #expect(Set(try #require(try edge?.stored()).values.flatMap { $0 }) == Set(sent))
        edge?.expectBalance()
        master?.expectBalance()
        let status = try #require(edge?.collector.status[path: "outlets.master"]?.documentValue)
        #expect(status["delivered"]?.intValue == Int64(sent.count))
        #expect(status["collector"]?.stringValue == master?.collector.status["id"]?.stringValue)
        #expect(status["problem"] == .null)
    }

    @Test func `a collect port is forwarded to as well, as Ziggy's flag says it`() throws {
        let master = try RunningCollector()
        let edge = try RunningCollector { configuration in
            configuration.outlets = [
                OutletConfiguration(
                    name: "master", kind: .forward(.init(endpoint: "127.0.0.1:\(master.ports.collect[0])")))
            ]
        }
        let client = try PushClient(edge.ports.collect[0])
        for number in 0..<200 { try client.send(freshEvent("a", number).bytes) }
        try eventually("all arrive at the master") { master.ledger("journaled") == 200 }
        #expect(edge.warnings.wait(for: "is a collect port") != nil)
        try edge.flush()
        edge.expectBalance()
    }

    @Test func `two collectors that forward to each other find it out`() throws {
        let first = try RunningCollector()
        let second = try RunningCollector { configuration in
            configuration.outlets = [
                OutletConfiguration(
                    name: "first",
                    kind: .forward(.init(endpoint: "deliver://127.0.0.1:\(first.ports.deliver ?? 0)")))
            ]
        }
        var configuration = RunningCollector.configuration(first.folder)
        configuration.control = .loopback()
        configuration.outlets.append(
            OutletConfiguration(
                name: "second",
                kind: .forward(.init(endpoint: "deliver://127.0.0.1:\(second.ports.deliver ?? 0)"))))
        try first.collector.reload(configuration)
        let client = try PushClient(first.ports.collect[0])
        try client.send(freshEvent("a", 1).bytes)
        let found = { first.warnings.all + second.warnings.all }
        try eventually("somebody says loop") { found().contains { $0.contains("loop") } }
        // From then on nothing goes round.
        let received = { (first.ledger("received") ?? 0) + (second.ledger("received") ?? 0) }
        var last = received()
        try eventually("it comes to rest") {
            usleep(100_000)
            defer { last = received() }
            return last == received()
        }
        #expect(last < 1000)
    }

    @Test func `a loop is found after a restart, before those in it have greeted again`() throws {
        let folder = try TemporaryFolder()
        var first: RunningCollector? = try RunningCollector(folder)
        let producer = try RawProducer(try #require(first?.ports.deliver))
        _ = try producer.hello(path: ["0123456789abcdef0123456789abcdef"])
        try eventually("it is written down") { TemporaryFolder.read(folder.path + "/data/upstream") != nil }
        first?.collector.stop()
        first = nil
        // Whoever it forwards to hears of it, though nobody has greeted it yet.
        let context = try ZMQContext()
        let master = try ZMQSocket(.router, in: context)
        try master.set(.receiveTimeout(.seconds(20)))
        try master.bind("tcp://127.0.0.1:0")
        let bound = master.boundPort
        let port = try #require(bound)
        let again = try RunningCollector(folder) { configuration in
            configuration.outlets.append(
                OutletConfiguration(
                    name: "master", kind: .forward(.init(endpoint: "deliver://127.0.0.1:\(port)"))))
            configuration.drainTimeout = .milliseconds(200)
        }
        let client = try PushClient(again.ports.collect[0])
        try client.send(freshEvent("a", 1).bytes)
        let message = try #require(try master.receiveMultipart(wait: true))
        guard case .hello(let hello) = try DeliverMessage(decoding: message.frames[1]) else {
            Issue.record("no HELLO")
            return
        }
        #expect(
            hello.path == [
                try #require(again.collector.status["id"]?.stringValue), "0123456789abcdef0123456789abcdef",
            ])
    }

    @Test func `events are forwarded over CURVE to a collector whose key is given`() throws {
        let folder = try TemporaryFolder()
        let server = try CurveKeyPair.generate()
        let own = try CurveKeyPair.generate()
        let masterKey = try folder.write("master", server.secretKey.z85 + "\n")
        let masterClients = try folder.write("master-clients", "\(own.publicKey.z85) edge\n")
        let ownKey = try folder.write("own", own.secretKey.z85 + "\n")
        let master = try RunningCollector { configuration in
            configuration.curveKeyFile = masterKey
            configuration.curveClientsFile = masterClients
        }
        let published = try folder.write("master.pub", server.publicKey.z85 + "\n")
        for key in [server.publicKey.z85, published] {
            var forward = OutletConfiguration.Forward(
                endpoint: "deliver://127.0.0.1:\(try #require(master.ports.deliver))")
            forward.key = key
            let outlet = OutletConfiguration(name: "master", kind: .forward(forward))
            #expect(throws: ConfigurationMistake.self) {
                var configuration = RunningCollector.configuration(folder)
                configuration.outlets = [outlet]
                _ = try Collector(configuration, log: .none)
            }
            let before = master.ledger("journaled") ?? 0
            let edge = try RunningCollector { configuration in
                configuration.outlets = [outlet]
                configuration.curveKeyFile = ownKey
                configuration.curveClientsFile = masterClients
                configuration.insecure = [.collect]
            }
            let client = try PushClient(edge.ports.collect[0])
            for number in 0..<50 { try client.send(freshEvent("a", number).bytes) }
            try eventually("all arrive") { master.ledger("journaled") == before + 50 }
            try edge.flush()
            edge.expectBalance()
        }
    }

    // MARK: Rules and reloading

    @Test func `rules say which outlets get events`() throws {
        let running = try RunningCollector { configuration in
            configuration.outlets.append(
                OutletConfiguration(
                    name: "other", kind: .files(.init(path: configuration.dataPath + "/other"))))
            configuration.rules = [Rule(to: ["other"])]
        }
        let client = try PushClient(running.ports.collect[0])
        for number in 0..<10 { try client.send(freshEvent("a", number).bytes) }
        try eventually("all arrive") { running.ledger("journaled") == 10 }
        try running.flush()
        #expect(try running.stored().isEmpty)
        #expect(
            try RunningCollector.stored(running.folder.path + "/data/other").values.flatMap { $0 }.count == 10
        )
        #expect(running.collector.status[path: "outlets.files.not_routed"]?.intValue == 10)
        running.expectBalance()
    }

    @Test func `a filter of the embedder's decides where rules have a condition`() throws {
        struct EvenNumbers: EventFilter {
            func matches(_ event: UnsafeRawBufferPointer, _ envelope: EventEnvelope) -> Bool {
                let number = (try? BSONView(event))?.find(path: "body.n")?.integer ?? 1
                return number % 2 == 0 && envelope.type.string(in: event) == "a"
            }
        }
        struct Unreadable: Error, CustomStringConvertible { let description = "no such word" }
        var configuration = RunningCollector.configuration(try TemporaryFolder())
        configuration.rules = [Rule(match: "n is even", to: ["files"])]
        #expect(throws: ConfigurationMistake.self) { try Collector(configuration, log: .none) }
        let filters: EventFilterCompiler = { text in
            guard text == "n is even" else { throw Unreadable() }
            return EvenNumbers()
        }
        let collector = try Collector(configuration, log: .none, filters: filters)
        try collector.start()
        defer { collector.stop() }
        let client = try PushClient(collector.ports.collect[0])
        for number in 0..<10 { try client.send(freshEvent(number < 6 ? "a" : "b", number).bytes) }
        try eventually("all arrive") { collector.status[path: "ledger.journaled"]?.intValue == 10 }
        try collector.flush(timeout: .seconds(20))
        #expect(collector.status[path: "outlets.files.delivered"]?.intValue == 3)
        #expect(collector.status[path: "outlets.files.not_routed"]?.intValue == 7)
        RunningCollector.expectBalance(collector.status)
        configuration.rules = [Rule(match: "n is odd", to: ["files"])]
        #expect(throws: ConfigurationMistake.self) { try collector.reload(configuration) }
    }

    @Test func `reloading adds, changes and removes outlets, and leaves no event behind`() throws {
        let running = try RunningCollector()
        let client = try PushClient(running.ports.collect[0])
        var sent = 0
        func send(_ count: Int) throws {
            for _ in 0..<count {
                try client.send(freshEvent("a", sent).bytes)
                sent += 1
            }
            try eventually("all arrive") { running.ledger("journaled") == Int64(sent) }
        }
        func count(_ folder: String) throws -> Int {
            try RunningCollector.stored(running.folder.path + "/data/" + folder).values.reduce(0) {
                $0 + $1.count
            }
        }
        var configuration = RunningCollector.configuration(running.folder)
        try send(10)
        configuration.outlets.append(
            OutletConfiguration(name: "new", kind: .files(.init(path: configuration.dataPath + "/new"))))
        try running.collector.reload(configuration)
        try send(10)
        try running.flush()
        #expect(try count("files") == 20)
        #expect(try count("new") == 10)
        // The first outlet goes elsewhere, the second goes.
        configuration.outlets = [
            OutletConfiguration(
                name: "files", kind: .files(.init(path: configuration.dataPath + "/elsewhere")))
        ]
        try send(5)
        try running.collector.reload(configuration)
        try send(10)
        try running.flush()
        #expect(try count("files") + count("elsewhere") == 35)
        #expect(try count("elsewhere") >= 10)
        try eventually("the removed one is gone") { running.collector.status[path: "outlets.new"] == nil }
        #expect(try count("new") == 15)
        #expect(
            TemporaryFolder.names(running.folder.path + "/data/outlets") == [
                "files.checkpoint", "files.settings",
            ])
        // What cannot be, changes nothing.
        var wrong = configuration
        wrong.control = .loopback(1)
        #expect(throws: CollectorError.self) { try running.collector.reload(wrong) }
        wrong = configuration
        wrong.rules = [Rule(to: ["nobody"])]
        #expect(throws: ConfigurationMistake.self) { try running.collector.reload(wrong) }
        let file = try running.folder.write("file", "")
        wrong = configuration
        wrong.outlets = [OutletConfiguration(name: "files", kind: .files(.init(path: file + "/x")))]
        #expect(throws: CollectorError.self) { try running.collector.reload(wrong) }
        try send(3)
        try running.flush()
        #expect(try count("files") + count("elsewhere") == 38)
        running.expectBalance()
    }

    @Test func `an outlet that is no longer configured after a restart finishes what waited for it`() throws {
        let folder = try TemporaryFolder()
        // A forward whose other end is not there yet.
        let master = try RunningCollector()
        let port = UInt16(try #require(master.ports.deliver))
        master.collector.stop()
        let forwarding: (inout CollectorConfiguration) -> Void = { configuration in
            configuration.outlets.append(
                OutletConfiguration(
                    name: "master", kind: .forward(.init(endpoint: "deliver://127.0.0.1:\(port)"))))
            configuration.drainTimeout = .milliseconds(200)
        }
        var edge: RunningCollector? = try RunningCollector(folder, change: forwarding)
        let client = try PushClient(try #require(edge?.ports.collect[0]))
        for number in 0..<50 { try client.send(freshEvent("a", number).bytes) }
        try eventually("all arrive") { edge?.ledger("journaled") == 50 }
        edge?.collector.stop()
        edge = nil
        let plain = try RunningCollector(folder)
        let after = try PushClient(plain.ports.collect[0])
        for number in 50..<60 { try after.send(freshEvent("a", number).bytes) }
        try eventually("all arrive") { plain.ledger("journaled") == 60 }
        #expect(plain.collector.status[path: "outlets.master"] != nil)
        let again = try RunningCollector(master.folder) { $0.deliver = .loopback(port) }
        try eventually("the master has them") { again.ledger("journaled") == 50 }
        try eventually("the outlet is gone") { plain.collector.status[path: "outlets.master"] == nil }
        #expect(again.ledger("journaled") == 50)
        plain.expectBalance()
    }
}
