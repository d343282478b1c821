import SkeinBSON
import SkeinCollector
import SkeinPlatform
import SkeinWire
import Testing

/// Processors of a real `skeind` that is killed and started again.
@Suite struct ProcessorRestartTests {
    @Test func `every event reaches program and library at least once, whatever is killed`() async throws {
        let folder = try TemporaryFolder()
        let (got, read) = (folder.path + "/got", folder.path + "/read")
        let library = try LibraryTests.compile(folder)
        let command = try ProcessorPrograms.command("records", got).map { "\"\($0)\"" }
        let file = try folder.write(
            "skeind.yaml",
            """
            sync-interval: 5ms
            outlets:
              program:
                kind: exec
                command: [\(command.joined(separator: ", "))]
                input: records
                acknowledge: yes
                batch: 7
              library: { kind: library, path: \(library), options: { file: "\(read)" } }
            """)
        let arguments = [
            "--control", "127.0.0.1:0", "--collect", "127.0.0.1:0", "--deliver", "127.0.0.1:0", "--config",
            file,
        ]
        let stream = StreamIdentity(journalHigh: 7, journalLow: 8, opening: 9, shard: 0)
        var held: UInt64 = 0
        for round in 0..<5 {
            let program = try Program(
                arguments, environment: ["PATH": "/usr/bin:/bin"], folder: folder.path)
            let ports = try program.ports()
            let producer = try RawProducer(try #require(ports["deliver"]), stream: stream)
            guard case .welcome(let welcome) = try producer.hello(first: held + 1, durable: true) else {
                Issue.record("no welcome: \(program.output.all)")
                return
            }
            held = max(held, welcome.ack)
            for _ in 0..<4 {
                try producer.batch((held + 1...held + 100).map { ($0, event("t", Int($0)).bytes) })
                try producer.waitForAck(held + 100)
                held += 100
                usleep(.random(in: 0...40_000))
            }
            if round == 2 {
                // The processes are killed, too.
                let status = try ask(try #require(ports["control"]), "STATUS")
                for name in ["program", "library"] {
                    if let pid = status[path: "outlets.\(name).process.pid"]?.intValue {
                        kill(Int32(pid), SIGKILL)
                    }
                }
            }
            program.signal(SIGKILL)
            #expect(program.wait() == 128 + SIGKILL)
        }
        let program = try Program(arguments, environment: ["PATH": "/usr/bin:/bin"], folder: folder.path)
        let control = try #require(try program.ports()["control"])
        #expect(try ask(control, "FLUSH") == ["ok": true])
        let status = try ask(control, "STATUS")
        RunningCollector.expectBalance(status)
        for name in ["program", "library"] {
            #expect(status[path: "outlets.\(name).delivered"]?.intValue == Int64(held))
            #expect(status[path: "outlets.\(name).rejected"]?.intValue == 0)
        }
        program.signal(SIGTERM)
        #expect(program.wait() == 0)
        func pairs(_ file: String, _ word: Int) -> [(n: Int, number: Int)] {
            ProcessorPrograms.lines(file).compactMap { line in
                let words = line.split(separator: " ").map(String.init)
                guard words.count > word + 1, let n = Int(words[word]), let number = Int(words[word + 1])
                else {
                    return nil
                }
                return (n, number)
            }
        }
        for found in [pairs(got, 0), pairs(read, 1)] {
            #expect(Set(found.map(\.n)) == Set(1...Int(held)))
            // What came twice came with the same number, so that its reader can know it.
            let numbers = Dictionary(grouping: found, by: \.n).mapValues { Set($0.map(\.number)) }
            #expect(numbers.values.allSatisfy { $0.count == 1 })
            #expect(Set(found.map(\.number)).count == Int(held))
        }
    }

    @Test func `mistakes in the configuration of processors are told with their place`() throws {
        let cases: [(String, String)] = [
            ("{ kind: exec }", "it has no command; expected command: [PROGRAM, ARGUMENT, …]"),
            ("{ kind: exec, command: ./it.py }", "command: a single value; expected a list"),
            ("{ kind: exec, command: [\"\"] }", "it has no command"),
            (
                "{ kind: exec, command: [x], acknowledge: maybe }",
                "acknowledge: \"maybe\"; expected yes or no"
            ),
            ("{ kind: exec, command: [x], input: json }", "input: \"json\"; expected events or records"),
            ("{ kind: exec, command: [x], answers: yes }", "answers: \"yes\"; expected events or none"),
            ("{ kind: exec, command: [x], timeout: 5 }", "timeout: \"5\" is no time"),
            ("{ kind: exec, command: [x], batch: 0 }", "batch: \"0\"; expected a number from 1 to 100000"),
            ("{ kind: exec, command: [x], environment: { A: [1] } }", "environment: a list; expected a text"),
            ("{ kind: exec, command: [x], environment: { \"A=B\": c } }", "\"A=B\" is no name of a variable"),
            (
                "{ kind: exec, command: [x], colour: red }",
                "exec outlets have no \"colour\"; expected kind, from"
            ),
            ("{ kind: library }", "it has no path; expected path: FILE"),
            ("{ kind: shell }", "no outlet is of the kind \"shell\"; expected kind: files, stream, exec"),
        ]
        for (outlet, message) in cases {
            let folder = try TemporaryFolder()
            let file = try folder.write("skeind.yaml", "outlets:\n  it: \(outlet)\n")
            let program = try Program(["--check-config", "--config", file], folder: folder.path)
            #expect(program.wait() == 2)
            let line = program.output.all.joined()
            #expect(line.contains(message) && line.contains("skeind.yaml:2:"), "\(line)")
        }
    }

    @Test func `the configuration of processors is printed as it would be read`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(
            "skeind.yaml",
            """
            outlets:
              one: { kind: exec, command: ["./it.py", "--a b", ""], acknowledge: yes, answers: events, batch: 5, timeout: 2s,
                     environment: { A: "x y" }, input: records, answer-rate: 7 }
              two: { kind: library, path: ./it.so, options: { folder: /srv/x, level: 5 } }
            """)
        let first = try Program(["--check-config", "--config", file], folder: folder.path)
        #expect(first.wait() == 0)
        let text = first.output.all.filter { $0.contains("kind: exec") || $0.contains("kind: library") }
        #expect(
            text == [
                "  one: { kind: exec, from: end, overflow: drop, command: [./it.py, \"--a b\", \"\"], input: records, acknowledge: yes, answers: events, answer-rate: 7, batch: 5, timeout: 2s, environment: { A: \"x y\" } }",
                "  two: { kind: library, from: end, overflow: drop, path: ./it.so, answers: none, answer-rate: 1000, batch: 1000, timeout: 1min, options: { folder: /srv/x, level: 5 } }",
            ])
        let again = try folder.write("again.yaml", "outlets:\n" + text.joined(separator: "\n") + "\n")
        let second = try Program(["--check-config", "--config", again], folder: folder.path)
        #expect(second.wait() == 0)
        #expect(
            second.output.all.filter { $0.contains("kind: exec") || $0.contains("kind: library") } == text)
    }
}
