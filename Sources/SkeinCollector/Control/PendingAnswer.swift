import SkeinBSON
import SkeinJournal
import SkeinPlatform

/// An answer that has to wait for outlets.
struct PendingAnswer {
    enum Kind {
        /// Everything that had arrived is to be durable, and, if `isHandedOn`, in every outlet. The place is where the
        /// journal ended; nil until a sync of it began.
        case flush(to: JournalPosition?, isSynced: Bool, isHandedOn: Bool)
        /// Outlets let go of their files; each was asked for the time of this number.
        case rotation([String: UInt64])
        /// Something runs on another thread.
        case task(BackgroundTask)
    }

    var kind: Kind
    /// Monotonic nanoseconds.
    let deadline: Int64
    let reply: (BSONDocument) -> Void

    /// A sync began that covers everything before a place.
    mutating func marked(_ position: JournalPosition) {
        guard case .flush(to: nil, let isSynced, let isHandedOn) = kind else { return }
        kind = .flush(to: position, isSynced: isSynced, isHandedOn: isHandedOn)
    }

    /// Everything before a place is durable.
    mutating func synced(_ position: JournalPosition) {
        guard case .flush(let target?, false, let isHandedOn) = kind, target <= position else { return }
        kind = .flush(to: target, isSynced: true, isHandedOn: isHandedOn)
    }
}

/// Work that would hold the inlets up, on a thread of its own.
final class BackgroundTask: Sendable {
    private let state = Monitor<Result<Void, any Error>?>(nil)

    /// - Parameter whenDone: called on the task's thread.
    init(_ body: @escaping @Sendable () throws -> Void, whenDone: @escaping @Sendable () -> Void)
        throws(SystemError)
    {
        let thread = try SystemThread(name: "skein-task") { [state] in
            let result = Result { try body() }
            state.update { $0 = result }
            whenDone()
        }
        thread.detach()
    }

    /// What came of it; nil while it runs.
    var result: Result<Void, any Error>? { state.withLock { $0 } }
}
