/// What a processor writes for people: cut into lines, made safe for a terminal, and so bounded that a flood of it fills no log.
struct ProcessorLog {
    private static let linesPerSecond = 20
    private static let lineBytes = 1000

    private var line: [UInt8] = []
    private var isCut = false
    private var limit = FlowLimit(perSecond: linesPerSecond)
    private(set) var lastLine = ""
    /// Lines so far, and those that were left out since they were too many.
    private(set) var lines: UInt64 = 0
    private(set) var leftOut: UInt64 = 0

    /// - Parameter say: takes a line, without its end.
    mutating func append(_ bytes: UnsafeRawBufferPointer, now: Int64, say: (String) -> Void) {
        for byte in bytes {
            if byte == 10 {
                end(now, say)
            } else if line.count < Self.lineBytes {
                line.append(byte)
            } else {
                isCut = true
            }
        }
    }

    /// What came last is a line, too.
    mutating func finish(now: Int64, say: (String) -> Void) {
        if !line.isEmpty { end(now, say) }
    }

    private mutating func end(_ now: Int64, _ say: (String) -> Void) {
        defer {
            line.removeAll(keepingCapacity: true)
            isCut = false
        }
        guard !line.isEmpty else { return }
        lines += 1
        // Even what is not told may be the last one.
        let mayPass = limit.mayPass(now)
        lastLine = Self.text(line) + (isCut ? "…" : "")
        guard mayPass else {
            leftOut += 1
            return
        }
        limit.pass(1)
        say(lastLine)
    }

    private static func text(_ bytes: [UInt8]) -> String {
        var text = String.UnicodeScalarView()
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            text.append(isControl ? (scalar == "\t" ? " " : "\u{FFFD}") : scalar)
        }
        return String(text)
    }
}
