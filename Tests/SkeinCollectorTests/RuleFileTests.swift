import SkeinBSON
import SkeinPlatform
import Testing

/// Rules and tests in the YAML file of a real `skeind`.
@Suite struct RuleFileTests {
    private static let outlets = "outlets: { archive: { kind: files, path: archive } }\n"

    private static func check(_ yaml: String) throws -> (code: Int32?, output: [String]) {
        let folder = try TemporaryFolder()
        _ = try folder.write("skeind.yaml", outlets + yaml)
        _ = try folder.write("key", "0123456789abcdef\n")
        let program = try Program(["--config", "skeind.yaml", "--check-config"], folder: folder.path)
        return (program.wait(), program.output.all)
    }

    @Test(arguments: [
        ("rules: [ { match: n = 1 } ]", "2:10: a rule without to:"),
        ("rules: [ { rate: 0, to: files } ]", "2:18: rate: \"0\"; expected a number above 0 and at most 1"),
        ("rules: [ { rate: 1.5 } ]", "2:18: rate: \"1.5\""),
        ("rules: [ { drop: maybe } ]", "2:18: drop: \"maybe\"; expected true"),
        ("rules: [ { drop: true, to: files } ]", "2:10: a rule with drop: does nothing else"),
        ("rules:\n  - redact: type", "3:13: redact: type is what makes an event, and no rule's to change"),
        ("rules:\n  - remove: [a, 'b..c']", "3:17: remove: \"b..c\" is no pattern of keys"),
        ("rules:\n  - add: { level: 4 }", "3:12: add: level is what makes an event, and no rule's to set"),
        ("rules:\n  - add: { a: { $date: never } }", "3:15: add: "),
        (
            "rules:\n  - redact: { keys: a, with: rot13 }",
            "3:30: with: \"rot13\"; expected mask, hash or remove"
        ),
        ("rules:\n  - redact: { keys: a, with: hash }", "3:5: with: hash needs a secret"),
        (
            "redact-key: none\nrules:\n  - { redcat: a, to: files }",
            "4:7: unknown key \"redcat\"; did you mean redact?"
        ),
        ("rules: [ { hold: { until: n = 1 } } ]", "2:10: hold: without to:"),
        ("rules: [ { hold: { by: id }, to: files } ]", "2:18: hold: without until:"),
        ("rules: [ { hold: { until: n = }, to: files } ]", "2:10: hold: until: column"),
        ("rules: [ { hold: { until: n = 1, for: 8d }, to: files } ]", "2:39: for: \"8d\" is out of range"),
        (
            "rules: [ { hold: { until: n = 1, capacity: 0 }, to: files } ]",
            "2:44: capacity: \"0\"; expected a number"
        ),
        (
            "rules: [ { hold: { until: n = 1 }, to: files } ]\ntests: [ { event: { type: a }, held: false } ]",
            "3:10: test: expected held: false; rule 1 held it, and it went to none"
        ),
        ("redact-key: missing\n", "2:13: cannot read missing: ENOENT"),
        ("rules:\n  - { name: a, drop: true }\n  - { name: a, drop: true }", "4:5: two rules are called a"),
        ("tests: [ { event: { type: a } } ]", "2:10: a test that expects nothing"),
        ("tests: [ { to: files } ]", "2:10: a test without event:"),
        ("tests: [ { event: 7, to: files } ]", "2:19: event: a single value; expected a document"),
        ("tests: [ { event: { type: a }, to: nowhere } ]", "2:10: to: no outlet is called \"nowhere\""),
        ("tests: [ { event: { typ: a }, to: files } ]", "2:10: test: its event is none: no_type"),
        (
            "rules: [ { to: files } ]\ntests: [ { name: first, event: { type: a }, to: archive } ]",
            "3:10: test \"first\": expected to: [archive]; it went to [files]: { \"type\" : \"a\""
        ),
        (
            "rules: [ { match: level >= 40, drop: true } ]\ntests: [ { event: { type: a, level: 40 }, dropped: false } ]",
            "3:10: test: expected dropped: false; rule 1 dropped it"
        ),
        (
            "rules: [ { redact: '**.b' } ]\ntests: [ { event: { type: a, body: { b: 1 } }, expect: { b: 1 } } ]",
            "3:10: test: expected b: 1, found \"***\"; it went to [archive, files, stream]"
        ),
        (
            "tests: [ { event: { type: a, body: { b: 1 } }, absent: b } ]",
            "2:10: test: expected no b, found 1; it went to"
        ),
    ])
    func `a mistake is one line with its place, and nothing starts`(yaml: String, line: String) throws {
        let result = try Self.check(yaml)
        #expect(result.code == 2)
        #expect(result.output.count == 1)
        #expect(result.output[0].contains("skeind.yaml:" + line), "\(result.output)")
    }

    @Test func `what --check-config prints reads as the same rules`() throws {
        let yaml = """
            redact-key: key
            rules:
              - { name: secrets, redact: [ "**.password", { keys: ["**.email"], with: hash }, { keys: x, with: remove } ] }
              - { match: 'type ~ "p*"', drop: true }
              - { match: n = 1, rate: 0.25, remove: "**.debug*", add: { a.b: 1, c: { d: [1, two, null] }, "e f": 1.5 }, to: archive }
              - to: [files, stream]
            tests:
              - { event: { type: p }, dropped: true }
              - { event: { type: x, body: { n: 2, password: p } }, to: [files, stream], expect: { password: "***" }, absent: a }
            """
        let first = try Self.check(yaml)
        #expect(first.code == 0, "\(first.output)")
        let printed = first.output.drop { $0 != "rules:" }.map { line in
            line.split(separator: " # ", maxSplits: 1).first.map(String.init) ?? line
        }
        #expect(printed.count == 6, "\(printed)")
        #expect(first.output.last == "# tests: 2, all passed")
        let second = try Self.check("redact-key: key\n" + printed.dropLast().joined(separator: "\n"))
        #expect(second.code == 0, "\(second.output)")
        let again = second.output.drop { $0 != "rules:" }.map { line in
            line.split(separator: " # ", maxSplits: 1).first.map(String.init) ?? line
        }
        #expect(Array(again) == Array(printed.dropLast()))
    }

    @Test func `rules change under load: each event is under the old or under the new, once`() throws {
        let folder = try TemporaryFolder()
        func write(_ mask: String, _ test: String = "") throws {
            _ = try folder.write(
                "skeind.yaml",
                "rules: [ { redact: { keys: text, text: \(mask) } } ]\n" + test)
        }
        try write("one")
        let program = try Program(
            [
                "--control", "127.0.0.1:0", "--collect", "127.0.0.1:0", "--deliver", "127.0.0.1:0",
                "--config",
                "skeind.yaml",
            ], folder: folder.path)
        let ports = try program.ports()
        let control = try #require(ports["control"])
        let client = try PushClient(try #require(ports["collect"]))
        var sent = 0
        for round in 0..<6 {
            for _ in 0..<2000 {
                sent += 1
                try client.send(freshEvent("t", sent, text: "secret").bytes)
            }
            if round == 2 {
                // A failing test leaves the old rules in force.
                try write(
                    "two", "tests: [ { event: { type: a, body: { text: x } }, expect: { text: one } } ]")
                let answer = try ask(control, "RELOAD")
                #expect(
                    answer["error"]?.stringValue?.contains("skeind.yaml:2:10: test: expected text") == true)
            } else {
                try write(round % 2 == 0 ? "one" : "two")
                #expect(try ask(control, "RELOAD")["ok"] == true)
            }
        }
        try eventually("all arrive") {
            try ask(control, "STATUS")[path: "ledger.received"]?.intValue == Int64(sent)
        }
        #expect(try ask(control, "FLUSH")["ok"] == true)
        RunningCollector.expectBalance(try ask(control, "STATUS"))
        program.signal(SIGKILL)
        _ = program.wait()
        // Again, with what the outlet reads once more under the last rules.
        let again = try Program(
            [
                "--control", "127.0.0.1:0", "--collect", "127.0.0.1:0", "--deliver", "127.0.0.1:0",
                "--config",
                "skeind.yaml",
            ], folder: folder.path)
        let second = try again.ports()
        #expect(try ask(try #require(second["control"]), "FLUSH")["ok"] == true)
        again.signal(SIGTERM)
        #expect(again.wait() == 0)
        let stored = try RunningCollector.stored(folder.path + "/skein-data/files")
        try BacklogTests.expectOnce(stored, UInt64(sent))
        let texts = Set(
            stored.values.flatMap { $0 }.compactMap {
                BSONDocument(unchecked: $0)[path: "body.text"]?.stringValue
            })
        #expect(texts.isSubset(of: ["one", "two"]), "\(texts)")
    }
}
