/// The levels of log records.
enum LevelName {
    static func of(_ level: Int32) -> String {
        switch level {
        case 5: "TRACE"
        case 10: "DEBUG"
        case 20: "INFO"
        case 25: "NOTICE"
        case 30: "WARNING"
        case 40: "ERROR"
        case 50: "CRITICAL"
        default: "LEVEL \(level)"
        }
    }

    static func style(_ level: Int32) -> StyledLine.Style {
        level >= 40 ? .red : level >= 30 ? .yellow : level >= 20 ? .green : .dim
    }
}
