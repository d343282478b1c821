import SkeinPlatform
import SkeinWire

/// What was dropped since it was last told downstream, by reason and by where. Any thread.
///
/// Each pair becomes one event of type `skein.dropped` at most once every few seconds (`Docs/EventDocument.md`), which the
/// inlets' thread journals as the collector's own. What was not told when the process is killed is in the counters only.
final class DropNotices: Sendable {
    /// Where events were dropped, and why.
    struct Cause: Hashable {
        var reason: String
        /// `collect`, or an outlet's name.
        var place: String
    }

    /// What is to be told of one cause.
    struct Notice {
        var cause: Cause
        var count: UInt64 = 0
        /// Unix nanoseconds of the first and the last.
        var since: Int64
        var until: Int64
    }

    /// Between two events of one cause.
    static let interval: Int64 = 2_000_000_000
    /// More causes than these are told as one, so that names cannot grow without bound.
    private static let maximumCauses = 1000

    private struct State {
        var notices: [Cause: Notice] = [:]
        /// When each was last told, monotonic nanoseconds.
        var told: [Cause: Int64] = [:]
    }

    private let state = Monitor(State())

    func add(_ reason: String, at place: String, _ count: UInt64) {
        guard count > 0 else { return }
        let now = SystemClock.wallNanoseconds()
        state.withLock { state in
            var cause = Cause(reason: reason, place: place)
            if state.notices[cause] == nil, state.notices.count >= Self.maximumCauses {
                cause.place = "other"
            }
            var notice = state.notices[cause] ?? Notice(cause: cause, since: now, until: now)
            notice.count &+= count
            notice.until = max(notice.until, now)
            state.notices[cause] = notice
        }
    }

    /// Hands over what is due, each to be given back if it cannot be journaled.
    /// - Parameter all: whether the interval counts.
    func take(_ now: Int64, all: Bool = false) -> [Notice] {
        state.withLock { state in
            guard !state.notices.isEmpty else { return [] }
            let due = state.notices.values.filter { notice in
                all || now - (state.told[notice.cause] ?? .min / 2) >= Self.interval
            }
            for notice in due {
                state.notices[notice.cause] = nil
                if state.told.count > Self.maximumCauses { state.told = [:] }
                state.told[notice.cause] = now
            }
            return due
        }
    }

    /// Takes one back that could not be journaled.
    func putBack(_ notice: Notice) {
        state.withLock { state in
            var merged = notice
            if let newer = state.notices[notice.cause] {
                merged.count &+= newer.count
                merged.until = max(merged.until, newer.until)
            }
            state.notices[notice.cause] = merged
        }
    }

    /// The event that tells of drops.
    static func event(_ notice: Notice) -> [UInt8] {
        DropEvent.document(
            DropEvent.Drop(
                reason: notice.cause.reason, place: notice.cause.place, count: notice.count,
                since: notice.since, until: notice.until),
            host: HostName.current, pid: getpid(), service: "skeind")
    }

    /// Whether an event is such a notice. Those that are dropped themselves are not told of, or it would never end.
    static func isNotice(_ event: UnsafeRawBufferPointer) -> Bool {
        EventScan(event).type.elementsEqual(DropEvent.type.utf8)
    }
}
