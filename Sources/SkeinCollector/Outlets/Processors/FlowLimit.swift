/// Lets so much through a second and no more, with a second's worth in store: a bucket of tokens. No clock of its own.
struct FlowLimit {
    private let perSecond: Double
    private var tokens: Double
    private var filled: Int64?

    init(perSecond: Int) {
        self.perSecond = Double(perSecond)
        tokens = Double(perSecond)
    }

    /// Fills up to now, monotonic nanoseconds.
    private mutating func fill(_ now: Int64) {
        if let filled {
            tokens = min(perSecond, tokens + Double(max(0, now - filled)) * 1e-9 * perSecond)
        }
        filled = now
    }

    /// Whether anything may pass now. What passes may be more than there is: it is owed.
    mutating func mayPass(_ now: Int64) -> Bool {
        fill(now)
        return tokens > 0
    }

    mutating func pass(_ amount: Int) { tokens -= Double(amount) }

    /// How long until something may pass, nanoseconds.
    func wait() -> Int64 {
        tokens > 0 ? 0 : Int64(min(1, -tokens / perSecond + 1 / perSecond) * 1e9)
    }
}
