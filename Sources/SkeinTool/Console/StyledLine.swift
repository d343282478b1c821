/// A line for people: pieces of text with a style each, cut to a width, coloured or not.
struct StyledLine {
    enum Style {
        case plain, bold, dim, red, green, yellow, blue, cyan

        fileprivate var code: String? {
            switch self {
            case .plain: nil
            case .bold: "1"
            case .dim: "2"
            case .red: "31"
            case .green: "32"
            case .yellow: "33"
            case .blue: "34"
            case .cyan: "36"
            }
        }
    }

    private var pieces: [(text: String, style: Style)] = []
    /// Columns so far.
    private(set) var width = 0

    init() {}

    /// Appends text, which must be safe to show already.
    mutating func append(_ text: String, _ style: Style = .plain) {
        guard !text.isEmpty else { return }
        pieces.append((text, style))
        width += TextWidth.of(text)
    }

    /// Appends spaces up to a column; at least `atLeast`.
    mutating func pad(to column: Int, atLeast: Int = 0) {
        append(String(repeating: " ", count: max(column - width, atLeast)))
    }

    /// The same line, cut to so many columns.
    func limited(to limit: Int, mark: String = "…") -> StyledLine {
        guard width > limit else { return self }
        var line = StyledLine()
        for (text, style) in pieces {
            let (part, _) = Self.cut(text, limit - 1 - line.width)
            line.append(part, style)
            if part.utf8.count < text.utf8.count { break }
        }
        line.append(mark)
        return line
    }

    /// The line as text.
    /// - Parameters:
    ///   - limit: columns; what is beyond ends in the mark. Nil for all of it.
    ///   - isColored: whether the styles are written, as SGR sequences.
    func rendered(limit: Int?, isColored: Bool, mark: String = "…") -> String {
        var result = ""
        var left = limit ?? .max
        var mustCut = limit.map { width > $0 } ?? false
        if mustCut { left -= 1 }
        for (text, style) in pieces {
            let (part, used) = mustCut ? Self.cut(text, left) : (text, 0)
            left -= used
            if let code = style.code, isColored, !part.isEmpty {
                result += "\u{1B}[\(code)m\(part)\u{1B}[0m"
            } else {
                result += part
            }
            if mustCut, part.utf8.count < text.utf8.count {
                mustCut = false
                return result + mark
            }
        }
        while result.utf8.last == UInt8(ascii: " ") { result.removeLast() }
        return result
    }

    private static func cut(_ text: String, _ limit: Int) -> (String, Int) {
        var part = String.UnicodeScalarView()
        var used = 0
        for scalar in text.unicodeScalars {
            let width = TextWidth.of(scalar)
            if used + width > limit { break }
            used += width
            part.append(scalar)
        }
        return (String(part), used)
    }
}
