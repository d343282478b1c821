import Foundation
import SkeinBSON
import SkeinPlatform
import Testing

@testable import SkeinTool

@Suite struct IngestTests {
    @Test func `lines are the same however the bytes are cut`() throws {
        let long = String(repeating: "x", count: LineSplitter.mostBytes + 10)
        let text = "one\n\ntwo\r\nthree \r x\n\(long)\nlast"
        for size in [1, 2, 3, 7, 100, 70_000, 200_000] {
            var splitter = LineSplitter()
            var lines: [String] = []
            var consumed = 0
            var cut = 0
            func take(_ line: LineSplitter.Line) {
                lines.append(String(decoding: line.bytes, as: UTF8.self))
                consumed += line.consumed
                if line.length > line.bytes.count + 2 { cut += 1 }
            }
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                try Array(rest.prefix(size)).withUnsafeBytes { try splitter.append($0, take) }
                rest = rest.dropFirst(size)
            }
            try splitter.finish(take)
            #expect(lines.count == 6)
            #expect(lines[0..<4] == ["one", "", "two", "three \r x"])
            #expect(lines[4].utf8.count == LineSplitter.mostBytes)
            #expect(lines[5] == "last")
            #expect(consumed == text.utf8.count)
            #expect(cut == 1)
        }
    }

    @Test func `what is a number as JSON writes it is one, and nothing else`() {
        let cases: [(String, BSONValue)] = [
            ("0", .int64(0)), ("-0", .int64(0)), ("42", .int64(42)), ("-7", .int64(-7)),
            ("9223372036854775807", .int64(.max)),
            ("9223372036854775808", .double(9_223_372_036_854_775_808)),
            ("1.5", .double(1.5)), ("1e3", .double(1000)), ("-1.5E-2", .double(-0.015)),
            ("007", "007"), ("1.", "1."), (".5", ".5"), ("+1", "+1"), ("1.2.3", "1.2.3"), ("0x10", "0x10"),
            ("nan", "nan"), ("inf", "inf"), ("1e999", "1e999"), ("", ""), (" 1", " 1"), ("1 ", "1 "),
            ("-", "-"),
            ("1e", "1e"), ("١", "١"),
        ]
        for (text, value) in cases {
            #expect(Array(text.utf8).withUnsafeBytes { LineFormat.value($0) } == value, "\(text)")
        }
    }

    @Test func `positions are what was written last, also when the last write was torn`() throws {
        let folder = try TestFolder()
        let path = folder.path + "/positions"
        var position = FilePosition(device: 1, inode: 2, offset: 3)
        position.check.end = 3
        position.check.count = 3
        position.check.sum = 99
        do {
            let file = try PositionFile(path)
            #expect(throws: ToolFailure.self) { try PositionFile(path) }
            let one = try file.slot(for: "/one")
            let two = try file.slot(for: "/two")
            #expect(one.slot == 0 && two.slot == 1 && one.positions == nil)
            for offset in 0..<10 {
                position.offset = UInt64(offset)
                try file.write(0, LogPositions(current: position, old: nil))
            }
            try file.write(1, LogPositions(current: nil, old: position))
        }
        do {
            let file = try PositionFile(path)
            #expect(try file.slot(for: "/one").positions == LogPositions(current: position, old: nil))
            #expect(try file.slot(for: "/two").positions == LogPositions(current: nil, old: position))
        }
        // The tenth write of the first slot went to its first copy: a kill tore it.
        var bytes = try folder.bytes("positions")
        bytes[64 + 1728 + 20] ^= 0xFF
        try folder.write("positions", bytes)
        var before = position
        before.offset = 8
        #expect(try PositionFile(path).slot(for: "/one").positions?.current == before)
        try folder.write(
            "positions", Array("something else, long enough to be a head of sixty-four bytes.....".utf8))
        #expect(throws: ToolFailure.self) { try PositionFile(path) }
    }

    @Test func `wrong use is told with the option`() {
        let cases: [([String], String)] = [
            (["-F", "x"], "option -F: x is not of the form TYPE:FILE"),
            (["-F", "a/b:x"], "a/b is no type"),
            (["-F", "a:x", "-F", "b:x"], "option -F: x is given twice"),
            (["-F", "a:x", "b"], "ingest takes no TYPE beside -F"),
            (["a", "b"], "ingest takes one TYPE at most"),
            ([".a"], ".a is no type"),
            (["--match", "(?<a"], "option --match: no regular expression"),
            (["--match", "a+"], "option --match: it has no named groups"),
            (["--match", "(?<a>x)", "--text", "b"], "option --text: no group is called b: a"),
            (["--text", "b"], "option --text is for groups of --match"),
            (["--match", "(?<a>x)", "--json"], "option --json: not beside --match"),
            (["--timeout", "soon"], "option --timeout: soon is no number of seconds"),
            (["--state", "x"], "option --state: x is for files"),
            (["--endpoint", "nowhere:x:y"], "endpoint is \"nowhere:x:y\""),
        ]
        for (arguments, message) in cases {
            let errors = OutputSink()
            let console = Console(output: OutputSink(), errors: errors)
            #expect(Tool.run(["ingest"] + arguments, console) == 2, "\(arguments)")
            #expect(errors.text.contains(message), "\(errors.text)")
        }
    }
}
