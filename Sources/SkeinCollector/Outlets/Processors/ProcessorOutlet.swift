import SkeinBSON
import SkeinPlatform

/// The outlet around a processor: gives it a batch piece by piece, remembers what of it is taken, and has refused what it fails
/// over. See ``ProcessorAttempts``.
final class ProcessorOutlet: Outlet {
    private let driver: any ProcessorDriver
    private let batchCount: Int
    private let answers: AnswerQueue?
    private let stopBy: @Sendable () -> Int64?

    /// How many events of the batch that the loop gives again and again are done with.
    private var done = 0
    private var attempts = ProcessorAttempts()
    /// What the loop is to be told next: indices into the batch.
    private var refusals: [ProcessorOutcome.Refusal] = []
    private var failure: OutletFailure?
    /// What the checkpoint under way waits for.
    private var answerMark: AnswerQueue.Mark?
    /// Losses of answers that were known when it was opened.
    private var knownLosses: UInt64 = 0
    private var isOpen = false

    /// - Parameters:
    ///   - answers: where its answers go, if they are taken.
    ///   - stopBy: when the outlet has to have ended, monotonic nanoseconds.
    init(
        driver: any ProcessorDriver, batchCount: Int, answers: AnswerQueue?,
        stopBy: @escaping @Sendable () -> Int64?
    ) {
        self.driver = driver
        self.batchCount = batchCount
        self.answers = answers
        self.stopBy = stopBy
    }

    func open(_ checkpoint: OutletCheckpoint.Resumed?) throws(OutletFailure) {
        done = 0
        attempts.removeAll()
        refusals = []
        failure = nil
        answerMark = nil
        knownLosses = answers?.losses ?? 0
        try driver.open()
        isOpen = true
    }

    // Between a call that threw and the next the loop takes out of the batch what was refused, and nothing else.
    func take(_ batch: EventBatch) throws(OutletFailure) {
        while true {
            if let refusal = refusals.first {
                refusals.removeFirst()
                for index in refusals.indices { refusals[index].index -= 1 }
                done -= 1
                throw .refused([refusal.index], refusal.reason)
            }
            if let failure {
                self.failure = nil
                throw failure
            }
            guard done < batch.events.count else { break }
            let count = attempts.next(of: batch.events.count - done, batch: batchCount)
            note(driver.give(batch, done..<done + count))
        }
        done = 0
    }

    private func note(_ outcome: ProcessorOutcome) {
        refusals += outcome.refusals.map { .init(index: done + $0.index, reason: $0.reason) }
        pass(outcome.passed)
        switch outcome.end {
        case .done: break
        case .failed(let given, let reason):
            if attempts.fail(given: given) {
                refusals.append(
                    .init(index: done, reason: "\(reason); \(ProcessorAttempts.most) times over this event"))
                pass(1)
            } else if given == 0 {
                failure = .unavailable(reason)
            }
        case .again(let reason): failure = .unavailable(reason)
        case .stopped: failure = .unavailable("it has to stop")
        }
    }

    private func pass(_ count: Int) {
        done += count
        attempts.pass(count)
    }

    func flush() throws(OutletFailure) {}
    var heldBytes: Int { 0 }
    func caughtUp() throws(OutletFailure) {}
    func tick(now: Int64) throws(OutletFailure) {}
    func rotate() throws(OutletFailure) {}

    // MARK: Checkpoints

    func beginCheckpoint() throws(OutletFailure) -> Bool {
        try driver.flush()
        answerMark = answers?.mark()
        return true
    }

    /// The cursor moves once the answers to what it passes are durable.
    func endCheckpoint(
        _ keep: (BSONDocument, [BSONDocument]) throws(OutletFailure) -> Void
    ) throws(OutletFailure) -> Bool {
        if let answers, let answerMark {
            guard answers.isDurable(answerMark) else { return false }
            guard answers.losses == knownLosses else {
                throw .distrusted("answers could not be made durable")
            }
        }
        answerMark = nil
        try keep(BSONDocument(), [])
        return true
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        let now = SystemClock.monotonicNanoseconds()
        // As long as it has, so that it can finish; a little in any case, so that it can be ended in order.
        driver.close(by: min(max(stopBy() ?? .max, now + 1_000_000_000), now + 7_000_000_000))
    }

    var details: BSONDocument { BSONDocument() }
}
