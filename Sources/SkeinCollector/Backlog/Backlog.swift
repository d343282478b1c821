import SkeinJournal
import SkeinPlatform
import Synchronization

/// What waits for one outlet outside the main journal: a journal of its own, in `<dataPath>/backlog/<outlet>/`.
///
/// Its one stream holds copies of the main journal's records, each numbered by its place there. So a copy that is made again
/// after a kill is known by its number, and the number says where the main journal goes on.
final class Backlog: Sendable {
    let journal: BatchJournal
    let path: String
    private let row: UInt32
    private let segmentBytes: Int

    /// The name of the outlet's cursor in it.
    static let cursorName = "outlet"

    /// Opens a backlog, or makes one.
    /// - Parameters:
    ///   - origin: the main journal.
    ///   - above: in a new one, the number above which copies begin.
    /// - Returns: nil if what lies there is of another main journal.
    init?(
        path: String, origin: JournalID, segmentBytes: Int, budgetBytes: Int, above: UInt64
    ) throws(JournalError) {
        // A copy is a little longer than its record.
        let segment = min(1 << 30, segmentBytes + 4096)
        self.segmentBytes = segment
        journal = try BatchJournal(
            .init(folder: path, segmentBytes: segment, budgetBytes: max(budgetBytes, 4 * segment)))
        self.path = path
        let stream = JournalStream(journal: origin, opening: 0, shard: 0)
        do throws(JournalError) {
            if let known = journal.stream(stream) {
                row = known.index
            } else if journal.allStreams.contains(where: { $0.index != 0 }) {
                journal.close()
                return nil
            } else {
                row = try journal.openStream(
                    stream, isDurable: true, highest: above, now: SystemClock.wallNanoseconds()
                ).index
                try journal.sync(try journal.beginMark())
            }
        } catch {
            journal.close()
            throw error
        }
    }

    /// The number of the last copy, whether durable or not.
    var highest: UInt64 { journal.stream(row)?.highest ?? 0 }

    /// Whether more copies fit into the budget.
    var hasRoom: Bool {
        let usage = journal.usage
        let segment = segmentBytes
        return usage.bytes - usage.freeSegments * segment + 2 * segment <= usage.budgetBytes
    }

    /// Appends what was put together. Tallies may go into the reserve.
    func append(_ memory: BacklogMemory, through number: UInt64, useReserve: Bool) -> BatchOutcome {
        journal.append(
            memory.bytes, stream: row, numbers: 1...max(1, number), arrival: nil, useReserve: useReserve
        ) { _ in true }
    }

    /// How many events were dropped since it was made, since it was full. Outlives a kill.
    var dropped: UInt64 {
        get { journal.counter(0).pointee.load(ordering: .relaxed) }
        set { journal.counter(0).pointee.store(newValue, ordering: .relaxed) }
    }

    /// Ends it, and removes it from the disk: all at once, as far as the next start can see.
    func remove() -> SystemError? {
        journal.close()
        return Self.remove(path)
    }

    // No outlet's name begins with a dot.
    private static let gone = ".gone-"

    /// Removes the folder of a backlog that nobody has open.
    static func remove(_ path: String) -> SystemError? {
        guard let slash = path.lastIndex(of: "/") else { return SystemError(code: EINVAL) }
        let gone = "\(path[...slash])\(gone)\(path[path.index(after: slash)...])"
        // What an earlier attempt left stands in the way of the name.
        if let error = removeTree(gone) { return error }
        guard rename(path, gone) == 0 else {
            let error = SystemError.current
            return error.code == ENOENT ? nil : error
        }
        return removeTree(gone)
    }

    /// Removes what a kill left of removals.
    static func removeLeftovers(in folder: String) {
        for name in Folder.names(folder) where name.hasPrefix(gone) {
            _ = removeTree(folder + "/" + name)
        }
    }

    /// Removes a folder of files.
    private static func removeTree(_ path: String) -> SystemError? {
        for name in Folder.names(path) where unlink(path + "/" + name) != 0 && errno != ENOENT {
            return .current
        }
        guard rmdir(path) == 0 || errno == ENOENT else { return .current }
        return nil
    }
}
