internal import SkeinJournal
internal import SkeinPlatform
internal import SkeinShipping
internal import SkeinWire
internal import Synchronization

/// What a pipeline holds back: the memory for it, how much there is, and which trees another service may ask for.
///
/// Locks, outer first: the store's, a tree's, a shard's.
final class HeldStore: Sendable {
    private struct Shared {
        var arena: HeldArena?
        var hasFailed = false
        /// Open trees and lingering ones, by trace id: only if they can be asked for.
        var byTrace: [TraceID: [HeldTree]] = [:]
        /// In the order in which they end, if all linger as long.
        var lingering: [(tree: HeldTree, deadline: Int64)] = []
        var isClosed = false
    }

    private let shared = Monitor(Shared())
    private let journal: MappedJournal?
    private let bytes: Int
    private let warn: @Sendable (String) -> Void
    /// Whether other services are told, and listened to.
    let isShared: Bool
    /// Events that are held now, and those that gave way to later ones of a tree whose verdict is still to come.
    let heldNow = Atomic<Int>(0)
    /// No chunk was free: those that linger are to give way.
    private let isShort = Atomic<Bool>(false)
    private let hasLingering = Atomic<Bool>(false)

    init(journal: MappedJournal?, _ configuration: EventPipeline.Configuration) {
        self.journal = journal
        bytes = configuration.heldBytes
        isShared = configuration.releaseAcrossServices
        warn = configuration.onWarning
    }

    /// The memory; made when it is first asked for. Nil if there is none to be had: then nothing can be held.
    var arena: HeldArena? {
        shared.withLock { shared in
            if shared.arena == nil, !shared.hasFailed {
                do throws(JournalError) {
                    if let journal { shared.arena = try journal.heldArena(bytes: bytes) }
                } catch {
                    warn("\(error); what is held back does not survive the process")
                }
                if shared.arena == nil {
                    shared.arena = try? HeldArena(anonymousBytes: bytes)
                    shared.hasFailed = shared.arena == nil
                }
            }
            return shared.arena
        }
    }

    // MARK: Trees that others may ask for

    func register(_ tree: HeldTree) {
        guard isShared else { return }
        shared.withLock { if !$0.isClosed { $0.byTrace[tree.trace, default: []].append(tree) } }
    }

    func unregister(_ tree: HeldTree) {
        guard isShared else { return }
        shared.withLock { Self.remove(tree, &$0) }
    }

    private static func remove(_ tree: HeldTree, _ shared: inout Shared) {
        guard var trees = shared.byTrace[tree.trace] else { return }
        trees.removeAll { $0 === tree }
        shared.byTrace[tree.trace] = trees.isEmpty ? nil : trees
    }

    /// Keeps a tree whose root ended well for a while.
    /// - Returns: whether it will be looked after.
    func linger(_ tree: HeldTree) -> Bool {
        let now = SystemClock.monotonicNanoseconds()
        return shared.withLock { shared in
            guard !shared.isClosed else { return false }
            Self.expire(&shared, now, isShort: isShort.exchange(false, ordering: .relaxed))
            shared.lingering.append((tree, now + tree.keep.linger.wholeNanoseconds))
            hasLingering.store(true, ordering: .relaxed)
            return true
        }
    }

    func tellShort() {
        if hasLingering.load(ordering: .relaxed) { isShort.store(true, ordering: .relaxed) }
    }

    private static func expire(_ shared: inout Shared, _ now: Int64, isShort: Bool) {
        var gone = 0
        for (index, entry) in shared.lingering.enumerated() {
            // Short of memory the older half gives way, whatever its time.
            guard entry.deadline <= now || isShort && index <= shared.lingering.count / 2 else { continue }
            entry.tree.expire()
            remove(entry.tree, &shared)
            gone += 1
        }
        if gone > 0 { shared.lingering.removeAll { $0.tree.isOver } }
    }

    /// The pipeline ends: what lingers goes nowhere.
    func close() {
        shared.withLock { shared in
            shared.isClosed = true
            for entry in shared.lingering { entry.tree.expire() }
            shared.lingering = []
            shared.byTrace = [:]
        }
    }
}

extension HeldStore: HeldDetail {
    /// Something was held at some time, so that it is worth listening.
    var isListening: Bool { isShared && shared.withLock { $0.arena != nil } }

    func tend(now: Int64) {
        guard hasLingering.load(ordering: .relaxed) else { return }
        shared.withLock { shared in
            Self.expire(&shared, now, isShort: isShort.exchange(false, ordering: .relaxed))
            if shared.lingering.isEmpty { hasLingering.store(false, ordering: .relaxed) }
        }
    }

    /// Another service let go what it held of an id. Under the lock: the pipeline does not end meanwhile.
    func release(id: String) {
        let trace = TraceID(hex: id) ?? TraceID(derivedFrom: Array(id.utf8))
        shared.withLock { shared in
            guard !shared.isClosed, let trees = shared.byTrace[trace] else { return }
            for tree in trees { tree.letGo(isAsked: true) }
            shared.byTrace[trace] = nil
            shared.lingering.removeAll { $0.tree.isOver }
        }
    }

    func countBad() { journal?.counter(PipelineCounter.badReleases.index).pointee.add(1, ordering: .relaxed) }
}

/// What a recorder's pipelines hold back, to its shipper: pipelines come and go.
final class HeldRelay: HeldDetail {
    private let stores = Monitor<[HeldStore]>([])

    func add(_ store: HeldStore) { stores.withLock { $0.append(store) } }
    func remove(_ store: HeldStore) { stores.withLock { stores in stores.removeAll { $0 === store } } }

    private var all: [HeldStore] { stores.withLock { $0 } }

    var isListening: Bool { all.contains { $0.isListening } }
    func tend(now: Int64) { for store in all { store.tend(now: now) } }
    func release(id: String) { for store in all { store.release(id: id) } }
    func countBad() { all.first?.countBad() }
}
