import SkeinBSON

/// One event a line as relaxed Extended JSON, or indented over many lines.
final class JSONWriter: EventWriter {
    private let sink: OutputSink
    private let isPretty: Bool
    private let complain: (String) -> Void

    init(_ sink: OutputSink, isPretty: Bool, complain: @escaping (String) -> Void) {
        self.sink = sink
        self.isPretty = isPretty
        self.complain = complain
    }

    func write(_ event: Event) throws(ToolFailure) {
        guard let view = event.view else { return }
        let json: String
        do throws(BSONError) {
            json = try ExtendedJSON.encode(view, .relaxed)
        } catch {
            complain("an event cannot be written as JSON: \(error)")
            return
        }
        try sink.writeLine(isPretty ? JSONText.indented(json) : JSONText.safe(json))
    }
}

/// JSON as text for terminals and people.
enum JSONText {
    /// The same JSON with the characters escaped that terminals obey or eyes are misled by. (What is below U+0020 is
    /// escaped in any JSON.)
    static func safe(_ json: String) -> String {
        // Nearly all JSON has none of them: look for the first bytes they can begin with.
        if !json.utf8.contains(where: { $0 == 0x7F || $0 == 0xC2 || $0 == 0xD8 || $0 >= 0xE2 }) {
            return json
        }
        var result = ""
        result.reserveCapacity(json.utf8.count + 16)
        for scalar in json.unicodeScalars {
            if scalar.value == 0x7F || SafeText.isUnsafe(scalar) {
                for unit in UTF16.encode(scalar).map({ Array($0) }) ?? [] {
                    result += "\\u" + SafeText.hexadecimal(UInt32(unit), digits: 4).lowercased()
                }
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// The same JSON over many lines, two spaces a level.
    static func indented(_ json: String) -> String {
        var result: [UInt8] = []
        var depth = 0
        var isInString = false
        var isEscaped = false
        var isAfterOpening = false
        func newLine() {
            result.append(UInt8(ascii: "\n"))
            result.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
        }
        for byte in safe(json).utf8 {
            if isInString {
                result.append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            if byte == UInt8(ascii: " ") { continue }
            let isClosing = byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
            if isClosing {
                depth -= 1
                if !isAfterOpening { newLine() }
            } else if isAfterOpening {
                newLine()
            }
            isAfterOpening = false
            result.append(byte)
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                isAfterOpening = true
            case UInt8(ascii: ","): newLine()
            case UInt8(ascii: ":"): result.append(UInt8(ascii: " "))
            case UInt8(ascii: "\""): isInString = true
            default: break
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
