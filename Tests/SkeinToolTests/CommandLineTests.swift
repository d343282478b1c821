import SkeinPlatform
import Testing

@testable import SkeinTool

@Suite struct CommandLineTests {
    @Test(arguments: [
        ("web1", "web1:3513"), ("web1:4000", "web1:4000"), ("tcp://web1:4000", "web1:4000"),
        (":4000", "127.0.0.1:4000"),
        ("*:4000", "127.0.0.1:4000"), ("0.0.0.0", "127.0.0.1:3513"), ("[::1]:4000", "[::1]:4000"),
        ("[::1]", "[::1]:3513"),
        ("localhost", "localhost:3513"),
    ])
    func `an address is read in every spelling`(text: String, expected: String) throws {
        #expect(try ControlAddress(text).description == expected)
    }

    @Test(arguments: [
        "", ":", "web1:", "web1:0", "web1:99999", "web1:x", "::1:3513", "a b", "[::1]4000", "[::1]:", "a/b",
        "web1:+1",
    ])
    func `what is no address is refused with the accepted form`(text: String) {
        let outcome = skein("view", "-H", text)
        #expect(outcome.code == 2)
        #expect(outcome.errors.contains("host:3513"))
    }

    @Test func `the host may stand before the verb or behind it`() {
        for arguments in [
            ["-H", "a:1", "view", "x"], ["--host", "a:1", "view"], ["--host=a:1", "view"], ["-Ha:1", "view"],
        ] {
            let invocation = Invocation(arguments)
            #expect(invocation.verb == "view")
            #expect(!invocation.arguments.contains("view"))
        }
        #expect(Invocation(["view", "-H", "a:1"]).arguments == ["-H", "a:1"])
        #expect(Invocation([]).verb == nil)
        #expect(Invocation(["-H"]).verb == nil)
        #expect(Invocation(["--", "view"]).verb == nil)
    }

    @Test(arguments: [
        ["--help"], ["view", "--help"], ["ctl", "-h"], ["archive", "--help"], ["keygen", "--help"],
        ["journal", "--help"], ["ingest", "--help"],
        ["archive", "zip", "--help"],
    ])
    func `help goes to standard output and fits a screen`(arguments: [String]) {
        let outcome = run(arguments)
        #expect(outcome.code == 0)
        #expect(outcome.errors.isEmpty)
        #expect(outcome.lines.count <= 24, "\(outcome.lines.count) lines")
        for line in outcome.lines { #expect(line.count <= 80, "\(line)") }
    }

    @Test func `the version is one line`() {
        #expect(skein("--version").output == Help.version + "\n")
        #expect(skein("-V").code == 0)
    }

    @Test(arguments: [
        ([], "a verb is missing"), (["frobnicate"], "no verb frobnicate"), (["--frobnicate"], "--frobnicate"),
        (["view", "--frobnicate"], "unknown option --frobnicate"), (["view", "-n"], "needs a value"),
        (["view", "-n", ""], "empty type pattern"),
        (["view", "--start-date", "yesterday"], "YYYYMMDD"),
        (["view", "--start-date", "20261120", "--end-date", "20261119"], "before the start"),
        (["view", "-H", "a:1", "file"], "only one of them"),
        (["view", "-l", "d", "file"], "only one of them"),
        (["view", "--tree", "--json", "f"], "--tree"),
        (["view", "--json", "--fields", "a", "f"], "--fields"),
        (["view", "--fields", "a,,b", "f"], "empty name"), (["view", "-H", "a:1", "-f"], "--follow"),
        (["ctl"], "needs a command"), (["ctl", "restart"], "no command restart"),
        (["ctl", "status", "now"], "no command now"), (["ctl", "status", "--timeout", "soon"], "--timeout"),
        (["archive"], "zip, prune or cat"), (["archive", "burn"], "no action burn"),
        (["archive", "prune"], "--retain-days"),
        (["archive", "prune", "--retain-days", "0"], "--retain-days"),
        (["archive", "prune", "--retain-days", "7", "request"], "whole days"),
        (["archive", "zip", "--level", "99"], "--level"), (["archive", "cat", "--open-days"], "--open-days"),
        (["keygen", "a", "b"], "one FILE"), (["ctl", "status", "--curve-server", "x"], "--curve-key FILE"),
        (["ctl", "status", "--curve-key", "/none"], "--curve-server KEY"),
        (["ctl", "status", "--curve-key", "/none", "--curve-server", "x"], "/none holds no key"),
    ])
    func `wrong use is one line that names it, and exit code 2`(arguments: [String], named: String) {
        let outcome = run(arguments)
        #expect(outcome.code == 2)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.contains(named), "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("skein: ") && outcome.errors.split(separator: "\n").count == 1)
    }

    @Test func `what the user typed is not sent to the terminal raw`() {
        #expect(!skein("\u{1B}[2J").errors.contains("\u{1B}"))
        #expect(!skein("view", "--\u{1B}[2J").errors.contains("\u{1B}"))
        #expect(!skein("view", "/none/\u{1B}[2J").errors.contains("\u{1B}"))
    }

    @Test func `keys are made in files that only their owner reads, and never over others`() throws {
        let folder = try TestFolder()
        let file = folder.path + "/server"
        #expect(skein("keygen", file).code == 0)
        var status = stat()
        #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(try folder.bytes("server").count == 41 && folder.bytes("server.pub").count == 41)
        let before = try folder.bytes("server")
        let again = skein("keygen", file)
        #expect(again.code == 1 && again.errors.contains("EEXIST"))
        #expect(try folder.bytes("server") == before)
        let shown = skein("keygen").lines
        #expect(shown[0].hasPrefix("public ") && shown[1].hasPrefix("secret ") && shown[0].utf8.count == 47)
    }
}
