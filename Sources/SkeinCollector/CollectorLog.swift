import SkeinPlatform
private import Synchronization

/// Where a collector says what it has to say, as plain lines.
public struct CollectorLog: Sendable {
    /// How much a line matters.
    public enum Level: Sendable, Hashable {
        /// Something a person should know of. At most one a second of each kind; the next tells how many were left out.
        case warning
        /// What happens in the normal course: said only with `verbose`.
        case note
    }

    /// Called on the collector's threads, one call at a time or several; must not call back into the collector.
    public var write: @Sendable (Level, String) -> Void

    /// - Parameter write: takes each line, without a line feed.
    public init(_ write: @escaping @Sendable (Level, String) -> Void) {
        self.write = write
    }

    /// Lines on standard error, each with `name: ` in front.
    /// - Parameter isVerbose: whether notes are written too.
    public static func standardError(name: String = "skeind", isVerbose: Bool = false) -> CollectorLog {
        CollectorLog { level, text in
            guard level == .warning || isVerbose else { return }
            StandardError.writeLine("\(name): \(level == .warning ? "warning: " : "")\(text)")
        }
    }

    /// Says nothing.
    public static let none = CollectorLog { _, _ in }
}

/// Keeps warnings to one a second of each kind. Any thread.
final class Warner: Sendable {
    private struct Kind {
        var next: Int64 = 0
        var suppressed = 0
    }

    let log: CollectorLog
    private let kinds = Mutex<[String: Kind]>([:])

    init(_ log: CollectorLog) {
        self.log = log
    }

    /// Warns, unless the same kind did within a second. The text is made only if it is said.
    func warn(_ kind: String, _ text: @autoclosure () -> String) {
        warn(kind) { text() }
    }

    func warn(_ kind: String, _ text: () -> String) {
        let now = SystemClock.monotonicNanoseconds()
        let suppressed = kinds.withLock { kinds -> Int? in
            var known = kinds[kind] ?? Kind()
            defer { kinds[kind] = known }
            if now < known.next {
                known.suppressed += 1
                return nil
            }
            defer { known.suppressed = 0 }
            known.next = now + 1_000_000_000
            return known.suppressed
        }
        guard let suppressed else { return }
        log.write(.warning, suppressed == 0 ? text() : "\(text()) (and \(suppressed) more like it)")
    }

    func note(_ text: @autoclosure () -> String) {
        log.write(.note, text())
    }
}
