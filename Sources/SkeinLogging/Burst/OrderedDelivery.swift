import SkeinPlatform
import Synchronization

/// Lets several threads hand over one after the other, in the order in which they queued.
final class OrderedDelivery: Sendable {
    enum Turn {
        case own(UInt64)
        /// What is let go while letting go, on the same thread, is part of that turn.
        case within
    }

    private let queued = Atomic<UInt64>(0)
    private let served = Monitor<UInt64>(0)
    /// The thread whose turn it is; 0: nobody's.
    private let deliverer = Atomic<UInt>(0)

    /// Takes the next turn, which must be used up with ``deliver(_:_:)``.
    func queue() -> Turn {
        if deliverer.load(ordering: .relaxed) == currentThreadNumber() { return .within }
        return .own(queued.add(1, ordering: .relaxed).oldValue)
    }

    /// Waits for a turn and hands over.
    func deliver(_ turn: Turn, _ body: () -> Void) {
        guard case .own(let number) = turn else { return body() }
        _ = served.wait(until: .max) { $0 == number ? true : nil }
        deliverer.store(currentThreadNumber(), ordering: .relaxed)
        body()
        deliverer.store(0, ordering: .relaxed)
        served.update { $0 += 1 }
    }
}
