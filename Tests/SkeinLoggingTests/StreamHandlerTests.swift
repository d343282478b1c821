import Foundation
import SkeinLogging
import SkeinPlatform
import SkeinTesting
import Testing

@Suite struct StreamHandlerTests {
    private struct Failed: Error {}

    private func line(_ record: LogRecord, _ formatter: any LogFormatter = LineFormatter()) -> String {
        var line = ""
        formatter.format(record, into: &line)
        return line
    }

    @Test func `a line has time, level, logger, message, values and exception`() throws {
        let clock = ManualClock(unixSeconds: 1_763_700_312)
        let recorder = try TestRecorder(clock: clock)
        clock.advance(by: .milliseconds(45))
        let record = LogRecord(
            level: .warning, "cart is full", logger: "shop.cart",
            metadata: ["items": 30, "who": "ann b", "tags": ["a", "b"], "empty": ""] as LogMetadata,
            error: Failed(), file: "/a/b/Cart.swift", line: 17)
        recorder.bind {
            #expect(
                line(record)
                    == "2025-11-21T04:45:12.045Z WARNING shop.cart: cart is full items=30 who=\"ann b\" "
                    + "tags=[ \"a\", \"b\" ] empty=\"\" | Failed: Failed()")
            #expect(line(record, LineFormatter(showsPlace: true)).contains(" (Cart.swift:17) | "))
        }
    }

    @Test func `a record is one line, whatever is in it`() {
        let evil = "a\nb\r\u{1b}[31m\u{0}\u{2028}\u{202e}\u{7f}é"
        let record = LogRecord(
            level: .info, LogMessage(evil), logger: evil, metadata: ["k\n": evil] as LogMetadata,
            error: LoggedException(evil),
            source: LogSource(file: evil, module: evil, function: evil, line: 1))
        for formatter in [LineFormatter(showsPlace: true), JSONLineFormatter()] as [any LogFormatter] {
            let line = line(record, formatter)
            #expect(line.contains("é"))
            #expect(
                line.unicodeScalars.allSatisfy {
                    $0.value >= 0x20 && (formatter is JSONLineFormatter || $0.value != 0x202E)
                })
        }
        #expect(line(record).contains("a\\nb\\r\\u{1b}[31m\\u{0}\\u{2028}\\u{202e}\\u{7f}é"))
    }

    @Test func `a line of JSON has the fields of the event`() throws {
        let record = LogRecord(
            level: .error, "no", logger: "shop", metadata: ["n": 1, "a.b": "x"] as LogMetadata,
            error: Failed())
        let text = line(record, JSONLineFormatter())
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["level"] as? Int == 40 && object["msg"] as? String == "no")
        #expect((object["time"] as? String)?.hasSuffix("Z") == true)
        #expect((object["data"] as? [String: Any])?["n"] as? Int == 1)
        #expect(object["exception"] as? String == "Failed: Failed()")
        #expect(object["module"] as? String == "SkeinLoggingTests")
    }

    @Test func `lines of several threads do not mix`() throws {
        let file = try ScratchFile()
        let sink = try DescriptorSink(appendingTo: file.path)
        let logger = EventLogger("shop", handler: StreamHandler(to: sink))
        let long = String(repeating: "x", count: 5_000)
        try onThreads(4) { thread in for n in 0..<200 { logger.info("\(thread) \(n) \(long) end") } }
        sink.close()
        let lines = try file.text().split(separator: "\n")
        #expect(lines.count == 800)
        #expect(lines.allSatisfy { $0.hasSuffix(" \(long) end") })
        #expect(sink.lost == 0)
    }

    @Test func `a file that was moved away goes on under its name once it is reopened`() throws {
        let (file, moved) = (try ScratchFile(), try ScratchFile())
        let sink = try DescriptorSink(appendingTo: file.path)
        let logger = EventLogger("shop", handler: StreamHandler(to: sink))
        logger.info("1")
        try FileManager.default.moveItem(atPath: file.path, toPath: moved.path)
        logger.info("2")
        try sink.reopen()
        logger.info("3")
        sink.close()
        logger.info("4")
        #expect(try moved.text().split(separator: "\n").count == 2)
        #expect(try file.text().hasSuffix("shop: 3\n"))
        #expect(sink.lost == 1)
    }

    @Test func `a file that cannot be opened is refused by name`() {
        #expect {
            try DescriptorSink(appendingTo: "/no-such-folder/x.log")
        } throws: { error in
            "\(error)".contains("/no-such-folder/x.log") && "\(error)".contains("ENOENT")
        }
    }

    @Test func `a pipe nobody reads costs a second and the line, not the program`() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let flags = fcntl(ends[1], F_GETFL)
        #expect(fcntl(ends[1], F_SETFL, flags | O_NONBLOCK) == 0)
        let filler = [UInt8](repeating: 0x78, count: 4_096)
        while write(ends[1], filler, filler.count) > 0 {}
        let sink = DescriptorSink(descriptor: ends[1])
        EventLogger("shop", handler: StreamHandler(to: sink)).info("x")
        #expect(sink.lost == 1)
    }
}
