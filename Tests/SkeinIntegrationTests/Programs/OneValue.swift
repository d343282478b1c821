import Dispatch
import Synchronization

/// A value that comes once, from any thread, and waits for it that end.
final class OneValue<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var waiters: [Int: CheckedContinuation<Value?, Never>] = [:]
        var nextID = 0
    }

    private let state = Mutex(State())

    /// Gives the value; a second one is ignored.
    func set(_ value: Value) {
        state.withLock { state in
            guard state.value == nil else { return }
            state.value = value
            for waiter in state.waiters.values { waiter.resume(returning: value) }
            state.waiters = [:]
        }
    }

    var now: Value? { state.withLock { $0.value } }

    /// The value, or nil if it has not come after `limit` seconds.
    func wait(within limit: Double) async -> Value? {
        await withCheckedContinuation { (continuation: CheckedContinuation<Value?, Never>) in
            let id: Int? = state.withLock { state in
                if let value = state.value {
                    continuation.resume(returning: value)
                    return nil
                }
                state.nextID += 1
                state.waiters[state.nextID] = continuation
                return state.nextID
            }
            guard let id else { return }
            DispatchQueue.global().asyncAfter(deadline: .now() + limit) {
                self.state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(returning: nil)
            }
        }
    }
}
