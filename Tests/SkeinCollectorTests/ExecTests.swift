import SkeinBSON
import SkeinCollector
import SkeinPlatform
import Testing

@Suite struct ExecTests {
    private func collector(
        _ folder: TemporaryFolder, _ outlets: OutletConfiguration...
    ) throws -> RunningCollector {
        try RunningCollector(folder) { configuration in
            configuration.outlets += outlets
        }
    }

    @Test func `a program gets every event once and in order, and what it took is counted`() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/got"
        let running = try collector(folder, try ProcessorPrograms.outlet("keep", file))
        try running.send(0..<3000)
        try running.flush()
        #expect(ProcessorPrograms.numbers(file) == Array(0..<3000))
        #expect(running.count("delivered") == 3000)
        #expect(running.count("process.starts") == 1)
        #expect(running.count("in_flight") == 0)
        running.expectBalance()
        let process = Int32(running.count("process.pid"))
        running.collector.stop()
        #expect(kill(process, 0) != 0, "it has ended, and nobody has to wait for it")
    }

    @Test func `an event that a program crashes over it gets three times, the others at most twice`() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/got"
        let running = try collector(folder, try ProcessorPrograms.outlet("crash", file, "50"))
        try running.send(0..<100)
        try running.flush()
        let numbers = ProcessorPrograms.numbers(file)
        #expect(Set(numbers) == Set(0..<100))
        #expect(numbers.count { $0 == 50 } == 3)
        for number in 0..<100 where number != 50 { #expect(numbers.count { $0 == number } <= 2) }
        #expect(running.count("rejected") == 1)
        #expect(running.count("delivered") == 99)
        #expect(running.count("process.exits") == 3)
        let rejected = try running.rejected()
        #expect(rejected.count == 1)
        let first = try #require(rejected.first)
        #expect(try BSONDocument(validating: first.bytes)[path: "body.n"]?.intValue == 50)
        #expect(first.reason == "refused_by_outlet")
        #expect(first.detail == "exited with 3: I cannot bear 50; 3 times over this event")
        #expect(running.warnings.wait(for: "it: I cannot bear 50") != nil)
        running.expectBalance()
    }

    @Test func `a program that hangs is ended, and the event that it hangs over is found`() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/got"
        let running = try collector(
            folder,
            try ProcessorPrograms.outlet("hang", file, "7") { $0.limits.timeout = .milliseconds(700) })
        try running.send(0..<20)
        try running.flush()
        #expect(Set(ProcessorPrograms.numbers(file)) == Set(0..<20))
        #expect(running.count("process.timeouts") == 3)
        #expect(running.count("rejected") == 1)
        running.expectBalance()
    }

    @Test func `a program refuses one event, and puts another off`() throws {
        let folder = try TemporaryFolder()
        let (refusing, waiting) = (folder.path + "/refusing", folder.path + "/waiting")
        let running = try collector(
            folder, try ProcessorPrograms.outlet("refuse", refusing, "7", name: "refusing"),
            try ProcessorPrograms.outlet("again", waiting, "7", name: "waiting") {
                // It takes longer, but says so.
                $0.limits.timeout = .milliseconds(400)
            })
        try running.send(0..<20)
        try running.flush()
        #expect(ProcessorPrograms.numbers(refusing) == Array(0..<20))
        #expect(running.count("rejected", "refusing") == 1)
        #expect(running.count("delivered", "refusing") == 19)
        #expect(try running.rejected().map(\.detail) == ["I do not like 7"])
        #expect(ProcessorPrograms.numbers(waiting) == Array(0..<20))
        #expect(running.count("process.again", "waiting") == 5)
        #expect(running.count("process.timeouts", "waiting") == 0)
        running.expectBalance()
    }

    @Test(arguments: [("garbage", "garbage"), ("boast", "garbage")])
    func `a program that talks nonsense is ended, and goes on with the rest`(
        mode: String, counter: String
    ) throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/got"
        let running = try collector(folder, try ProcessorPrograms.outlet(mode, file, "5"))
        try running.send(0..<10)
        try running.flush()
        #expect(Set(ProcessorPrograms.numbers(file)) == Set(0..<10))
        #expect(running.count("process.\(counter)") == 3)
        #expect(running.count("rejected") == 1)
        running.expectBalance()
    }

    @Test(arguments: ["never", "deaf"])
    func `a program that reads nothing costs no event, and holds nobody else up`(mode: String) throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/got"
        let running = try collector(
            folder, try ProcessorPrograms.outlet(mode, file) { $0.limits.timeout = .milliseconds(300) })
        try running.send(0..<10)
        try eventually("it is ended more than once") { running.count("process.timeouts") >= 2 }
        try eventually("the files are there") { running.count("delivered", "files") == 10 }
        #expect(running.count("rejected") == 0)
        #expect(running.count("delivered") == 0)
        #expect(running.count("in_flight") == 10)
        #expect(running.outlet("problem")?.stringValue?.contains("before it read anything") == true)
        running.expectBalance()
        let started = SystemClock.monotonicNanoseconds()
        var configuration = RunningCollector.configuration(folder)
        configuration.outlets.append(try ProcessorPrograms.outlet("keep", file))
        // A changed command is another process, from the same place on.
        try running.collector.reload(configuration)
        try running.flush()
        #expect(ProcessorPrograms.numbers(file) == Array(0..<10))
        #expect(SystemClock.monotonicNanoseconds() - started < 20_000_000_000)
        running.expectBalance()
    }

    @Test func `a program that cannot be started is told of, and tried again`() throws {
        let folder = try TemporaryFolder()
        let missing = OutletConfiguration(
            name: "it", kind: .exec(.init(command: [folder.path + "/later.sh"])))
        let running = try collector(folder, missing)
        try running.send(0..<3)
        try eventually("it is told") {
            running.outlet("problem")?.stringValue?.contains("later.sh: ENOENT") == true
        }
        let script = try folder.write("later.sh", "#!/bin/sh\nexec cat > \(folder.path)/got\n")
        chmod(script, 0o755)
        try running.flush()
        running.collector.stop()
        #expect(try RunningCollector.documents(folder.path + "/got").count == 3)
    }

    @Test func `a program that floods its log is read slowly, and left out for the most part`() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/got"
        let running = try collector(folder, try ProcessorPrograms.outlet("shout", file, "3"))
        try running.send(0..<6)
        try running.flush()
        #expect(ProcessorPrograms.numbers(file) == Array(0..<6))
        try eventually("all is read") { running.count("process.log_lines") == 100_000 }
        #expect(running.count("process.log_lines_left_out") > 99_000)
        let told = running.warnings.all.filter { $0.hasPrefix("it: line") }
        #expect(told.count == 100_000 - Int(running.count("process.log_lines_left_out")))
        #expect(!told.contains { $0.contains("\u{1B}") })
    }

    @Test func `what a program leaves behind ends with it`() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/got"
        let running = try collector(folder, try ProcessorPrograms.outlet("fork", file, "1"))
        try running.send(0..<3)
        try running.flush()
        #expect(running.count("rejected") == 1)
        let children = ProcessorPrograms.lines(file).filter { $0.hasPrefix("child ") }
        #expect(children.count == 3)
        for child in children {
            let process = try #require(Int32(child.dropFirst(6)))
            try eventually("\(child) is gone") {
                // Who waits for an orphan may take a while; a zombie is gone as well.
                kill(process, 0) != 0 || isZombie(process)
            }
        }
    }

    private func isZombie(_ process: Int32) -> Bool {
        let status = String(decoding: TemporaryFolder.read("/proc/\(process)/stat") ?? [], as: UTF8.self)
        return status.contains(") Z ")
    }

    @Test func `a program inherits its three descriptors, and the environment without settings`() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/got"
        setenv("SKEIND_SECRET", "hidden", 1)
        let running = try collector(
            folder,
            try ProcessorPrograms.outlet("seen", file, "a b", "$HOME", "") {
                $0.environment = ["SKEIN_COLOUR": "red"]
            })
        try running.send(0..<1)
        try running.flush()
        #expect(
            ProcessorPrograms.lines(file) == [
                "descriptors 3", "leads 1", "variables SKEIN_COLOUR=red SKEIN_PROCESSOR=it",
                "arguments a b|$HOME|", "0",
            ])
    }

    @Test func `records carry stream and number, which are the same when they come again`() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/got"
        let running = try collector(
            folder, try ProcessorPrograms.outlet("records", file) { $0.input = .records },
            try ProcessorPrograms.outlet("crash", file + "2", "5", name: "other"))
        try running.send(0..<10)
        try running.flush()
        let lines = ProcessorPrograms.lines(file).map { $0.split(separator: " ").compactMap { Int($0) } }
        #expect(lines.map { $0[0] } == Array(0..<10))
        let numbers = lines.map { $0[1] }
        #expect(numbers == numbers.sorted() && Set(numbers).count == 10)
    }

    @Test func `without acknowledgements an event counts as taken once it is read`() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/got"
        let running = try collector(
            folder,
            try ProcessorPrograms.outlet("crash", file, "50") { $0.isAcknowledged = false })
        try running.send(0..<100)
        try running.flush()
        #expect(running.count("delivered") == 100)
        #expect(running.count("rejected") == 0)
        try eventually("it has worked on all") {
            ProcessorPrograms.numbers(file) == Array(0..<100)
        }
        running.expectBalance()
    }
}
