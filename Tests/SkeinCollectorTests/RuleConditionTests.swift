import SkeinBSON
import SkeinPlatform
import Testing

/// `match:` in the rules of a real `skeind`.
@Suite struct RuleConditionTests {
    private static let anyPorts = [
        "--control", "127.0.0.1:0", "--collect", "127.0.0.1:0", "--deliver", "127.0.0.1:0", "--config",
        "skeind.yaml",
    ]

    private static func write(_ rules: String, _ folder: TemporaryFolder) throws {
        let text = """
            outlets:
              high: { kind: files, path: high }
            rules:
            \(rules)
            """
        let bytes = Array(text.utf8)
        let file = open(folder.path + "/skeind.yaml", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        try #require(file >= 0)
        defer { close(file) }
        #expect(SkeinPlatform.write(file, bytes, bytes.count) == bytes.count)
    }

    @Test func `rules send what matches, and a reload changes them`() throws {
        let folder = try TemporaryFolder()
        try Self.write(
            "  - { match: 'n >= 50 and type ~ \"a*\"', to: high }\n  - to: [files, stream]", folder)
        let program = try Program(Self.anyPorts, folder: folder.path)
        let ports = try program.ports()
        let client = try PushClient(try #require(ports["collect"]))
        let control = try #require(ports["control"])
        func send(from number: Int) throws {
            for number in number..<number + 100 {
                try client.send(freshEvent(number % 2 == 0 ? "a.x" : "b", number % 100).bytes)
            }
            try eventually("all arrive") {
                try ask(control, "STATUS")[path: "ledger.received"]?.intValue == Int64(number + 100)
            }
            #expect(try ask(control, "FLUSH")["ok"] == true)
        }
        try send(from: 0)
        #expect(try ask(control, "STATUS")[path: "outlets.high.delivered"]?.intValue == 25)
        #expect(try ask(control, "STATUS")[path: "outlets.high.not_routed"]?.intValue == 75)

        // A mistake leaves the rule as it was.
        try Self.write("  - to: [files, stream]\n  - match: n >= and\n    to: high", folder)
        program.signal(SIGHUP)
        let line = try #require(program.output.wait(for: "stays as it was"))
        #expect(
            line.contains("skeind.yaml:5:12: match: column 6: expected a value, found \"and\""), "\(line)")
        try send(from: 100)
        #expect(try ask(control, "STATUS")[path: "outlets.high.delivered"]?.intValue == 50)

        try Self.write(
            "  - to: [files, stream]\n  - match: n in (1, 2, 3) or text =~ \"(a+)+$\"\n    to: high", folder)
        program.signal(SIGHUP)
        _ = try #require(program.output.wait(for: "was read again"))
        try send(from: 200)
        #expect(try ask(control, "STATUS")[path: "outlets.high.delivered"]?.intValue == 53)
        #expect(try ask(control, "STATUS")[path: "outlets.files.delivered"]?.intValue == 300)
        #expect(try ask(control, "STATUS")[path: "outlets.high.condition_overruns"]?.intValue == 0)

        // A text that the expression would try for ever is no match, and told.
        try client.send(freshEvent("b", 50, text: String(repeating: "a", count: 5000) + "!").bytes)
        try eventually("it arrives") { try ask(control, "STATUS")[path: "ledger.received"]?.intValue == 301 }
        #expect(try ask(control, "FLUSH")["ok"] == true)
        #expect(try ask(control, "STATUS")[path: "outlets.high.condition_overruns"]?.intValue == 1)
        #expect(try ask(control, "STATUS")[path: "outlets.high.not_routed"]?.intValue == 248)
        program.signal(SIGTERM)
        #expect(program.wait() == 0)
        let stored = try RunningCollector.stored(folder.path + "/high")
        #expect(stored.values.reduce(0) { $0 + $1.count } == 53)
    }

    @Test func `a mistake in a condition is told with its line and column before anything starts`() throws {
        let folder = try TemporaryFolder()
        try Self.write("  - to: files\n    match: type ~ \"a[\"", folder)
        let program = try Program(Self.anyPorts + ["--check-config"], folder: folder.path)
        #expect(program.wait() == 2)
        _ = try #require(
            program.output.wait(for: "skeind.yaml:5:12: match: column 8: expected a ] that ends the set"))
    }
}
