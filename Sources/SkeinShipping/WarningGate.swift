/// Lets each warning through at most once a minute, and one a second in all.
struct WarningGate {
    private var said: [String: Int64] = [:]
    private var waiting: [String] = []
    private var nextTime: Int64 = .min

    /// Takes a warning. The same text within a minute is dropped.
    mutating func add(_ text: String, now: Int64) {
        if let last = said[text], now < last + 60_000_000_000 { return }
        if said.count >= 64 { said.removeAll() }
        said[text] = now
        if waiting.count < 8 { waiting.append(text) }
    }

    /// The next warning to say now, if it is time.
    mutating func next(now: Int64) -> String? {
        guard !waiting.isEmpty, now >= nextTime else { return nil }
        nextTime = now + 1_000_000_000
        return waiting.removeFirst()
    }

    /// When the next one may be said; nil if none waits.
    var nextDeadline: Int64? { waiting.isEmpty ? nil : nextTime }
}
