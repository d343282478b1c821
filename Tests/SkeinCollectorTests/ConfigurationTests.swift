import SkeinCollector
import Testing

@Suite struct ConfigurationTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func load(
        _ arguments: [String] = [], variables: [String: String] = [:], yaml: String? = nil
    ) throws -> ConfigurationSources.Loaded {
        var arguments = arguments
        if let yaml { arguments += ["--config", try folder.write("skeind.yaml", yaml)] }
        return try ConfigurationSources(arguments: arguments, environment: variables).load()
    }

    /// The one line that is printed, with the file's folder taken off.
    private func mistake(
        _ arguments: [String] = [], variables: [String: String] = [:], yaml: String? = nil
    ) throws -> String {
        do {
            _ = try load(arguments, variables: variables, yaml: yaml)
        } catch let mistake as ConfigurationMistake {
            let line = mistake.description.replacing(folder.path + "/", with: "")
            #expect(!line.contains("\n"))
            return line
        }
        return "none"
    }

    @Test func `without arguments everything is on loopback and below skein-data`() throws {
        let configuration = try load().configuration
        #expect("\(configuration.control)" == "127.0.0.1:3513")
        #expect(configuration.collect.map { "\($0)" } == ["127.0.0.1:3514"])
        #expect(configuration.deliver.map { "\($0)" } == "127.0.0.1:3515")
        #expect("\(configuration.streamAddress)" == "127.0.0.1:0")
        #expect(configuration.dataPath == "./skein-data")
        #expect(configuration.outlets.map(\.name) == ["files", "stream"])
        #expect(configuration.outlets[0].kind == .files(.init(path: "./skein-data/files")))
        #expect(configuration == CollectorConfiguration())
    }

    @Test func `flags win over variables, those over the file, that over defaults`() throws {
        let yaml = """
            control: 127.0.0.1:1
            deliver: 127.0.0.1:2
            data: /file
            log-path: /file/logs
            """
        let variables = ["SKEIND_DELIVER": "127.0.0.1:12", "SKEIND_DATA": "/variable", "SKEIND_LOG_PATH": ""]
        let configuration = try load(["--data", "/flag"], variables: variables, yaml: yaml).configuration
        #expect(configuration.control.port == 1)
        #expect(configuration.deliver?.port == 12)
        #expect(configuration.dataPath == "/flag")
        #expect(configuration.outlets[0].kind == .files(.init(path: "/file/logs")))
    }

    @Test func `ziggyd's command lines work as they stand`() throws {
        let relay = try load(["--forward=master:3514"]).configuration
        #expect(relay.outlets.map(\.name) == ["files", "stream", "forward-master-3514"])
        #expect(relay.outlets[2].kind == .forward(.init(endpoint: "master:3514")))
        let master = try load(
            ["-c", "*:3514", "-t127.0.0.1:9", "-l", "/var/log/ziggy/", "-v", "--insecure=collect"])
        #expect(master.configuration.collect == [.init(host: "*", port: 3514)])
        #expect(master.configuration.control.port == 9)
        #expect(master.configuration.isVerbose)
        #expect(master.configuration.outlets[0].kind == .files(.init(path: "/var/log/ziggy/")))
    }

    @Test func `what may repeat, repeats, as flags, list and variable`() throws {
        let two = ["127.0.0.1:1", "[::1]:2"]
        #expect(try load(["-c", two[0], "--collect", two[1]]).configuration.collect.map { "\($0)" } == two)
        let variable = ["SKEIND_COLLECT": "127.0.0.1:1, [::1]:2"]
        #expect(try load(variables: variable).configuration.collect.map { "\($0)" } == two)
        #expect(
            try load(yaml: "collect: [127.0.0.1:1, '[::1]:2']").configuration.collect.map { "\($0)" } == two)
        #expect(try load(yaml: "collect: []").configuration.collect.isEmpty)
        #expect(try load(["--collect", "none"]).configuration.collect.isEmpty)
    }

    @Test func `outlets and rules come from the file`() throws {
        let yaml = """
            log-path: logs
            max-types: 50
            forward: west:3515
            outlets:
              stream: off
              files: { file-idle: 10s }
              all: { kind: files, path: other, max-types: 7, from: oldest }
              east: { kind: forward, endpoint: "deliver://east:3515" }
            rules:
              - to: [files, all]
              - { to: east }
            """
        let configuration = try load(yaml: yaml).configuration
        #expect(configuration.outlets.map(\.name) == ["forward-west-3515", "files", "all", "east"])
        var files = OutletConfiguration.Files(path: "logs")
        files.maximumTypes = 50
        files.idle = .seconds(10)
        #expect(configuration.outlets[1].kind == .files(files))
        var all = OutletConfiguration.Files(path: "other")
        all.maximumTypes = 7
        #expect(configuration.outlets[2].kind == .files(all))
        #expect(configuration.outlets[2].from == .oldest)
        #expect(configuration.rules.map(\.to) == [["files", "all"], ["east"]])
    }

    @Test func `what is printed reads back as the same`() throws {
        let yaml = """
            collect: ["*:3514"]
            insecure: [collect]
            data: "odd \\"folder\\" # here"
            journal-budget: 1GiB
            sync-interval: 20ms
            outlets:
              files: off
              west: { kind: forward, endpoint: west:3515, overflow: refuse, backlog-budget: 32MiB }
            backlog-budget: 2GiB
            rules:
              - to: [west, stream]
            """
        let first = try load(yaml: yaml)
        let west = first.configuration.outlets.first { $0.name == "west" }
        #expect(west?.overflow == .refuse && west?.backlogBudgetBytes == 32 << 20)
        #expect(first.configuration.journal.backlogBudgetBytes == 2 << 30)
        let second = try load(yaml: first.text)
        #expect(first.configuration.outlets == second.configuration.outlets)
        #expect(first.configuration.collect == second.configuration.collect)
        #expect(first.configuration.dataPath == "odd \"folder\" # here")
        #expect(first.configuration.dataPath == second.configuration.dataPath)
        #expect(second.configuration.curveKeyFile == nil)
        #expect(first.configuration.journal == second.configuration.journal)
        #expect(first.configuration.rules.map(\.to) == second.configuration.rules.map(\.to))
        #expect(first.text.contains("skeind.yaml:5:16"))
        #expect(first.text.contains("# default"))
    }

    @Test(arguments: [
        (["--http", "127.0.0.1:8080"], "unknown option --http; see skeind --help"),
        (["--store=x"], "unknown option --store; see skeind --help"),
        (["--retain-days=3"], "unknown option --retain-days; see skeind --help"),
        (["status"], "unexpected \"status\"; see skeind --help"),
        (["-c"], "option -c needs a value; see skeind --help"),
        (
            ["--control", "3513"],
            "--control: \"3513\" has no port; expected HOST:PORT, for instance 127.0.0.1:3514, *:3514 or [::1]:3514"
        ),
        (
            ["--deliver", "127.0.0.1:70000"],
            "--deliver: \"127.0.0.1:70000\" has no port from 0 to 65535; expected HOST:PORT, for instance 127.0.0.1:3514, *:3514 or [::1]:3514"
        ),
        (
            ["--insecure", "http"],
            "--insecure: no port is called \"http\"; expected control, collect, deliver or stream"
        ),
        (
            ["--collect", "*:3514"],
            "--collect: other machines can reach *:3514: set curve-key and curve-clients, or insecure: collect to serve anybody"
        ),
        (
            ["--control", "0.0.0.0:3513", "--insecure", "control"],
            "--control: other machines can reach the stream on 0.0.0.0: set curve-key and curve-clients, or insecure: stream to serve anybody"
        ),
        (
            ["--curve-key", "x"],
            "--curve-key: lets nobody in by itself; expected curve-clients: FILE beside it"
        ),
        (["--forward", "a:1", "-r", "a:1"], "--forward: a:1 is given twice"),
    ]) func `a wrong flag is named in one line`(arguments: [String], line: String) throws {
        #expect(try mistake(arguments) == line)
    }

    @Test(arguments: [
        ("colect: 127.0.0.1:1", "skeind.yaml:1:1: unknown key \"colect\"; did you mean collect?"),
        ("data: x\ncontrol:\n  - 127.0.0.1:1", "skeind.yaml:3:3: a list; expected a single value"),
        ("control: ", "skeind.yaml:1:9: nothing; expected a single value"),
        (
            "data: a\ndata: b",
            "skeind.yaml:2:1: \"data\" stands here for the second time; it is on line 1 already"
        ),
        ("sync-interval: 5 lightyears", "sync-interval: \"5 lightyears\" is no time"),
        ("sync-interval: 1h", "\"1h\" is out of range; expected a time from 1ms to 10s"),
        ("journal-budget: 10", "\"10\" is out of range; expected a size from 16MiB to 64TiB"),
        ("journal-segment: 1GiB\njournal-budget: 2GiB", "2GiB is less than four segments of 1GiB"),
        ("max-types: many", "max-types: \"many\" is no such number; expected one from 1 to 1000000"),
        ("verbose: perhaps", "verbose: \"perhaps\" is neither; expected yes or no"),
        ("outlets:\n  tickets: { kind: tickets }", "skeind.yaml:2:20: no outlet is of the kind \"tickets\""),
        ("outlets:\n  .x: off", "skeind.yaml:2:3: \".x\" is no name for an outlet"),
        ("outlets:\n  x: { kind: forward }", "skeind.yaml:2:6: x has no endpoint"),
        (
            "outlets:\n  files: { overflow: spill }",
            "skeind.yaml:2:22: overflow: \"spill\"; expected drop or refuse"
        ),
        ("outlets:\n  files: { paht: x }", "skeind.yaml:2:12: files outlets have no \"paht\""),
        ("outlets:\n  x: { kind: stream }", "skeind.yaml:2:3: x is a second stream beside stream"),
        (
            "rules:\n  - match: level >= 40\n    to: [files]",
            "skeind.yaml:2:12: match: this skeind has no filter"
        ),
        (
            "rules:\n  - to: [file]",
            "skeind.yaml:2:5: to: no outlet is called \"file\"; expected files, stream or none"
        ),
        ("rules:\n  - {}", "skeind.yaml:2:5: a rule without to:"),
        ("rules: files", "skeind.yaml:1:8: rules: a single value; expected a list of rules"),
        (
            "rules:\n  - to: files\n    form: x",
            "skeind.yaml:3:5: unknown key \"form\"; expected name, match, drop"
        ),
        ("a: [1, 2", "skeind.yaml:2:1: did not find expected ',' or ']'"),
        ("- x", "skeind.yaml:1:1: a list; expected settings, each with its value"),
        ("data: *x", "skeind.yaml:1:7: alias *x has no finished anchor before it"),
        ("---\ndata: x\n---\ndata: y", "skeind.yaml:3:1: a second document; expected one"),
        ("data: \u{1}", "skeind.yaml:1:1: control characters are not allowed"),
    ]) func `a mistake in the file is named with its line`(yaml: String, line: String) throws {
        let found = try mistake(yaml: yaml)
        #expect(found.contains(line), "\(found)")
    }

    @Test func `a wrong variable is named, an unknown one noted`() throws {
        let found = try mistake(variables: ["SKEIND_STREAM": "x"])
        #expect(found.hasPrefix("SKEIND_STREAM: \"x\" has no port"))
        let notes = try load(variables: ["SKEIND_COLECT": "x", "PATH": "y"]).notes
        #expect(notes == ["nothing reads the variable SKEIND_COLECT"])
    }

    @Test func `a file that cannot be read is named with the reason`() throws {
        #expect(
            try mistake(["--config", "/nowhere/x.yaml"])
                == "--config: cannot read /nowhere/x.yaml: ENOENT (No such file or directory)")
        #expect(
            try mistake(variables: ["SKEIND_CONFIG": "/nowhere/x.yaml"]).hasPrefix(
                "SKEIND_CONFIG: cannot read"))
    }

    @Test func `an alias bomb is refused`() throws {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<9 {
            let name = "*a\(level - 1)"
            yaml +=
                "a\(level): &a\(level) [" + Array(repeating: name, count: 10).joined(separator: ", ") + "]\n"
        }
        #expect(try mistake(yaml: yaml).hasSuffix("more than 100,000 values"))
    }

    @Test func `the command line says what is to be done`() throws {
        func command(_ arguments: String...) throws -> ConfigurationSources.Command {
            try ConfigurationSources(arguments: arguments, environment: [:]).command
        }
        #expect(try command() == .run)
        #expect(try command("--check-config") == .checkConfiguration)
        #expect(try command("--help", "--version") == .help)
        #expect(try command("--version") == .version)
    }
}
