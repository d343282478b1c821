import SkeinBSON
import SkeinJournal
import SkeinPlatform
import Synchronization

/// Where in the journal a hold begins. Until that is known nothing is held by it. Any thread.
final class HoldBeginning: Sendable {
    private let place: Atomic<UInt64>

    init(_ ordinal: UInt64 = .max) { place = Atomic(ordinal) }

    /// Records from this ordinal on are held.
    ///
    /// Asked for each record after the record was read: whoever still finds none has read nothing behind the place that is then
    /// set, since the journal's end does not move meanwhile (``HoldBeginnings/settle(_:)``).
    var ordinal: UInt64 { place.load(ordering: .acquiring) }

    fileprivate func set(_ ordinal: UInt64) { place.store(ordinal, ordering: .releasing) }
}

/// Where holds begin, kept in `<dataPath>/hold.begin`: what lies before is nobody's to hold, since outlets may have it already.
final class HoldBeginnings: Sendable {
    struct State {
        /// By the holds' ids, the oldest first.
        fileprivate var known: [(id: UInt64, beginning: HoldBeginning)] = []
        /// Those of the rules in force.
        fileprivate var current: [UInt64] = []
        /// Those that have none yet.
        fileprivate var open: [UInt64] = []
        /// Everybody goes by the rules whose holds are open.
        fileprivate var isArmed = false
    }

    /// Those of rules that outlets which are no longer configured still go by.
    private static let maximum = 256

    private let path: String
    private let state: Mutex<State>

    init(path: String) {
        self.path = path
        var state = State()
        if let bytes = try? BoundedFile.read(path, maximumBytes: 1 << 20),
            let document = try? BSONDocument(validating: bytes)
        {
            for (key, value) in document["begins"]?.documentValue ?? [:] {
                guard let id = UInt64(key, radix: 16), let ordinal = value.intValue else { continue }
                state.known.append((id, HoldBeginning(UInt64(bitPattern: ordinal))))
            }
            state.current = (document["current"]?.arrayValues ?? []).compactMap { value in
                value.stringValue.flatMap { UInt64($0, radix: 16) }
            }
        }
        self.state = Mutex(state)
    }

    /// The holds of the rules that are to be in force: those that were not begin anew.
    /// - Returns: all that are known; and what was before, to be put back if nothing comes of it.
    func change(to ids: [UInt64]) -> (all: [UInt64: HoldBeginning], before: State) {
        state.withLock { state in
            let before = state
            let new = ids.filter { !state.current.contains($0) || state.open.contains($0) }
            state.known.removeAll { new.contains($0.id) }
            state.known.removeFirst(max(0, state.known.count - Self.maximum))
            state.known += new.map { ($0, HoldBeginning()) }
            state.open = new
            state.current = ids
            state.isArmed = false
            return (
                Dictionary(state.known.map { ($0.id, $0.beginning) }) { first, _ in first }, before
            )
        }
    }

    /// Nothing came of the last change.
    func restore(_ before: State) { state.withLock { $0 = before } }

    /// Everybody goes by the last change: at the next occasion its holds begin.
    func arm() -> SystemError? {
        state.withLock { state in
            state.isArmed = true
            // What is no longer in force must begin anew, whenever it comes again.
            return state.open.isEmpty ? write(state, nil) : nil
        }
    }

    /// Holds that have no beginning yet begin here. Called where the journal's end does not move: before anything is synced, or
    /// by who syncs. Durable before anybody goes by it.
    func settle(_ end: JournalPosition) -> SystemError? {
        state.withLock { state in
            guard state.isArmed, !state.open.isEmpty else { return nil }
            if let error = write(state, end.ordinal) { return error }
            for (id, beginning) in state.known where state.open.contains(id) { beginning.set(end.ordinal) }
            state.open = []
            return nil
        }
    }

    private func write(_ state: State, _ end: UInt64?) -> SystemError? {
        var begins = BSONDocument()
        for (id, beginning) in state.known {
            let ordinal = state.open.contains(id) ? end : beginning.ordinal
            if let ordinal { begins.append(String(id, radix: 16), .int64(Int64(bitPattern: ordinal))) }
        }
        let current = state.current.map { BSONValue.string(String($0, radix: 16)) }
        return write(
            (["begins": .document(begins), "current": .array(.array(current))] as BSONDocument).bytes)
    }

    private func write(_ bytes: [UInt8]) -> SystemError? {
        let temporary = path + ".new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { return .current }
        let count = bytes.withUnsafeBytes { SkeinPlatform.write(file, $0.baseAddress, $0.count) }
        let failure =
            count == bytes.count ? FileDurability.sync(file) : SystemError(code: count < 0 ? errno : ENOSPC)
        _ = close(file)
        guard failure == nil, rename(temporary, path) == 0 else { return failure ?? .current }
        return FileDurability.syncFolder(path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ".")
    }
}
