/// One line of the table: what is measured, against what, and how good it should be.
struct Row {
    enum Unit: String {
        case nanoseconds = "ns"
        case microseconds = "µs"
        case milliseconds = "ms"
        case seconds = "s"
        case count = ""
        case bytes = "MiB"
        case eventsPerSecond = "events/s"
        case bytesPerSecond = "MB/s"
    }

    enum Goal {
        /// At most, or at least, so many times the peer.
        case ratioAtMost(Double)
        case ratioAtLeast(Double)
        /// At most, or at least, so much by itself.
        case atMost(Double)
        case atLeast(Double)
        /// Shown, not judged.
        case none
    }

    let name: String
    /// In `unit`.
    let ours: Double
    var unit = Unit.nanoseconds
    /// What it is compared with, and that one's figure; a figure of nil: the peer is not on this machine.
    var peer: (name: String, figure: Double?)?
    var goal = Goal.none
    /// Whether a goal that is missed makes the program fail: only where the figure is a count, never where it is a time.
    var isGate = false

    var ratio: Double? {
        guard let figure = peer?.figure, figure > 0 else { return nil }
        return ours / figure
    }

    /// nil where there is no goal, or nothing to judge by.
    var isMet: Bool? {
        switch goal {
        case .ratioAtMost(let limit): ratio.map { $0 <= limit }
        case .ratioAtLeast(let limit): ratio.map { $0 >= limit }
        case .atMost(let limit): ours <= limit
        case .atLeast(let limit): ours >= limit
        case .none: nil
        }
    }

    private var goalText: String {
        switch goal {
        case .ratioAtMost(let limit): "≤ \(limit) ×"
        case .ratioAtLeast(let limit): "≥ \(limit) ×"
        case .atMost(let limit): "≤ \(Self.grouped(limit)) \(unit.rawValue)"
        case .atLeast(let limit): "≥ \(Self.grouped(limit)) \(unit.rawValue)"
        case .none: ""
        }
    }

    static let header = line("what", "ours", "peer's", "ratio", "goal", "met", "peer")

    var text: String {
        Self.line(
            name, "\(Self.grouped(ours)) \(unit.rawValue)",
            peer.map { $0.figure.map(Self.grouped) ?? "absent" } ?? "",
            ratio.map { Self.rounded($0, places: 2) } ?? "", goalText, isMet.map { $0 ? "yes" : "NO" } ?? "",
            peer?.name ?? "")
    }

    var json: String {
        func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "null" }
        func text(_ value: String?) -> String { value.map { "\"\($0)\"" } ?? "null" }
        return "{\"what\":\(text(name)),\"ours\":\(ours),\"unit\":\(text(unit.rawValue)),"
            + "\"peer\":\(text(peer?.name)),\"peer_figure\":\(number(peer?.figure)),"
            + "\"ratio\":\(number(ratio)),\"goal\":\(text(goalText)),"
            + "\"met\":\(isMet.map(String.init) ?? "null")}"
    }

    private static func line(_ columns: String...) -> String {
        let widths = [44, 20, 12, 8, 22, 5, 0]
        let padded = zip(columns, widths).map { text, width in
            text + String(repeating: " ", count: max(width == 0 ? 0 : 1, width - text.count))
        }
        var line = padded.joined()
        while line.last == " " { line.removeLast() }
        return line
    }

    /// Three figures that count, thousands told apart.
    private static func grouped(_ value: Double) -> String {
        guard abs(value) >= 1000 else { return rounded(value, places: abs(value) >= 100 ? 0 : 1) }
        var digits = String(Int64(value.rounded()))
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return ([digits] + groups).joined(separator: ",")
    }

    private static func rounded(_ value: Double, places: Int) -> String {
        let scale = places == 0 ? 1.0 : places == 1 ? 10.0 : 100.0
        let text = String((value * scale).rounded() / scale)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
