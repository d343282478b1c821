import SkeinBSON
import Testing

@testable import SkeinCollector

/// The parts of processors that need no process.
@Suite struct ProcessorPartTests {
    private func items(_ bytes: [UInt8], by size: Int) throws -> [ProcessorOutput.Item] {
        var output = ProcessorOutput()
        var items: [ProcessorOutput.Item] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            Array(rest.prefix(size)).withUnsafeBytes { output.append($0) }
            rest = rest.dropFirst(size)
            while let item = try output.next() { items.append(item) }
        }
        return items
    }

    @Test func `verdicts and answers are told apart, however they are cut`() throws {
        let answer: BSONDocument = ["type": "a", "ack": 5]
        let documents: [BSONDocument] = [
            ["ack": 1], ["ack": .double(7)], answer, ["refuse": 8, "reason": "no"],
            ["again": .int64(9), "reason": "later"], ["other": 1], [:], ["ack": 4, "type": "x"],
        ]
        let expected: [ProcessorOutput.Item] = [
            .acknowledge(1), .acknowledge(7), .document(answer.bytes), .refuse(8, "no"), .again(9, "later"),
            .document(documents[5].bytes), .document(documents[6].bytes), .document(documents[7].bytes),
        ]
        let bytes = documents.flatMap(\.bytes)
        for size in [1, 2, 3, 7, 50, 10_000] { #expect(try items(bytes, by: size) == expected) }
    }

    @Test(arguments: [
        [0xFF, 0xFF, 0xFF, 0xFF, 0], [4, 0, 0, 0], [0, 0, 0, 2], [5, 0, 0, 0, 1], [0x61, 0x63, 0x6B, 0x0A],
    ])
    func `what is no BSON is garbage`(bytes: [Int]) throws {
        #expect(throws: ProcessorOutput.Garbage.self) { try items(bytes.map { UInt8($0) }, by: 100) }
    }

    @Test func `a verdict without a number is garbage`() throws {
        for document in [["ack": "5"], ["ack": -1], ["refuse": .null], ["again": 0.5]] as [BSONDocument] {
            #expect(throws: ProcessorOutput.Garbage.self) { try items(document.bytes, by: 100) }
        }
    }

    @Test
    func
        `whatever fails, an event is given at most three times, and only one that failed so often is refused`()
    {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let count = Int.random(in: 1...60, using: &random)
            let poison = Set(
                (0..<Int.random(in: 0...3, using: &random)).map { _ in Int.random(in: 0..<count) })
            var attempts = ProcessorAttempts()
            var given = [Int](repeating: 0, count: count)
            var refused: Set<Int> = []
            var done = 0
            var rounds = 0
            while done < count {
                rounds += 1
                guard rounds < 1000 else { break }
                let size = attempts.next(of: count - done, batch: 20)
                let range = done..<done + size
                if let bad = range.first(where: { poison.contains($0) }) {
                    // It had read ahead, and may or may not have said what it took.
                    let taken = Int.random(in: 0...(bad - done), using: &random)
                    let read = Int.random(in: bad..<range.upperBound, using: &random)
                    for index in done...read { given[index] += 1 }
                    done += taken
                    attempts.pass(taken)
                    if attempts.fail(given: read - done + 1) {
                        refused.insert(done)
                        done += 1
                        attempts.pass(1)
                    }
                } else {
                    for index in range { given[index] += 1 }
                    done += size
                    attempts.pass(size)
                }
            }
            #expect(rounds < 1000)
            #expect(given.allSatisfy { (1...3).contains($0) }, "\(given)")
            #expect(refused == poison)
        }
    }

    @Test func `a limit lets so much through a second`() {
        var limit = FlowLimit(perSecond: 100)
        var passed = 0
        for millisecond in 0..<10_000 {
            while limit.mayPass(Int64(millisecond) * 1_000_000) {
                limit.pass(1)
                passed += 1
            }
        }
        #expect((1090...1110).contains(passed))
        #expect((0...20_000_000).contains(limit.wait()))
    }

    @Test func `lines for the log are cut, bounded and made safe`() {
        var log = ProcessorLog()
        var said: [String] = []
        func write(_ text: String, _ now: Int64) {
            Array(text.utf8).withUnsafeBytes { log.append($0, now: now) { said.append($0) } }
        }
        write("one\ntw", 0)
        write("o\n\n\u{1B}[31mred\r\n", 1)
        write(String(repeating: "x", count: 5000) + "\nlast", 2)
        log.finish(now: 3) { said.append($0) }
        let long = String(repeating: "x", count: 1000) + "…"
        #expect(said == ["one", "two", "\u{FFFD}[31mred\u{FFFD}", long, "last"])
        for _ in 0..<100 { write("more\n", 4) }
        #expect((20...21).contains(said.count))
        #expect(said.count + Int(log.leftOut) == 105)
        write("later\n", 2_000_000_000)
        #expect(said.last == "later")
    }

    @Test func `a mark takes the place of one that was forged`() throws {
        let event: BSONDocument = ["processor": "forged", "type": "a", "body": ["processor": "mine"]]
        let marked = try BSONDocument(validating: ProcessorMark.mark(event.bytes, "it"))
        #expect(marked == ["type": "a", "body": ["processor": "mine"], "processor": "it"])
        #expect(marked.bytes.withUnsafeBytes { ProcessorMark.isMarked($0) })
        let plain: BSONDocument = ["type": "a", "body": ["processor": "mine"]]
        #expect(!plain.bytes.withUnsafeBytes { ProcessorMark.isMarked($0) })
    }

    @Test func `settings of processors survive being kept`() throws {
        var exec = OutletConfiguration.Exec(command: ["./it", "a b"])
        exec.isAcknowledged = true
        exec.input = .records
        exec.environment = ["A": "b"]
        exec.limits.takesAnswers = true
        exec.limits.answerRate = 5
        exec.limits.batch = 6
        exec.limits.timeout = .milliseconds(700)
        var library = OutletConfiguration.Library(path: "/x.so")
        library.options = ["a": "b"]
        var processor = OutletConfiguration.Processor(kind: "own")
        processor.options = ["c": "d"]
        processor.batch = 9
        let folder = try TemporaryFolder()
        for kind in [.exec(exec), .library(library), .processor(processor)] as [OutletConfiguration.Kind] {
            let file = OutletSettingsFile(
                configuration: .init(name: "it", kind: kind), plan: RulePlan(conditions: nil))
            #expect(file.write(to: folder.path) == nil)
            #expect(OutletSettingsFile.read(folder.path, "it")?.configuration.kind == kind)
        }
    }
}
