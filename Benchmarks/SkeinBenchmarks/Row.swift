/// One line of the table: what is measured, against what, and how good it should be.
struct Row {
    enum Goal: Sendable {
        /// At most this many times the peer.
        case ratio(Double)
        /// At most this many nanoseconds.
        case nanoseconds(Double)
        /// Shown, not judged.
        case none
    }

    let name: String
    let peer: String
    let goal: Goal
    /// Nanoseconds an operation: ours, the peer's.
    let ours: Double
    let theirs: Double

    var ratio: Double { ours / theirs }

    var isMet: Bool? {
        switch goal {
        case .ratio(let limit): ratio <= limit
        case .nanoseconds(let limit): ours <= limit
        case .none: nil
        }
    }

    private var goalText: String {
        switch goal {
        case .ratio(let limit): "≤ \(limit) ×"
        case .nanoseconds(let limit): "≤ \(limit) ns"
        case .none: "–"
        }
    }

    static let header = line("what", "ours ns", "peer ns", "ratio", "goal", "met", "peer")

    var text: String {
        Self.line(
            name, Self.rounded(ours), Self.rounded(theirs), Self.rounded(ratio, places: 3), goalText,
            isMet.map { $0 ? "yes" : "NO" } ?? "", peer)
    }

    var json: String {
        "{\"what\":\"\(name)\",\"ours_ns\":\(ours),\"peer_ns\":\(theirs),\"ratio\":\(ratio),"
            + "\"goal\":\"\(goalText)\",\"met\":\(isMet.map(String.init) ?? "null"),\"peer\":\"\(peer)\"}"
    }

    private static func line(_ columns: String...) -> String {
        let widths = [34, 10, 10, 8, 12, 5, 0]
        return zip(columns, widths).map { text, width in
            text + String(repeating: " ", count: max(1, width - text.count))
        }.joined()
    }

    private static func rounded(_ value: Double, places: Int = 1) -> String {
        let scale = places == 1 ? 10.0 : 1_000.0
        return String((value * scale).rounded() / scale)
    }
}
