import SkeinBSON
import SkeinCollector
import SkeinPlatform
import Testing

/// Shared libraries behind the C ABI, compiled here by the C compiler.
@Suite struct LibraryTests {
    /// Compiles Tests/C/processor.c with definitions.
    static func compile(_ folder: TemporaryFolder, _ definitions: String...) throws -> String {
        let library = folder.path + "/processor\(definitions.joined(separator: "-")).so"
        let root = ProcessorPrograms.repository
        let arguments =
            ["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-std=c11", "-I"]
            + [root + "/Sources/CSkeinProcessor/include", "-o", library, root + "/Tests/C/processor.c"]
        let compiler = try ChildProcess(path: "cc", arguments: arguments + definitions.map { "-D" + $0 })
        let deadline = SystemClock.monotonicNanoseconds() + 60_000_000_000
        try #require(compiler.wait(until: deadline) == .exited(0))
        return library
    }

    private func collector(
        _ folder: TemporaryFolder, _ library: String, _ options: [String: String],
        change: (inout OutletConfiguration.Library) -> Void = { _ in }
    ) throws -> RunningCollector {
        var settings = OutletConfiguration.Library(path: library)
        settings.options = options
        change(&settings)
        return try RunningCollector(folder) { configuration in
            configuration.processorHost = [Program.path, "--processor-host"]
            configuration.outlets.append(OutletConfiguration(name: "it", kind: .library(settings)))
        }
    }

    @Test func `a library gets every event with stream, number and time, and answers`() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/got"
        let running = try collector(folder, try Self.compile(folder), ["file": file, "answer": "yes"]) {
            $0.limits.takesAnswers = true
        }
        try running.send(0..<5000)
        try running.flush()
        try eventually("the answer is there") { running.count("answers.taken") >= 1 }
        let lines = ProcessorPrograms.lines(file)
        let events = lines.filter { $0.hasPrefix("event ") }.map { $0.split(separator: " ").map(String.init) }
        #expect(events.map { Int($0[1]) } == (0..<5000).map { $0 })
        let numbers = events.compactMap { Int($0[2]) }
        #expect(numbers == numbers.sorted() && Set(numbers).count == 5000)
        #expect(Set(events.map { $0[3] }).count == 1)
        let now = SystemClock.wallNanoseconds()
        #expect(events.allSatisfy { abs((Int64($0[4]) ?? 0) - now) < 60_000_000_000 })
        #expect(lines.first == "open answer=yes file=\(file)")
        running.expectBalance()
        running.collector.stop()
        let last = ProcessorPrograms.lines(file).suffix(2)
        #expect(last == ["flush", "close"])
        // What it prints is no verdict.
        #expect(running.warnings.wait(for: "it: printed by the library") != nil)
        #expect(running.warnings.wait(for: "it: said to the host") != nil)
    }

    @Test func `a library that crashes takes nobody with it, and one that refuses and waits is understood`()
        throws
    {
        let folder = try TemporaryFolder()
        let file = folder.path + "/got"
        let running = try collector(
            folder, try Self.compile(folder), ["file": file, "crash": "10", "refuse": "20", "again": "30"]
        )
        try running.send(0..<40)
        try running.flush()
        #expect(running.count("rejected") == 2)
        #expect(running.count("delivered") == 38)
        #expect(running.count("process.exits") == 3)
        #expect(running.count("process.again") >= 1)
        let details = try running.rejected().map(\.detail)
        #expect(details.contains { $0.hasPrefix("was ended by signal 11") })
        #expect(details.contains("20 is refused"))
        running.expectBalance()
    }

    @Test func `a library that is missing, of another version, or cannot be opened is named`() throws {
        let libraries = try TemporaryFolder()
        defer { withExtendedLifetime(libraries) {} }
        let cases: [(String, [String: String], String)] = [
            ("/nowhere.so", [:], "cannot load it: /nowhere.so"),
            (try Self.compile(libraries, "NO_ENTRY"), [:], "has no symbol skein_processor_entry"),
            (try Self.compile(libraries, "OTHER_ABI"), [:], "is of version 7 of the ABI; expected 1"),
            (try Self.compile(libraries), [:], "cannot open: no file is given"),
        ]
        for (library, options, problem) in cases {
            let folder = try TemporaryFolder()
            let running = try collector(folder, library, options)
            try running.send(0..<1)
            try eventually("\(problem) is told") {
                running.outlet("problem")?.stringValue?.contains(problem) == true
            }
            #expect(running.count("rejected") == 0)
            #expect(running.count("in_flight") == 1)
        }
    }

    @Test func `without a process to load libraries in such an outlet is refused`() throws {
        let folder = try TemporaryFolder()
        var configuration = RunningCollector.configuration(folder)
        configuration.outlets = [OutletConfiguration(name: "it", kind: .library(.init(path: "/x.so")))]
        #expect(throws: ConfigurationMistake.self) { try Collector(configuration) }
    }
}
