import SkeinBSON
import SkeinFilter
import Testing

struct GrammarTests {
    private func failure(_ text: String) -> FilterError? {
        do throws(FilterError) {
            _ = try EventFilter(text)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        "level >= 40", "response.status >= 500 and type ~ \"req*\"", "elapsed > 250ms", "a=1", "a=-5",
        "a<=1.5e-3",
        "not not (a = 1 or b != 'x')", "exists a.b.0.c", "exists body.\"a b\".'c'",
        "f in (1, \"x\", true, null)",
        "f not in (1)", "start >= 2026-11-20T10:00Z and end < 2026-11-21",
        "d = 2h or d = 3min or d = 1d or d = 5us",
        "x =~ \"^\\d+\\\"$\"", "user-agent ~ '*bot*'", "été = 1", "body.and = 1",
        "t = 2026-11-20T10:00:00.25+01:00",
        "a = \"\\u{1F600}\\n\\t\\\"\"", "x = 9999999999999999999999999999999999", "body.0 = 1",
    ])
    func `A filter of the language is taken`(_ text: String) throws {
        let filter = try EventFilter(text)
        #expect(filter.description == text)
    }

    @Test(arguments: [
        ("", 1, "expected a filter"), ("   ", 4, "expected a filter"),
        ("level >= 40 and and x = 1", 17, "expected the name of a field"),
        ("level", 6, "expected =, !=, <"), ("level >=", 9, "expected a value, found the end"),
        ("level >= 40 x", 13, "expected and, or, or the end"), ("level == 40", 7, "equality is one ="),
        ("a = 1 && b = 2", 7, "the word and"), ("a = b", 5, "text stands in quotes"),
        ("(a = 1", 7, "a closing parenthesis"), ("a = 1)", 6, "expected and, or, or the end"),
        ("a = \"x", 5, "a closing \""), ("été = \"x", 7, "a closing \""), ("a = 12q", 5, "a duration in"),
        ("a = 1e", 5, "power of ten"), ("a > true", 5, "no order"), ("a = 2026-02-30", 5, "no such day"),
        ("a = 2026-11-20T25:00", 5, "expected a time"), ("a in 1", 6, "expected ( and values"),
        ("a in ()", 7, "expected a value"), ("a in (1 2)", 9, "a comma or"), ("a ~ 5", 5, "a glob in quotes"),
        ("a ~ \"[a\"", 5, "a ] that ends"), ("a =~ \"x(\"", 9, "no regular expression"),
        ("elapsed.x = 1", 1, "elapsed"),
        ("a. = 1", 3, "the rest of a field's name"), ("a = \"\\q\"", 6, "a backslash stands for itself"),
        ("a = \"\\u{110000}\"", 6, "\\u{…}"), ("a = 12345678901234567890123456789012345", 5, "34 digits"),
        ("1 = a", 1, "the name of a field"), ("a # 1", 3, "a sign"), ("exists", 7, "the name of a field"),
        ("a not = 1", 7, "expected in"), ("body.\"\\u{0}\" = 1", 6, "NUL"), ("a = -", 5, "behind the sign"),
        ("a =~ \"(?C1)\\\\C\"", 0, ""),
    ])
    func `A mistake is told with its column and what was expected`(
        _ text: String, column: Int, message: String
    ) {
        let error = failure(text)
        if column == 0 {
            #expect(error == nil)
            return
        }
        #expect(error?.column == column, "\(text): \(error.map(\.description) ?? "none")")
        #expect(error?.message.contains(message) == true, "\(text): \(error.map(\.description) ?? "none")")
        #expect(error?.diagram.split(separator: "\n").last?.last == "^")
    }

    @Test func `The caret stands below the mistake, also in a long text with control characters`() throws {
        let error = try #require(failure("level >= 40 and and x = 1"))
        #expect(error.diagram == "level >= 40 and and x = 1\n                ^")
        let long = try #require(
            failure("a = 1 and " + String(repeating: "b = 2 and ", count: 200) + "\u{1B} = 1"))
        #expect(long.column == 2011)
        let lines = long.diagram.split(separator: "\n")
        let line = Array(lines[0].unicodeScalars)
        #expect(line.count <= 76)
        #expect(line[lines[1].count - 1] == ".")
    }

    @Test func `Length, depth, terms, steps and parts are bounded`() {
        func nested(_ count: Int, _ open: String, _ close: String) -> String {
            String(repeating: open, count: count) + "a = 1" + String(repeating: close, count: count)
        }
        #expect(failure(nested(64, "(", ")")) == nil)
        #expect(failure(nested(65, "(", ")"))?.code == .tooLarge)
        #expect(failure(nested(5000, "(", ")"))?.code == .tooLarge)
        #expect(failure(nested(64, "not ", "")) == nil)
        #expect(failure(nested(65, "not ", ""))?.code == .tooLarge)
        #expect(failure("a in (" + Array(repeating: "1", count: 1000).joined(separator: ",") + ")") == nil)
        #expect(
            failure("a in (" + Array(repeating: "1", count: 1001).joined(separator: ",") + ")")?.code
                == .tooLarge)
        #expect(failure(Array(repeating: "a=1", count: 1000).joined(separator: " or ")) == nil)
        #expect(failure(Array(repeating: "a=1", count: 1001).joined(separator: " or "))?.code == .tooLarge)
        #expect(failure(Array(repeating: "a", count: 32).joined(separator: ".") + " = 1") == nil)
        #expect(failure(Array(repeating: "a", count: 33).joined(separator: ".") + " = 1")?.code == .tooLarge)
        #expect(failure("a ~ \"" + String(repeating: "a?", count: 129) + "\"")?.code == .badPattern)
        #expect(failure("a = \"" + String(repeating: "x", count: 16 << 10) + "\"")?.code == .tooLarge)
        #expect(failure("a =~ \"" + String(repeating: "(", count: 300) + "\"")?.code == .badPattern)
        #expect(failure("a =~ \"((a{1000}){1000}){1000}\"")?.code == .badPattern)
    }
}
