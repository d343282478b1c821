import SkeinBSON
import SkeinPlatform

/// A record with the attributes that Python's `LogRecord` has, and Distlog's two.
///
/// As Distlog makes them: `args`, `exc_info` and `stack_info` are null, line breaks in `message` and `exc_text` are the two
/// characters `\n` (in `msg` they stay). Metadata become attributes of their own, dots in keys as they are; one that has the name of
/// an attribute above gets a `_` behind it.
enum RecordAttributes {
    private static let host = HostName.current
    private static let started = SystemClock.wallNanoseconds()

    /// The names that metadata cannot have.
    private static let own: Set<String> = [
        "name", "msg", "args", "levelname", "levelno", "pathname", "filename", "module", "exc_info",
        "exc_text",
        "stack_info", "lineno", "funcName", "created", "msecs", "relativeCreated", "thread", "threadName",
        "processName", "process", "taskName", "message", "asctime", "hostname", "context",
    ]

    static func document(_ record: LogRecord, _ stamp: TaskStamp?) -> BSONDocument {
        let text = record.text
        let created = record.time
        let seconds = created.rounded(.down)
        let milliseconds = Int32(min(999, max(0, (created - seconds) * 1_000)))
        var builder = BSONBuilder(capacity: 1_024)
        builder.append("name", string: record.logger.isEmpty ? "root" : record.logger)
        builder.append("msg", string: text)
        builder.appendNull("args")
        builder.append("levelname", string: record.level.name)
        builder.append("levelno", int32: record.level.rawValue)
        builder.append("pathname", string: record.file)
        builder.append("filename", string: String(record.file.split(separator: "/").last ?? ""))
        builder.append("module", string: record.module)
        builder.appendNull("exc_info")
        if let exception = record.exception {
            builder.append("exc_text", string: escaped(exception))
        } else {
            builder.appendNull("exc_text")
        }
        builder.appendNull("stack_info")
        builder.append("lineno", int64: Int64(record.line))
        builder.append("funcName", string: record.function)
        builder.append("created", double: created)
        builder.append("msecs", double: Double(milliseconds))
        builder.append("relativeCreated", double: created * 1_000 - Double(started) * 1e-6)
        builder.append("thread", int64: Int64(truncatingIfNeeded: currentThreadNumber()))
        builder.append("threadName", string: record.thread)
        builder.append("processName", string: "MainProcess")
        builder.append("process", int32: getpid())
        for (key, value) in record.metadata?.document ?? BSONDocument() {
            builder.append(own.contains(key) ? key + "_" : key, value)
        }
        if let stamp {
            builder.append("context", document: stamp.document)
        } else {
            builder.appendNull("context")
        }
        builder.append("message", string: escaped(text))
        builder.append("asctime", string: localTime(seconds, milliseconds))
        builder.append("hostname", string: host)
        return builder.finish()
    }

    private static func escaped(_ text: String) -> String {
        text.utf8.contains(0x0A)
            ? text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n") : text
    }

    /// `2026-11-20 22:15:00,123`, by the clock on the wall, as Python's formatter has it.
    private static func localTime(_ seconds: Double, _ milliseconds: Int32) -> String {
        var time = time_t(seconds)
        var parts = tm()
        guard localtime_r(&time, &parts) != nil else { return "" }
        func digits(_ number: Int32, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
        }
        return digits(parts.tm_year + 1900, 4) + "-" + digits(parts.tm_mon + 1, 2) + "-"
            + digits(parts.tm_mday, 2) + " "
            + digits(parts.tm_hour, 2) + ":" + digits(parts.tm_min, 2) + ":" + digits(parts.tm_sec, 2) + ","
            + digits(milliseconds, 3)
    }
}
