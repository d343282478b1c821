import Foundation
import SkeinPlatform
import Testing

extension IntegrationTests {
    /// What `skeind` says, and how it exits, when it cannot start.
    @Suite struct DaemonRefusals {
        struct Case: Sendable, CustomTestStringConvertible {
            var name: String
            var arguments: [String]
            var yaml: String?
            var variables: [String: String] = [:]
            /// Words that the one line must hold.
            var words: [String]
            var testDescription: String { name }
        }

        @Test(arguments: [
            Case(name: "an unknown flag", arguments: ["--colect", "127.0.0.1:0"], words: ["--colect"]),
            Case(name: "a flag without its value", arguments: ["--collect"], words: ["--collect"]),
            Case(name: "a stray word", arguments: ["127.0.0.1:3514"], words: ["127.0.0.1:3514"]),
            Case(
                name: "a bad address", arguments: ["--collect", "3514"],
                words: ["collect", "3514", "HOST:PORT"]),
            Case(
                name: "a bad port", arguments: ["--control", "127.0.0.1:66000"], words: ["control", "66000"]),
            Case(
                name: "an open port without a key", arguments: ["--collect", "*:0"],
                words: ["collect", "insecure"]),
            Case(
                name: "a bad variable", arguments: [], variables: ["SKEIND_DELIVER": "nowhere"],
                words: ["SKEIND_DELIVER", "nowhere"]),
            Case(
                name: "broken YAML", arguments: [], yaml: "control: 127.0.0.1:0\ncollect: [127.0.0.1:0\n",
                words: ["skeind.yaml"]),
            Case(
                name: "an unknown key", arguments: [], yaml: "control: 127.0.0.1:0\ncolect: 127.0.0.1:0\n",
                words: ["skeind.yaml:2", "colect"]),
            Case(
                name: "a bad value", arguments: [], yaml: "# one\n# two\njournal-budget: much\n",
                words: ["skeind.yaml:3", "journal-budget", "much"]),
        ])
        func `a wrong setting is named in one line, exit 2, and nothing is started`(wrong: Case) async throws
        {
            let folder = try TemporaryFolder()
            var arguments = [try Products.path(of: "skeind")] + wrong.arguments
            if let yaml = wrong.yaml {
                try folder.write(yaml.utf8, to: "skeind.yaml")
                arguments += ["--config", "skeind.yaml"]
            }
            let program = try RunningProgram(arguments, environment: wrong.variables, in: folder.path)
            #expect(try await program.end(within: 10) == 2)
            #expect(program.output.lines == [])
            #expect(program.errors.lines.count == 1)
            for word in wrong.words { #expect(program.errors.text.contains(word)) }
            #expect(folder.files(below: "").allSatisfy { $0 == "skeind.yaml" })
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/skein-data"))
        }

        @Test func `a taken port is named with the reason, exit 1`() async throws {
            let first = try await Daemon.start(in: TemporaryFolder())
            let taken = try #require(first.ports["collect"])
            let folder = try TemporaryFolder()
            let second = try RunningProgram(Daemon.arguments(in: folder, ports: ["collect": taken]))
            #expect(try await second.end(within: 10) == 1)
            #expect(second.errors.lines.count == 1)
            #expect(second.errors.text.contains("127.0.0.1:\(taken)"))
            #expect(second.errors.text.localizedCaseInsensitiveContains("address already in use"))
            try await first.finish()
        }

        @Test func `a log path that cannot be written is named with the reason, exit 1`() async throws {
            let folder = try TemporaryFolder()
            try folder.write("a file".utf8, to: "file")
            let arguments = try Daemon.arguments(in: folder) + ["--log-path", folder.path + "/file/logs"]
            let program = try RunningProgram(arguments)
            #expect(try await program.end(within: 10) == 1)
            #expect(program.errors.lines.count == 1)
            #expect(program.errors.text.contains(folder.path + "/file/logs"))
            #expect(program.errors.text.localizedCaseInsensitiveContains("not a directory"))
        }

        @Test func `a second collector on the same data is refused, exit 1`() async throws {
            let first = try await Daemon.start(in: TemporaryFolder())
            let second = try RunningProgram(Daemon.arguments(in: first.folder))
            #expect(try await second.end(within: 10) == 1)
            #expect(second.errors.lines.count == 1)
            #expect(second.errors.text.contains(first.folder.path + "/data"))
            try await first.finish()
        }

        @Test func `check-config prints what holds, and names a mistake with its line`() async throws {
            let folder = try TemporaryFolder()
            try folder.write("collect: 127.0.0.1:4514\n".utf8, to: "skeind.yaml")
            let skeind = try Products.path(of: "skeind")
            let good = try RunningProgram(
                [skeind, "--config", "skeind.yaml", "--check-config", "--control", "127.0.0.1:4513"],
                in: folder.path)
            #expect(try await good.end(within: 10) == 0)
            #expect(good.output.text.contains("127.0.0.1:4514"))
            #expect(good.output.text.contains("127.0.0.1:4513"))

            try folder.write("collect: 127.0.0.1:4514\nnonsense: 1\n".utf8, to: "skeind.yaml")
            let bad = try RunningProgram(
                [skeind, "--config", "skeind.yaml", "--check-config"], in: folder.path)
            #expect(try await bad.end(within: 10) == 2)
            #expect(bad.errors.text.contains("skeind.yaml:2"))
            #expect(folder.files(below: "") == ["skeind.yaml"])
        }

        @Test func `the example configuration is right`() async throws {
            let example = Products.repository.appendingPathComponent("Packaging/skeind.yaml").path
            let check = try RunningProgram([
                Products.path(of: "skeind"), "--config", example, "--check-config",
            ])
            #expect(try await check.end(within: 10) == 0, "\(check.errors.text)")
        }

        @Test func `help fits a screen and version is one line`() async throws {
            for name in ["skeind", "skein"] {
                let program = try Products.path(of: name)
                let help = try RunningProgram([program, "--help"])
                #expect(try await help.end(within: 10) == 0)
                #expect(
                    (1...24).contains(help.output.lines.count),
                    "\(name) --help: \(help.output.lines.count) lines")
                #expect(
                    help.output.lines.allSatisfy { $0.count <= 80 }, "\(name) --help is wider than 80 columns"
                )
                let version = try RunningProgram([program, "--version"])
                #expect(try await version.end(within: 10) == 0)
                #expect(version.output.lines.count == 1)
            }
        }
    }
}
