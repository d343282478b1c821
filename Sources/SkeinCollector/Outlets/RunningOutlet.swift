import SkeinBSON
import SkeinJournal

/// An outlet at work, as the rest of the collector sees it. Any thread may call.
protocol RunningOutlet: AnyObject, Sendable {
    var name: String { get }

    /// Its part of STATUS, its kind first.
    var status: BSONDocument { get }

    /// When the oldest event arrived that it has not done with, Unix nanoseconds; nil if there is none or it does not matter.
    var oldestArrival: Int64? { get }

    /// What the rules say has changed.
    func route(_ routing: Routing)

    /// What each rule did to what it read; nil if no rule acts on events.
    var ruleCounts: [RuleCount]? { get }

    /// The journal has more to read.
    func wake()

    /// Whether everything before a place in the journal was handed on; if not, it is asked for.
    /// - Returns: nil if it was, else what is to be said of it.
    func lag(behind position: JournalPosition) -> String?

    /// Asks it to let go of files and the like.
    /// - Returns: a number for ``hasRotated(_:)``.
    func rotate() -> UInt64

    func hasRotated(_ number: UInt64) -> Bool

    /// Other collectors deliver to this one: who sends on says so, so that a loop is found.
    func follow(upstream: [String])

    /// It is no longer configured: it takes nothing from a place in the journal on.
    func retire(at position: JournalPosition)

    /// Asks it to finish what the journal has and to end.
    /// - Parameter deadline: monotonic nanoseconds; what is not done by then is done after the next start.
    func stop(by deadline: Int64)

    /// Waits for its end.
    /// - Returns: false if it was still busy at the deadline.
    func waitForEnd(until deadline: Int64) -> Bool
}
