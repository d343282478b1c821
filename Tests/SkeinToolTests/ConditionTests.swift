import SkeinBSON
import SkeinPlatform
import Testing

@testable import SkeinTool

/// `skein view --where`.
@Suite struct ConditionTests {
    private let events: [BSONDocument] = (0..<40).map { (number: Int) -> BSONDocument in
        let status: Int32 = number % 2 == 0 ? 200 : 500
        let body: BSONDocument = ["n": .int32(Int32(number)), "response": ["status": .int32(status)]]
        return event(
            number % 4 == 0 ? "request" : "request.sql", at: Double(number), for: Double(number) * 0.01,
            level: number % 10 == 0 ? 40 : nil, body: body)
    }

    private func numbers(_ outcome: Outcome) -> [String] { outcome.lines.filter { !$0.isEmpty } }

    @Test(arguments: [
        (["--where", "response.status >= 500 and n < 6"], ["1", "3", "5"]),
        (["--where", "n < 9", "-n", "request"], ["0", "4", "8"]),
        (["--where", "n < 9", "--where", "type = 'request'"], ["0", "4", "8"]),
        (["--where", "level >= 40"], ["0", "10", "20", "30"]),
        (["--where", "elapsed > 365ms"], ["37", "38", "39"]),
        (["--where", "type =~ 'sql$' and n in (1, 2, 4)"], ["1", "2"]),
    ])
    func `of files and pipes those events are shown that are so, beside every other choice`(
        _ options: [String], _ expected: [String]
    ) throws {
        let folder = try TestFolder()
        let path = try folder.write("f", events)
        #expect(numbers(run(["view", "--fields", "n"] + options + [path])) == expected)
        try folder.write("20261120/request-20261120.bson", events.filter { $0["type"] == "request" })
        try folder.write("20261120/request.sql-20261120.bson", events.filter { $0["type"] != "request" })
        let stored = run(["view", "--group", "--fields", "n", "-l", folder.path] + options)
        #expect(Set(numbers(stored)) == Set(expected), "\(stored.errors)")
        let file = open(path, O_RDONLY)
        defer { close(file) }
        #expect(numbers(run(["view", "--fields", "n"] + options) { $0.input = file }) == expected)
    }

    @Test func `a mistake is told with a caret, and nothing is read`() throws {
        let outcome = skein("view", "--where", "level >= 40 and and x = 1", "/nowhere")
        #expect(outcome.code == 2)
        #expect(
            outcome.errors == """
                skein: option --where: column 17: expected the name of a field, exists, not, or a parenthesis, found "and"
                  level >= 40 and and x = 1
                                  ^

                """)
    }

    @Test func `a damaged document that is not wanted is told of as ever, and what follows it is found`()
        throws
    {
        var bytes = events[0].bytes + events[1].bytes
        // The length of the second now swallows the third, so that it does not end where its elements do.
        let length = Int32(events[1].bytes.count + events[2].bytes.count)
        withUnsafeBytes(of: length.littleEndian) {
            bytes.replaceSubrange(events[0].bytes.count..<events[0].bytes.count + 4, with: $0)
        }
        bytes += events[2].bytes + events[3].bytes
        let folder = try TestFolder()
        let again = run(["view", "--fields", "n", "--where", "n >= 2", try folder.write("f", bytes)])
        #expect(numbers(again) == ["3"], "\(again.errors)")
        #expect(again.code == 1 && again.errors.contains("f"))
    }

    @Test func `expressions that went over their limits are told of`() throws {
        let folder = try TestFolder()
        let path = try folder.write(
            "f", [event("a", body: ["x": .string(String(repeating: "a", count: 5000) + "!")])])
        let outcome = skein("view", "--where", "x =~ '(a+)+$'", path)
        #expect(outcome.code == 1)
        #expect(
            outcome.errors.contains("1 times a regular expression went over its limits"), "\(outcome.errors)")
    }
}
