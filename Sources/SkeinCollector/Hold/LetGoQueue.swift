import SkeinJournal
import SkeinPlatform

/// What holds let go, on its way back into the main journal. The hold's thread adds, the inlets' thread takes; what is taken stays
/// until it is durable there.
final class LetGoQueue: Sendable {
    private struct State {
        var events: [LetGoEvent] = []
        var head = 0
        var bytes = 0
        /// Everything up to it is durable in the main journal.
        var confirmed: UInt64
    }

    private let state: Monitor<State>

    init(confirmed: UInt64) { state = Monitor(State(confirmed: confirmed)) }

    var confirmed: UInt64 { state.withLock { $0.confirmed } }
    var count: Int { state.withLock { $0.events.count - $0.head } }
    var bytes: Int { state.withLock { $0.bytes } }

    /// Those that are not durable, in order.
    var waiting: [LetGoEvent] { state.withLock { Array($0.events[$0.head...]) } }

    func add(_ events: [LetGoEvent]) {
        guard !events.isEmpty else { return }
        state.withLock { state in
            state.events += events
            state.bytes += events.reduce(0) { $0 + HoldState.cost($1.event) }
        }
    }

    /// Everything up to a number is durable.
    /// - Returns: whether that is news.
    func confirm(_ number: UInt64) -> Bool {
        state.withLock { state in
            guard number > state.confirmed else { return false }
            state.confirmed = number
            while state.head < state.events.count, state.events[state.head].number <= number {
                state.bytes -= HoldState.cost(state.events[state.head].event)
                state.head += 1
            }
            if state.head * 2 > state.events.count {
                state.events.removeFirst(state.head)
                state.head = 0
            }
            return true
        }
    }

    /// The next for the main journal.
    /// - Parameter number: it has those up to it.
    func next(above number: UInt64, maximumBytes: Int) -> [LetGoEvent] {
        state.withLock { state in
            // Numbers rise by one.
            guard state.head < state.events.count, let last = state.events.last, last.number > number else {
                return []
            }
            let first = state.events[state.head].number
            var index = state.head + Int(number >= first ? number - first + 1 : 0)
            var bytes = 0
            let start = index
            while index < state.events.count, bytes < maximumBytes {
                bytes += state.events[index].event.bytes.count + 64
                index += 1
            }
            return Array(state.events[start..<index])
        }
    }
}
