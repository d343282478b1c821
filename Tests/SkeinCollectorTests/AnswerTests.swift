import SkeinBSON
import SkeinCollector
import SkeinPlatform
import Testing

/// What processors answer, taken back as events.
@Suite struct AnswerTests {
    private func stored(_ running: RunningCollector, _ type: String) throws -> [BSONDocument] {
        try running.stored().filter { $0.key.hasPrefix(type + "-") }.values.joined().map {
            try BSONDocument(validating: $0)
        }
    }

    @Test func `answers are events with the name of who made them, and not given to who answers`() throws {
        let folder = try TemporaryFolder()
        let (one, two, quiet) = (folder.path + "/one", folder.path + "/two", folder.path + "/quiet")
        let outlets = [
            try ProcessorPrograms.outlet("answer", one, name: "one") { $0.limits.takesAnswers = true },
            try ProcessorPrograms.outlet("answer", two, name: "two") { $0.limits.takesAnswers = true },
            try ProcessorPrograms.outlet("keep", quiet, name: "quiet"),
        ]
        let running = try RunningCollector(folder) { $0.outlets += outlets }
        try running.send(0..<200)
        try eventually("all are answered") { running.count("delivered", "files") == 600 }
        try running.flush()
        let answers = try stored(running, "answer")
        #expect(answers.count == 400)
        for name in ["one", "two"] {
            let own = answers.filter { $0["processor"]?.stringValue == name }
            #expect(own.compactMap { $0[path: "body.n"]?.intValue } == (0..<200).map { Int64($0) })
            #expect(ProcessorPrograms.numbers(folder.path + "/" + name) == Array(0..<200))
            #expect(running.count("not_routed", name) == 400)
            #expect(running.count("answers.taken", name) == 200)
        }
        // One that does not answer gets them.
        #expect(ProcessorPrograms.numbers(quiet).count == 600)
        #expect(running.ledger("received") == 600)
        running.expectBalance()
    }

    @Test func `answers that are no events are put aside, those nobody wants are counted`() throws {
        let folder = try TemporaryFolder()
        let script = try folder.write(
            "bad.py",
            """
            import os, bson, sys
            for count, event in enumerate(bson.decode_file_iter(sys.stdin.buffer), 1):
                for answer in ({"no": "type"}, {"type": "a/b"}, {"type": 5}, {"type": "fine", "processor": "forged"}):
                    os.write(1, bson.encode(answer))
                os.write(1, bson.encode({"ack": count}))
            """)
        let command = [try ProcessorPrograms.python(), script]
        let running = try RunningCollector(folder) { configuration in
            for isWanted in [true, false] {
                var exec = OutletConfiguration.Exec(command: command)
                exec.isAcknowledged = true
                exec.limits.takesAnswers = isWanted
                configuration.outlets.append(
                    OutletConfiguration(name: isWanted ? "wanted" : "unwanted", kind: .exec(exec)))
            }
        }
        try running.send(0..<5)
        try eventually("the fine ones are in the files") { running.count("delivered", "files") == 10 }
        try running.flush()
        #expect(running.count("answers.taken", "wanted") == 5)
        #expect(running.count("answers.rejected", "wanted") == 15)
        #expect(running.count("answers.unasked", "unwanted") == -1)
        #expect(try stored(running, "fine").allSatisfy { $0["processor"]?.stringValue == "wanted" })
        let rejected = try running.rejected()
        #expect(rejected.count == 15)
        #expect(Set(rejected.map(\.reason)) == ["no_type", "bad_type"])
        // Who does not answer gets the answers of who does.
        try eventually("it has them") { running.count("delivered", "unwanted") == 10 }
        running.expectBalance()
    }

    @Test func `what a program answers at its end is there after the next start`() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/got"
        let outlet = try ProcessorPrograms.outlet("final", file) { $0.limits.takesAnswers = true }
        let change: (inout CollectorConfiguration) -> Void = { $0.outlets.append(outlet) }
        var running: RunningCollector? = try RunningCollector(folder, change: change)
        try running?.send(0..<30)
        try running?.flush()
        running?.collector.stop()
        running = nil
        let again = try RunningCollector(folder, change: change)
        try again.flush()
        let answers = try stored(again, "final")
        #expect(answers.map { $0[path: "body.count"]?.intValue } == [30])
        #expect(ProcessorPrograms.numbers(file) == Array(0..<30))
        again.expectBalance()
    }

    @Test func `a program that answers without end is kept to its rate, and ended`() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/got"
        let outlet = try ProcessorPrograms.outlet("flood", file) {
            $0.limits.takesAnswers = true
            $0.limits.answerRate = 500
        }
        let running = try RunningCollector(folder) { configuration in
            configuration.drainTimeout = .seconds(1)
            configuration.outlets.append(outlet)
        }
        let started = SystemClock.monotonicNanoseconds()
        try running.send(0..<5)
        try eventually("it is throttled") { running.count("process.throttled_ms") > 1500 }
        let seconds = Double(SystemClock.monotonicNanoseconds() - started) * 1e-9
        let answers = running.count("answers.taken")
        #expect(Double(answers) <= 500 * (seconds + 2))
        // Everybody else goes on.
        try running.send(5..<105, type: "b")
        try eventually("they are in the files") {
            try stored(running, "b").count == 100
        }
        #expect(running.count("rejected") == 0)
        running.expectBalance()
    }

    @Test func `the slowest requests of each minute, by the program in Processors`() throws {
        let folder = try TemporaryFolder()
        let script = ProcessorPrograms.repository + "/Tests/Python/slowest.py"
        let python = try ProcessorPrograms.python()
        let running = try RunningCollector(folder) { configuration in
            var exec = OutletConfiguration.Exec(command: [python, script])
            exec.limits.takesAnswers = true
            configuration.outlets.append(OutletConfiguration(name: "slowest", kind: .exec(exec)))
        }
        let client = try PushClient(running.ports.collect[0])
        let minute = Double(Int(SystemClock.wallNanoseconds() / 60_000_000_000) * 60)
        for number in 0..<200 {
            let end = minute + Double(number / 100) * 60 + 1
            let event: BSONDocument = [
                "id": .string("r\(number)"), "type": "request", "start": .double(end - Double(number % 100)),
                "end": .double(end), "body": [:],
            ]
            try client.send(event.bytes)
        }
        try eventually("the first minute is told") { try !stored(running, "slowest").isEmpty }
        let answer = try #require(try stored(running, "slowest").first)
        let ids = answer[path: "body.requests"]?.arrayValues?.map { $0.documentValue?["id"]?.stringValue }
        #expect(ids == (90..<100).reversed().map { "r\($0)" })
        running.expectBalance()
    }
}
