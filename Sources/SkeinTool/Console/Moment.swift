import SkeinArchive

/// An instant as text, UTC.
enum Moment {
    /// `2026-11-20 15:27:43.229Z`; `?` for times that no calendar has.
    static func text(_ seconds: Double) -> String {
        guard let day = ArchiveDay(unixSeconds: seconds) else { return "?" }
        // Downwards, so that it never shows a time that is not reached yet; but a double of today holds a millisecond
        // only to 0.0003, and what was written as .229 must not become .228.
        let milliseconds = Int(((seconds - day.startSeconds) * 1000 + 0.0005).rounded(.down))
        let clamped = min(max(milliseconds, 0), 86_399_999)
        let (year, month, date) = day.date
        return pad(year, 4) + "-" + pad(month, 2) + "-" + pad(date, 2) + " " + pad(clamped / 3_600_000, 2)
            + ":"
            + pad(clamped / 60_000 % 60, 2) + ":" + pad(clamped / 1000 % 60, 2) + "." + pad(clamped % 1000, 3)
            + "Z"
    }

    /// A BSON datetime.
    static func text(milliseconds: Int64) -> String {
        text(Double(milliseconds) / 1000)
    }

    private static func pad(_ number: Int, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
