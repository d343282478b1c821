import SkeinBSON
import SkeinPlatform

/// Answers of processors on their way into the journal. Outlets' threads offer, the inlets' thread takes; what waits is bounded,
/// and who finds no room waits: a processor that floods delays only itself.
final class AnswerQueue: Sendable {
    /// A document that a processor answered with, unchecked.
    struct Answer: Sendable {
        /// The outlet's name.
        var outlet: String
        var bytes: [UInt8]
    }

    /// Up to which answer a checkpoint needs them durable.
    struct Mark: Equatable, Sendable {
        fileprivate var offered: UInt64
    }

    /// What became of answers, by outlet, since the start.
    struct Counts: Sendable {
        var taken: UInt64 = 0
        var rejected: UInt64 = 0
        var dropped: UInt64 = 0
    }

    private struct State {
        var waiting: [Answer] = []
        var bytes = 0
        /// Numbers of answers: handed over, dealt with, and durable or gone for good.
        var offered: UInt64 = 0
        var dealtWith: UInt64 = 0
        var durable: UInt64 = 0
        /// How often journaled answers were taken back, since a sync had failed.
        var losses: UInt64 = 0
        var counts: [String: Counts] = [:]
    }

    private static let maximumBytes = 4 << 20
    private let state = Monitor(State())
    /// Called when there is something to take.
    private let onNews: @Sendable () -> Void

    init(onNews: @escaping @Sendable () -> Void) {
        self.onNews = onNews
    }

    // MARK: Outlets

    /// - Returns: false if there is no room now.
    func offer(_ answer: Answer) -> Bool {
        let isTaken = state.update { state in
            guard state.waiting.isEmpty || state.bytes + answer.bytes.count <= Self.maximumBytes else {
                return false
            }
            state.waiting.append(answer)
            state.bytes += answer.bytes.count
            state.offered += 1
            return true
        }
        if isTaken { onNews() }
        return isTaken
    }

    /// Stands for all that were offered so far.
    func mark() -> Mark { state.withLock { Mark(offered: $0.offered) } }

    /// Whether all that a mark stands for are durable, or gone for good and counted.
    func isDurable(_ mark: Mark) -> Bool { state.withLock { $0.durable >= mark.offered } }

    /// Grows when answers were lost to a failed sync: who made them may make them again.
    var losses: UInt64 { state.withLock { $0.losses } }

    func counts(of outlet: String) -> Counts { state.withLock { $0.counts[outlet] ?? Counts() } }

    // MARK: Inlets

    /// Takes what waits.
    func take() -> [Answer] {
        state.update { state in
            defer {
                state.waiting = []
                state.bytes = 0
            }
            return state.waiting
        }
    }

    /// What was taken is journaled, or never will be.
    func dealtWith(_ answers: Int, _ counts: [String: Counts]) {
        state.update { state in
            state.dealtWith += UInt64(answers)
            for (outlet, more) in counts {
                state.counts[outlet, default: Counts()].taken += more.taken
                state.counts[outlet, default: Counts()].rejected += more.rejected
                state.counts[outlet, default: Counts()].dropped += more.dropped
            }
        }
    }

    /// What a sync that begins now makes durable.
    var syncMark: UInt64 { state.withLock { $0.dealtWith } }

    func synced(_ mark: UInt64) { state.update { $0.durable = max($0.durable, mark) } }

    /// What no sync covers was taken back.
    func lose() {
        state.update { state in
            guard state.durable < state.dealtWith else { return }
            state.durable = state.dealtWith
            state.losses += 1
        }
    }

    /// Waits for something to take.
    /// - Returns: whether there is.
    func wait(until deadline: Int64) -> Bool {
        state.wait(until: deadline) { $0.waiting.isEmpty ? nil : true } ?? false
    }
}
