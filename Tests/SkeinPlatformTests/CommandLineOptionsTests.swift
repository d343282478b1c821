import SkeinPlatform
import Testing

@Suite struct CommandLineOptionsTests {
    private let options: [CommandLineOptions.Option] = [
        .init("collect", "c"), .init("control", "t"), .init("verbose", "v", takesValue: false),
        .init("stream"),
    ]

    private func mistake(_ arguments: String...) -> String? {
        do {
            _ = try CommandLineOptions(arguments, options: options)
            return nil
        } catch { return error.description }
    }

    @Test func `values come in every GNU spelling, operands between them`() throws {
        let read = try CommandLineOptions(
            ["--collect", "a", "x", "--collect=b", "-cc", "-c", "d", "-vt", "e", "y", "--", "-v"],
            options: options)
        #expect(read.all("collect") == ["a", "b", "c", "d"])
        #expect(read.last("control") == "e")
        #expect(read.all("verbose") == [""])
        #expect(read.last("stream") == nil)
        #expect(read.operands == ["x", "y", "-v"])
    }

    @Test func `an unambiguous beginning of a name is enough`() throws {
        #expect(try CommandLineOptions(["--str", "a"], options: options).last("stream") == "a")
        #expect(mistake("--co", "a") == "option --co is ambiguous: --collect, --control")
    }

    @Test func `a mistake names the option`() {
        #expect(mistake("--http", "a") == "unknown option --http")
        #expect(mistake("--http=a") == "unknown option --http")
        #expect(mistake("-x") == "unknown option -x")
        #expect(mistake("-vx") == "unknown option -x")
        #expect(mistake("--collect") == "option --collect needs a value")
        #expect(mistake("-c") == "option -c needs a value")
        #expect(mistake("--verbose=1") == "option --verbose takes no value")
    }

    @Test func `reading twice gives the same`() throws {
        for _ in 0..<3 {
            let read = try CommandLineOptions(["one", "-v", "two"], options: options)
            #expect(read.operands == ["one", "two"])
            #expect(read.given.count == 1)
        }
    }
}
