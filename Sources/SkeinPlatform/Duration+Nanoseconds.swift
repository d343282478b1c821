extension Duration {
    /// The duration in nanoseconds, for clocks and deadlines; beyond ± 73 years it stays there, so that a
    /// time of the clock can be added without overflow.
    package var wholeNanoseconds: Int64 {
        let limit = Int64.max / 4
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? -limit : limit }
        return min(max(product, -limit), limit) + attoseconds / 1_000_000_000
    }
}
