import Skein
import SkeinLogging
import SkeinPlatform
import Testing

@Suite struct LogRecordTests {
    @Test func `levels have Python's numbers, names both ways, and an order`() {
        #expect(LogLevel.named.map(\.rawValue) == [5, 10, 20, 25, 30, 40, 50])
        #expect(LogLevel.named.map { LogLevel(name: $0.name.lowercased()) } == LogLevel.named)
        #expect(LogLevel(name: "WARN") == .warning && LogLevel(name: "Fatal") == .critical)
        #expect(LogLevel(name: "35") == 35 && LogLevel(name: "loud") == nil && LogLevel(name: "") == nil)
        #expect(LogLevel.all < .trace && .critical < LogLevel.off)
    }

    @Test func `a message reads as the string of the same spelling`() {
        let (count, share, text) = (17, 0.25, "tea")
        let missing: Int? = nil
        let message: LogMessage =
            "\(count) of \(UInt64.max) \(Int128.max), \(share) \(Float(0.1)), \(text)\(text.prefix(1)), \(true), \([1, 2])"
        #expect(
            message.description
                == "\(count) of \(UInt64.max) \(Int128.max), \(share) \(Float(0.1)), \(text)\(text.prefix(1)), \(true), \([1, 2])"
        )
        #expect(("\(Duration.milliseconds(1_500))" as LogMessage).description == "1.5 seconds")
        #expect(("\(missing, default: "none")" as LogMessage).description == "none")
        #expect(("plain" as LogMessage) == LogMessage("plain"))
    }

    @Test func `values are kept as they were, and only formatted when somebody reads`() {
        let counter = Counter()
        var count = 1
        let message: LogMessage = "n = \(count), \(deferred: Told(counter))"
        count = 2
        #expect(counter.count == 0)
        #expect(message.description == "n = 1, told" && counter.count == 1 && count == 2)
    }

    @Test func `metadata keeps its order and its types, the last of a key counts`() {
        var metadata: LogMetadata = ["b": 1, "a": "x", "b": 2.5]
        #expect(metadata.document == ["b": 2.5, "a": "x"])
        metadata["a"] = nil
        metadata["c"] = [1, 2]
        #expect(metadata["a"] == nil && (metadata["b"] as? Double) == 2.5)
        #expect(metadata.document["c"] == .array(BSONDocument.array([.int64(1), .int64(2)])))
        #expect(LogMetadata().isEmpty && LogMetadata(["z": 1, "y": 2]).document.map(\.key) == ["y", "z"])
    }

    @Test func `a record knows its place, module and thread`() throws {
        let (record, line) = (LogRecord(level: .info, "x"), #line)
        #expect(record.file == #filePath && record.line == line && record.module == "SkeinLoggingTests")
        let foreign = LogRecord(
            level: .info, "x", source: LogSource(file: "a.py", module: "a", function: "f", line: 0))
        #expect(foreign.module == "a" && foreign.file == "a.py" && foreign.function == "f")
        let named = Monitor<(String, String)>(("", ""))
        try SystemThread(name: "worker") {
            let kept = record.kept()
            named.withLock { $0 = (record.thread, kept.thread) }
        }.join()
        #expect(named.withLock { $0.0 == "worker" && $0.1 == "worker" })
    }
}
