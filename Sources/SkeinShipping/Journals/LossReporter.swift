import SkeinJournal
import SkeinPlatform
import SkeinWire
import Synchronization

/// Tells downstream what an app lost, as events of its own journal: type `skein.dropped`, at most one in two seconds for each
/// reason, as soon as the journal has room. On the shipper's thread.
final class LossReporter: @unchecked Sendable {
    // Sendable: used by the shipper's thread alone.
    private struct Told {
        var count: UInt64
        /// When the count was last seen to be that, Unix nanoseconds.
        var seen: Int64
        /// Monotonic nanoseconds.
        var time: Int64
    }

    private static let interval: Int64 = 2_000_000_000
    private static let losses = PipelineCounter.allCases.filter(\.isLoss)

    private let journal: MappedJournal
    private let host: String
    private let pid: Int32
    private let service: String?
    private var told: [PipelineCounter: Told] = [:]

    /// What was counted before is earlier processes', and told by their end.
    init(_ journal: MappedJournal, host: String, pid: Int32, service: String?) {
        self.journal = journal
        self.host = host
        self.pid = pid
        self.service = service
        let now = SystemClock.wallNanoseconds()
        for counter in Self.losses {
            told[counter] = Told(count: count(counter), seen: now, time: .min / 2)
        }
    }

    func tell(now: Int64) {
        for counter in Self.losses {
            guard var last = told[counter] else { continue }
            let count = count(counter)
            let wall = SystemClock.wallNanoseconds()
            if count == last.count {
                last.seen = wall
                told[counter] = last
            } else if now - last.time >= Self.interval {
                let drop = DropEvent.Drop(
                    reason: counter.name, place: "app", count: count &- last.count, since: last.seen,
                    until: wall)
                // A full journal has no room for this either: later.
                guard append(DropEvent.document(drop, host: host, pid: pid, service: service), wall) else {
                    return
                }
                told[counter] = Told(count: count, seen: wall, time: now)
            }
        }
    }

    private func count(_ counter: PipelineCounter) -> UInt64 {
        journal.counter(counter.index).pointee.load(ordering: .relaxed)
    }

    private func append(_ event: [UInt8], _ arrival: Int64) -> Bool {
        guard let shard = journal.shards.first else { return false }
        return event.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return false }
            return shard.append(kind: .event, flags: 0, arrival: arrival, capacity: bytes.count, slot: nil) {
                $0.copyMemory(from: base, byteCount: bytes.count)
                return bytes.count
            } != 0
        }
    }
}
