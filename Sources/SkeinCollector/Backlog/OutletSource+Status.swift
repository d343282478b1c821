import SkeinBSON
import SkeinJournal
import SkeinPlatform

extension OutletSource {
    /// What STATUS says of the rules' conditions: how often one went over a limit, since the rules were read.
    var conditionOverruns: BSONValue {
        .int64(Int64(bitPattern: state.withLock { $0.routing }.overruns))
    }

    /// What STATUS says of the backlog; null if there is none.
    var status: BSONValue {
        let (backlog, bytes, isDiverted, isFull, problem) = state.withLock { state in
            (
                state.backlog, state.backlogReader?.backlogBytes ?? 0, state.isDiverted, state.isFull,
                state.problem
            )
        }
        guard let backlog else { return problem.map { ["problem": .string($0)] } ?? .null }
        let usage = backlog.journal.usage
        return [
            "path": .string(backlog.path), "bytes": .int64(Int64(bytes)),
            "disk_bytes": .int64(Int64(usage.bytes)),
            "budget": .int64(Int64(usage.budgetBytes)), "is_filling": .bool(isDiverted),
            "is_full": .bool(isFull),
            "dropped": .int64(Int64(clamping: backlog.dropped)),
            "problem": problem.map { .string($0) } ?? .null,
        ]
    }
}
