import SkeinPlatform
import Synchronization

/// What the adopter's thread and its users share.
final class SpoolAdopterShared: Sendable {
    struct State {
        var status: SpoolStatus
        /// When to have ended, by the monotonic clock; nil while it should run.
        var deadline: Int64?
        var hasEnded = false
    }

    let state: Monitor<State>
    /// This is the child of a fork: the thread stayed in the parent.
    let isForgotten = Atomic<Bool>(false)

    init(_ folder: String) {
        state = Monitor(State(status: SpoolStatus(folder: folder)))
    }
}
