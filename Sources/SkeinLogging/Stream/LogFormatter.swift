import SkeinPlatform

/// Makes a line of a record.
public protocol LogFormatter: Sendable {
    /// Appends the record's line, without its newline.
    func format(_ record: LogRecord, into line: inout String)
}

/// A line for people: `2026-11-21T04:45:12.345Z WARNING shop.cart: cart is full items=30`.
///
/// One record is one line, whatever is in it: control characters are written as `\n`, `\t` or `\u{1b}`, so that no text can pass for a
/// line of its own or talk to a terminal. Values with blanks or quotes in them are quoted. An exception stands at the end.
public struct LineFormatter: LogFormatter {
    /// Whether file and line stand in it.
    public var showsPlace: Bool

    /// - Parameter showsPlace: whether the file's name and the line stand at the end.
    public init(showsPlace: Bool = false) { self.showsPlace = showsPlace }

    public func format(_ record: LogRecord, into line: inout String) {
        Self.append(time: record.time, to: &line)
        line += " "
        line += record.level.name
        if !record.logger.isEmpty {
            line += " "
            Self.append(plain: record.logger, to: &line)
        }
        line += ": "
        Self.append(plain: record.text, to: &line)
        record.metadata?.visit { key, value in
            line += " "
            Self.append(plain: key, to: &line)
            line += "="
            Self.append(value.bsonValue, to: &line)
        }
        if showsPlace, !record.file.isEmpty {
            line += " ("
            Self.append(plain: record.file.split(separator: "/").last.map(String.init) ?? "", to: &line)
            line += ":\(record.line))"
        }
        if let exception = record.exception {
            line += " | "
            Self.append(plain: exception, to: &line)
        }
    }

    /// RFC 3339, UTC, to the millisecond.
    static func append(time: Double, to line: inout String) {
        let bounded = time.isFinite ? min(max(time, -62_135_596_800), 253_402_300_799) : 0
        let milliseconds = Int64((bounded * 1_000).rounded(.down))
        var seconds = time_t(milliseconds / 1_000)
        var fraction = Int(milliseconds % 1_000)
        if fraction < 0 {
            fraction += 1_000
            seconds -= 1
        }
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func digits(_ number: Int, _ width: Int) {
            let text = String(number)
            for _ in 0..<max(0, width - text.utf8.count) { line += "0" }
            line += text
        }
        digits(Int(parts.tm_year) + 1_900, 4)
        line += "-"
        digits(Int(parts.tm_mon) + 1, 2)
        line += "-"
        digits(Int(parts.tm_mday), 2)
        line += "T"
        digits(Int(parts.tm_hour), 2)
        line += ":"
        digits(Int(parts.tm_min), 2)
        line += ":"
        digits(Int(parts.tm_sec), 2)
        line += "."
        digits(fraction, 3)
        line += "Z"
    }

    private static func append(_ value: BSONValue, to line: inout String) {
        switch value {
        case .string(let text):
            let isPlain =
                !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3D && $0 != 0x7F }
            if isPlain {
                line += text
            } else {
                line += "\""
                append(plain: text, quoted: true, to: &line)
                line += "\""
            }
        case .int32(let number): line += String(number)
        case .int64(let number): line += String(number)
        case .double(let number): line += number.description
        case .bool(let truth): line += truth ? "true" : "false"
        case .null, .undefined: line += "null"
        default: append(plain: (try? ExtendedJSON.encode(value, .relaxed)) ?? "?", to: &line)
        }
    }

    private static func append(plain text: String, quoted: Bool = false, to line: inout String) {
        let isHarmless = text.utf8.allSatisfy {
            $0 >= 0x20 && $0 < 0x7F && !(quoted && ($0 == 0x22 || $0 == 0x5C))
        }
        if isHarmless {
            line += text
            return
        }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            case "\"" where quoted, "\\" where quoted:
                line += "\\"
                line.unicodeScalars.append(scalar)
            case _ where isControl(scalar): line += "\\u{\(String(scalar.value, radix: 16))}"
            default: line.unicodeScalars.append(scalar)
            }
        }
    }

    /// What a terminal or a reader of lines may take for more than a letter: C0, DEL, C1, and Unicode's line ends and directions.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}

/// A line of JSON: `time` (RFC 3339), `level` (the number), and the fields that the record's event would have in its body.
public struct JSONLineFormatter: LogFormatter {
    /// There is nothing to choose.
    public init() {}

    public func format(_ record: LogRecord, into line: inout String) {
        var time = ""
        LineFormatter.append(time: record.time, to: &time)
        var document = BSONDocument()
        document.append("time", .string(time))
        document.append("level", .int32(record.level.rawValue))
        document.append("name", .string(record.logger))
        document.append("msg", .string(record.text))
        if let exception = record.exception { document.append("exception", .string(exception)) }
        document.append("file", .string(record.file))
        document.append("line", .int64(Int64(record.line)))
        document.append("function", .string(record.function))
        document.append("module", .string(record.module))
        document.append("thread", .string(record.thread))
        if let metadata = record.metadata { document.append("data", .document(metadata.document)) }
        // Of what cannot be JSON (nested too deep, a key with a NUL) the message is left.
        line += (try? ExtendedJSON.encode(document, .relaxed)) ?? ""
    }
}
