/// What an outlet drives a processor with, whatever kind it is. The outlet's thread makes every call.
protocol ProcessorDriver: AnyObject {
    /// Makes ready.
    func open() throws(OutletFailure)

    /// Gives events of a batch and waits for what becomes of them, no longer than the outlet has to stop.
    func give(_ batch: EventBatch, _ range: Range<Int>) -> ProcessorOutcome

    /// Hands on what was taken.
    func flush() throws(OutletFailure)

    /// Ends.
    /// - Parameter deadline: monotonic nanoseconds.
    func close(by deadline: Int64)
}

/// What became of events that were given to a processor.
struct ProcessorOutcome: Equatable {
    enum End: Equatable {
        /// There is nothing more to say: those that are not passed are given again at once.
        case done
        /// It ended, or was ended, after it had been given so many of those behind the passed ones. With none it is away.
        case failed(given: Int, String)
        /// The rest is to be given again later.
        case again(String)
        /// The outlet has to stop.
        case stopped
    }

    /// An event that is refused for good.
    struct Refusal: Equatable {
        var index: Int
        var reason: String
    }

    /// How many are done with: taken or refused.
    var passed: Int
    /// Those among them that were refused, in order.
    var refusals: [Refusal] = []
    var end: End
}

/// Sees to it that a processor gets an event at most three times: what it failed over as a batch it is given again one by one,
/// and the one that it fails over for the third time is refused.
struct ProcessorAttempts {
    static let most = 3

    /// How often each of the events next in turn was given; those behind them never.
    private var counts: [Int] = []

    /// How many events to give next.
    func next(of waiting: Int, batch: Int) -> Int {
        counts.isEmpty ? min(waiting, batch) : min(waiting, 1)
    }

    /// The first events are done with.
    mutating func pass(_ count: Int) {
        counts.removeFirst(min(count, counts.count))
    }

    /// So many of the next events were given in vain.
    /// - Returns: whether that was once too often for the first.
    mutating func fail(given: Int) -> Bool {
        for index in 0..<given {
            if index < counts.count { counts[index] += 1 } else { counts.append(1) }
        }
        return given > 0 && counts[0] >= Self.most
    }

    mutating func removeAll() { counts = [] }
}
