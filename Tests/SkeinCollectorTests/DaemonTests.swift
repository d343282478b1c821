import SkeinBSON
import SkeinPlatform
import SkeinWire
import SkeinZeroMQ
import Testing

@Suite struct DaemonTests {
    private static let anyPorts = [
        "--control", "127.0.0.1:0", "--collect", "127.0.0.1:0", "--deliver", "127.0.0.1:0",
    ]

    @Test func `the start line names every port, and SIGTERM and SIGINT drain and end with 0`() throws {
        for signal in [SIGTERM, SIGINT] {
            let folder = try TemporaryFolder()
            let program = try Program(Self.anyPorts, folder: folder.path)
            let ports = try program.ports()
            #expect(Set(ports.keys) == ["control", "collect", "deliver", "stream"])
            let line = try #require(program.output.wait(for: " ready: "))
            #expect(line.hasSuffix(", files ./skein-data/files"))
            let client = try PushClient(try #require(ports["collect"]))
            for number in 0..<100 { try client.send(freshEvent("a", number).bytes) }
            let control = try #require(ports["control"])
            try eventually("all arrive") {
                try ask(control, "STATUS")[path: "ledger.received"]?.intValue == 100
            }
            program.signal(signal)
            #expect(program.wait() == 0)
            let stored = try RunningCollector.stored(folder.path + "/skein-data/files")
            #expect(stored.values.reduce(0) { $0 + $1.count } == 100)
        }
    }

    @Test func `SHUTDOWN ends it, too`() throws {
        let folder = try TemporaryFolder()
        let program = try Program(Self.anyPorts, folder: folder.path)
        #expect(try ask(try #require(try program.ports()["control"]), "SHUTDOWN") == ["ok": true])
        #expect(program.wait() == 0)
    }

    @Test func `events that were acknowledged are in the files once, however often it is killed`() throws {
        let folder = try TemporaryFolder()
        let stream = StreamIdentity(journalHigh: 7, journalLow: 8, opening: 9, shard: 0)
        var held: UInt64 = 0
        var random = SystemRandomNumberGenerator()
        for round in 0..<8 {
            let program = try Program(Self.anyPorts, folder: folder.path)
            let producer = try RawProducer(try #require(try program.ports()["deliver"]), stream: stream)
            guard case .welcome(let welcome) = try producer.hello(first: held + 1, durable: true) else {
                Issue.record("no welcome: \(program.output.all)")
                return
            }
            #expect(welcome.ack >= held)
            held = welcome.ack
            // Acknowledged, then some more that may be or not when it is killed.
            for _ in 0..<Int.random(in: 1...20, using: &random) {
                try producer.batch((held + 1...held + 50).map { ($0, event("t\($0 % 5)", Int($0)).bytes) })
                try producer.waitForAck(held + 50)
                held += 50
            }
            try producer.batch((held + 1...held + 500).map { ($0, event("t\($0 % 5)", Int($0)).bytes) })
            if round % 2 == 0 { usleep(.random(in: 0...30_000, using: &random)) }
            program.signal(SIGKILL)
            #expect(program.wait() == 128 + SIGKILL)
        }
        let program = try Program(Self.anyPorts, folder: folder.path)
        let ports = try program.ports()
        let producer = try RawProducer(try #require(ports["deliver"]), stream: stream)
        guard case .welcome(let welcome) = try producer.hello(first: held + 1, durable: true) else {
            Issue.record("no welcome")
            return
        }
        #expect(welcome.ack >= held)
        let control = try #require(ports["control"])
        #expect(try ask(control, "FLUSH") == ["ok": true])
        let status = try ask(control, "STATUS")
        RunningCollector.expectBalance(status)
        #expect(status[path: "ledger.journaled"]?.intValue == Int64(welcome.ack))
        #expect(status[path: "outlets.files.read"]?.intValue == Int64(welcome.ack))
        #expect(status[path: "outlets.files.delivered"]?.intValue == Int64(welcome.ack))
        let stored = try RunningCollector.stored(folder.path + "/skein-data/files")
        var numbers: [Int64] = []
        for documents in stored.values {
            let own = try documents.map {
                try #require(BSONDocument(unchecked: $0)[path: "body.n"]?.intValue)
            }
            #expect(own == own.sorted())
            numbers += own
        }
        #expect(numbers.sorted() == Array(1...Int64(welcome.ack)))
        program.signal(SIGTERM)
        #expect(program.wait() == 0)
    }

    @Test func `wrong use is one line and exit code 2, and nothing is started`() throws {
        let cases: [([String], [String: String], String)] = [
            (["--http", "x"], [:], "skeind: unknown option --http; see skeind --help"),
            (["--control", "nowhere"], [:], "skeind: --control: \"nowhere\" has no port"),
            ([], ["SKEIND_DELIVER": "1"], "skeind: SKEIND_DELIVER: \"1\" has no port"),
            (["--config", "x.yaml"], [:], "skeind: --config: cannot read x.yaml: ENOENT"),
            (["--collect", "*:0"], [:], "skeind: --collect: other machines can reach *:0"),
            (
                ["--curve-key", "k", "--curve-clients", "c"], [:],
                "skeind: --curve-key: cannot read k: ENOENT"
            ),
        ]
        for (arguments, environment, line) in cases {
            let folder = try TemporaryFolder()
            let program = try Program(arguments, environment: environment, folder: folder.path)
            #expect(program.wait() == 2)
            #expect(program.output.all.count == 1)
            #expect(program.output.all[0].hasPrefix(line), "\(program.output.all)")
            #expect(TemporaryFolder.names(folder.path).isEmpty)
        }
    }

    @Test func `what the machine does not give is one line and exit code 1`() throws {
        let folder = try TemporaryFolder()
        let first = try Program(Self.anyPorts, folder: folder.path)
        let port = try #require(try first.ports()["collect"])
        let taken = try Program(
            [
                "--control", "127.0.0.1:0", "--deliver", "none", "--collect", "127.0.0.1:\(port)", "--data",
                "other",
            ],
            folder: folder.path)
        #expect(taken.wait() == 1)
        #expect(
            taken.output.all
                == [
                    "skeind: cannot listen on 127.0.0.1:\(port) (collect): EADDRINUSE (Address already in use)"
                ])
        _ = try folder.write("file", "")
        let path = try Program(
            Self.anyPorts + ["--data", "third", "--log-path", "file/x"], folder: folder.path)
        #expect(path.wait() == 1)
        #expect(path.output.all == ["skeind: cannot make the log path file/x: ENOTDIR (Not a directory)"])
        let data = try Program(Self.anyPorts, folder: folder.path)
        #expect(data.wait() == 1)
        #expect(
            data.output.all == ["skeind: the journal ./skein-data/journal is in use by another collector"])
    }

    @Test func `SIGHUP and RELOAD read the configuration again, a wrong one changes nothing`() throws {
        let folder = try TemporaryFolder()
        let yaml = """
            control: 127.0.0.1:0
            collect: 127.0.0.1:0
            deliver: none
            sync-interval: 5ms
            """
        _ = try folder.write("skeind.yaml", yaml)
        let program = try Program(["--config", "skeind.yaml"], folder: folder.path)
        let ports = try program.ports()
        let control = try #require(ports["control"])
        _ = try folder.write("skeind.yaml", yaml + "\noutlet: {}")
        program.signal(SIGHUP)
        #expect(program.output.wait(for: "skeind.yaml:5:1: unknown key \"outlet\"") != nil)
        #expect(
            try ask(control, "RELOAD")["error"]?.stringValue
                == "skeind.yaml:5:1: unknown key \"outlet\"; did you mean outlets?")
        _ = try folder.write(
            "skeind.yaml", yaml + "\nrules: [{to: more}]\noutlets: {more: {kind: files, path: more}}")
        #expect(try ask(control, "RELOAD") == ["ok": true])
        let client = try PushClient(try #require(ports["collect"]))
        try client.send(freshEvent("a", 1).bytes)
        try eventually("it arrives") { try ask(control, "STATUS")[path: "ledger.journaled"]?.intValue == 1 }
        #expect(try ask(control, "FLUSH") == ["ok": true])
        #expect(try RunningCollector.stored(folder.path + "/more").count == 1)
        #expect(try RunningCollector.stored(folder.path + "/skein-data/files").isEmpty)
        _ = try folder.write("skeind.yaml", yaml)
        program.signal(SIGHUP)
        #expect(program.output.wait(for: "the configuration was read again") != nil)
        program.signal(SIGTERM)
        #expect(program.wait() == 0)
    }

    @Test func `--help fits a screen, --version and --check-config print what they say`() throws {
        let folder = try TemporaryFolder()
        let help = try Program(["--help"], folder: folder.path)
        #expect(help.wait() == 0)
        #expect(help.output.all.count <= 24)
        #expect(help.output.all.allSatisfy { $0.count <= 80 })
        let version = try Program(["--version"], folder: folder.path)
        #expect(version.wait() == 0)
        #expect(version.output.all[0].hasPrefix("skeind 0."))
        let check = try Program(["--check-config", "--collect", "127.0.0.1:77"], folder: folder.path)
        #expect(check.wait() == 0)
        #expect(
            check.output.all.contains {
                $0.hasPrefix("collect: [127.0.0.1:77]") && $0.hasSuffix("# --collect")
            })
        #expect(TemporaryFolder.names(folder.path).isEmpty)
    }

    @Test func `with keys only their owners get in`() throws {
        let folder = try TemporaryFolder()
        let server = try CurveKeyPair.generate()
        let friend = try CurveKeyPair.generate()
        let stranger = try CurveKeyPair.generate()
        _ = try folder.write("key", server.secretKey.z85 + "\n")
        _ = try folder.write("clients", "# who may connect\n\(friend.publicKey.z85) friend\n")
        let program = try Program(
            Self.anyPorts + ["--curve-key", "key", "--curve-clients", "clients", "--insecure", "collect"],
            folder: folder.path)
        let ports = try program.ports()
        let context = try ZMQContext()
        func answer(_ keys: CurveKeyPair?) throws -> Bool {
            let socket = try ZMQSocket(.req, in: context)
            try socket.set(.receiveTimeout(.seconds(keys == friend ? 20 : 1)), .sendTimeout(.seconds(20)))
            if let keys { try socket.set(ZMQOption.curveClient(keys, server: server.publicKey)) }
            try socket.connect("tcp://127.0.0.1:\(try #require(ports["control"]))")
            _ = try socket.send((["cmd": "STATUS"] as BSONDocument).bytes, wait: true)
            return try socket.receive(wait: true) != nil
        }
        #expect(try answer(friend))
        #expect(try !answer(stranger))
        #expect(try !answer(nil))
        #expect(program.output.wait(for: "control: a connection failed in its handshake") != nil)
        // Old clients speak no CURVE.
        let client = try PushClient(try #require(ports["collect"]))
        try client.send(freshEvent("a", 1).bytes)
        try eventually("it is stored") {
            try RunningCollector.stored(folder.path + "/skein-data/files").count == 1
        }
        program.signal(SIGTERM)
        #expect(program.wait() == 0)
    }
}
