/// The attributes of Python's `logging.LogRecord` (to 3.14), and the two that Distlog adds, with their places in an event.
enum RecordAttribute: String, CaseIterable {
    // In the body under a name of ours.
    case name, levelname, pathname, lineno, funcName, module, threadName, message
    case excText = "exc_text"
    // In the envelope.
    case levelno, created, process, hostname
    // In the body as it came.
    case context
    // In `body.meta`.
    case msg, args, filename, msecs, relativeCreated, thread, processName, asctime, taskName
    case excInfo = "exc_info"
    case stackInfo = "stack_info"

    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, $0) })

    /// - Parameter key: the attribute's name; nil if it is none of a record's own.
    init?(key: UnsafeRawBufferPointer) {
        // The longest own name has 15 letters: no strings are made of hostile keys.
        guard key.count <= 15, let known = Self.byName[String(decoding: key, as: UTF8.self)] else {
            return nil
        }
        self = known
    }

    /// The body's key for those that have one of ours, in the order in which they stand there.
    static let placed: [(attribute: RecordAttribute, key: String)] = [
        (.pathname, "file"), (.lineno, "line"), (.funcName, "function"), (.module, "module"),
        (.threadName, "thread"),
    ]
}

/// Python's names of levels.
enum LevelName {
    static func level(_ name: String) -> Int32? {
        switch name.uppercased() {
        case "TRACE": 5
        case "DEBUG": 10
        case "INFO": 20
        case "NOTICE": 25
        case "WARNING", "WARN": 30
        case "ERROR": 40
        case "CRITICAL", "FATAL": 50
        default: nil
        }
    }

    /// As `logging.getLevelName` has them.
    static func name(_ level: Int32) -> String {
        switch level {
        case 5: "TRACE"
        case 10: "DEBUG"
        case 20: "INFO"
        case 25: "NOTICE"
        case 30: "WARNING"
        case 40: "ERROR"
        case 50: "CRITICAL"
        default: "Level \(level)"
        }
    }
}
