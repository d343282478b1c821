import SkeinPlatform

/// How far long work has come: a line on a terminal that is rewritten, and gone at the end. Nothing anywhere else.
final class Progress {
    private let console: Console
    private let isShown: Bool
    private let start = SystemClock.monotonicNanoseconds()
    private var lastShown: Int64 = 0
    private var isOnScreen = false

    /// - Parameter sharesScreen: whether standard output may be the same terminal, so that both would mix.
    init(_ console: Console, sharesScreen: Bool) {
        self.console = console
        isShown = console.errorsAreTerminal && !(sharesScreen && console.outputIsTerminal)
    }

    /// Shows a text, from the first second on, at most five times a second.
    func show(_ text: () -> String) {
        guard isShown else { return }
        let now = SystemClock.monotonicNanoseconds()
        guard now - start > 1_000_000_000, now - lastShown > 200_000_000 else { return }
        lastShown = now
        isOnScreen = true
        try? console.errors.write("\r\u{1B}[K" + text())
        try? console.errors.flush()
    }

    func clear() {
        guard isOnScreen else { return }
        isOnScreen = false
        try? console.errors.write("\r\u{1B}[K")
        try? console.errors.flush()
    }
}
