import SkeinPlatform
import Synchronization

/// The open connections of a server, each with the moment at which its current step must be over.
///
/// libmicrohttpd's own timeout counts silence only: a peer that sends or reads one byte now and then would keep
/// its connection for ever.
final class ConnectionWatch: Sendable {
    private struct Entry {
        var descriptor: Int32
        var deadline: Int64
    }

    // By the connection's address.
    private let entries = Mutex<[UInt: Entry]>([:])
    private let cuts = Atomic<Int>(0)

    var cut: Int { cuts.load(ordering: .relaxed) }

    func opened(_ connection: OpaquePointer, descriptor: Int32, deadline: Int64) {
        let key = UInt(bitPattern: connection)
        entries.withLock { $0[key] = Entry(descriptor: descriptor, deadline: deadline) }
    }

    /// Called before libmicrohttpd closes the descriptor, so that what is listed is open.
    func closed(_ connection: OpaquePointer) {
        let key = UInt(bitPattern: connection)
        _ = entries.withLock { $0.removeValue(forKey: key) }
    }

    /// The next step must be over at `deadline`; `.max` while it is ours.
    func step(_ connection: OpaquePointer, deadline: Int64) {
        let key = UInt(bitPattern: connection)
        entries.withLock { $0[key]?.deadline = deadline }
    }

    /// Shuts down the sockets that are late; libmicrohttpd then sees their end and closes them.
    func cutOverdue(at now: Int64) {
        entries.withLock { entries in
            for (key, entry) in entries where entry.deadline <= now {
                shutdown(entry.descriptor, Int32(SHUT_RDWR))
                entries[key]?.deadline = .max
                cuts.add(1, ordering: .relaxed)
            }
        }
    }
}
