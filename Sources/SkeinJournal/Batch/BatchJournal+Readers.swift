import SkeinPlatform
import Synchronization

/// A reader's durable cursor.
public struct JournalCursor: Sendable, Equatable {
    /// The reader's name.
    public let name: String
    /// Everything before this is acknowledged, durably.
    public let position: JournalPosition
    /// Bytes of durable records, with their headers, behind it.
    public let backlogBytes: Int
}

extension BatchJournal {
    /// Where a reader with a new name begins.
    public enum Start: Sendable {
        /// At the oldest record that the journal still has.
        case oldest
        /// Behind all that is durable now.
        case end
    }

    /// A reader of what is durable, with the cursor of that name. From then on the name holds segments back, whether
    /// anyone reads or not, until ``dropCursor(_:)``. One reader for each name. Any thread.
    /// - Throws: `configuration` for a name that cannot be a file's; `system` or `noSpace` when the cursor's file
    ///   cannot be made.
    public func reader(named name: String, from start: Start = .oldest) throws(JournalError) -> JournalReader
    {
        try CursorName.check(name)
        let writer = try cursors.withLock { cursors throws(JournalError) -> CursorWriter? in
            if let known = cursors[name] { return known }
            let writer = try CursorWriter.make(storage: store.storage, folder: folder, name, syncs: true)
            // Between these two the segments at the place may be recycled. So it is held first.
            var record = CursorRecord.start
            store.setCursors(name, [record])
            switch start {
            case .oldest:
                record.position.sequence = store.segment(lane: 0, from: 0)?.sequence ?? 0
            case .end:
                record.position = durablePosition
            }
            record.generation = 1
            do throws(JournalError) {
                if record.position.sequence > 0 { try writer?.write(record, lane: 0) }
            } catch {
                store.removeCursor(name)
                throw error
            }
            store.moveCursor(name, lane: 0, to: record)
            cursors[name] = writer
            return writer
        }
        return JournalReader(
            store: store, shard: 0, name: name, liveOpening: opening, seals: false,
            cursor: store.cursor(name, lane: 0) ?? .start, cursorFile: writer)
    }

    /// Every cursor, whether a reader uses it or not. Any thread.
    public var allCursors: [JournalCursor] {
        store.cursorNames.map { name in
            let position = store.cursor(name, lane: 0)?.position ?? CursorRecord.start.position
            return JournalCursor(
                name: name, position: position, backlogBytes: store.backlog(lane: 0, from: position))
        }
    }

    /// Forgets a cursor and lets go of what it held back. Its reader is not to be used any more. Any thread.
    public func dropCursor(_ name: String) throws(JournalError) {
        let known = cursors.withLock { $0.removeValue(forKey: name) }
        store.removeCursor(name)
        guard known != nil else { return }
        let path = "\(folder)/\(name)\(CursorName.suffix)"
        do throws(SystemError) {
            try store.storage.remove(path)
            try store.storage.syncFolder(folder)
        } catch {
            throw JournalError("removing the cursor \(path)", error)
        }
    }
}
