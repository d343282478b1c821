import SkeinPlatform
import Synchronization

/// Memory for detail that is held back: chunks of 8 KiB, each of one tree, in a file beside a journal's segments, or anonymous.
///
/// Held events are not in the journal: most of them go nowhere, and would cost the shipper a look and the journal its space. With
/// a folder they survive the death of the process as its open contexts do.
///
/// Threads: any. Claiming and releasing cost some 50 ns each, and are seldom: a chunk takes some 25 events.
public final class HeldArena: Sendable {
    let mapping: Mapping
    /// How many chunks there are.
    public let count: Int
    /// The opening of the journal beside it; 0 without one.
    public let opening: UInt64
    private let free: Monitor<[Int32]>
    private let isInert = Atomic<Bool>(false)
    private let trees = Atomic<UInt64>(0)

    /// - Parameter taken: the chunks that a dead owner left.
    init(mapping: Mapping, count: Int, opening: UInt64, taken: Set<Int>) {
        self.mapping = mapping
        self.count = count
        self.opening = opening
        // The lowest first, so that what was never used stays untouched.
        free = Monitor((0..<count).reversed().compactMap { taken.contains($0) ? nil : Int32($0) })
    }

    /// One on anonymous memory, for who has no journal.
    /// - Throws: `system` when the memory cannot be had.
    public convenience init(anonymousBytes bytes: Int) throws(JournalError) {
        let count = max(1, bytes / HeldChunk.bytes)
        do throws(SystemError) {
            let base = try MemoryMap.anonymous(bytes: count * HeldChunk.bytes)
            self.init(
                mapping: Mapping(base: base, byteCount: count * HeldChunk.bytes), count: count, opening: 0,
                taken: [])
        } catch {
            throw JournalError("taking \(bytes) bytes for held detail", error)
        }
    }

    /// A number for a tree.
    public func nextTree() -> UInt64 { trees.add(1, ordering: .relaxed).newValue }

    /// A chunk of whatever content; nil if all are taken.
    public func claim() -> HeldChunk? {
        guard !isInert.load(ordering: .relaxed), let index = free.withLock({ $0.popLast() }) else {
            return nil
        }
        return chunk(Int(index))
    }

    /// Gives a chunk back. Afterwards a recovery sees nothing of it.
    public func release(_ chunk: HeldChunk) {
        chunk.publish(SlotLayout.free, at: HeldChunk.Offset.state)
        guard !isInert.load(ordering: .relaxed) else { return }
        let index = Int32(truncatingIfNeeded: self.index(of: chunk))
        free.withLock { $0.append(index) }
    }

    /// Where a chunk stands.
    public func index(of chunk: HeldChunk) -> UInt32 {
        UInt32(truncatingIfNeeded: (chunk.base - mapping.base) / HeldChunk.bytes)
    }

    /// Chunks that nobody has.
    public var freeChunks: Int { free.withLock { $0.count } }

    func chunk(_ index: Int) -> HeldChunk { HeldChunk(mapping.base + index * HeldChunk.bytes) }

    /// At the journal's orderly end: what this opening holds is not let go by the next one.
    /// - Returns: whether nothing of an earlier one is left, either.
    func forget() -> Bool {
        var isEmpty = true
        for index in 0..<count {
            let chunk = chunk(index)
            guard chunk.isUsed else { continue }
            if chunk.opening == opening {
                chunk.publish(SlotLayout.free, at: HeldChunk.Offset.state)
            } else {
                isEmpty = false
            }
        }
        return isEmpty
    }

    /// Takes the file from under the memory, at the same addresses: the next owner's must not be written.
    func detach() {
        isInert.store(true, ordering: .relaxed)
        mapping.detach()
    }
}

/// What a dead owner held of one tree, to be let go: ``JournalRecovery`` in SkeinShipping does.
public struct RecoveredTree: Sendable {
    /// In the order of their events; the first is the head.
    public let chunks: [HeldChunk]
}

/// What recovery knows of held events: how many of each tree got into a chunk.
struct HeldOrdinals {
    struct Key: Hashable {
        let opening: UInt64
        let tree: UInt64
    }
    private(set) var trees: [Key: UInt64] = [:]

    init() {}

    init(_ mapping: Mapping, count: Int) {
        for index in 0..<count {
            let chunk = HeldChunk(mapping.base + index * HeldChunk.bytes)
            guard chunk.isUsed else { continue }
            let key = Key(opening: chunk.opening, tree: chunk.tree)
            trees[key] = max(trees[key] ?? 0, chunk.ordinal)
        }
    }

    /// Whether an event with this stamp was held. Of a tree that is not there any more all were: it was over when it went.
    func contains(stamp: UInt64, opening: UInt64) -> Bool {
        guard let held = trees[Key(opening: opening, tree: stamp >> 24)] else { return true }
        // The ordinal's low bits, and the event is one of the last.
        return (held &- (stamp & 0xFF_FFFF)) & 0xFF_FFFF != 0
            && (held &- (stamp & 0xFF_FFFF)) & 0xFF_FFFF < 0x80_0000
    }
}

extension RecoveredJournal {
    /// Finds what was held of trees whose verdict was not spoken, or not carried out. What is in no tree is given back.
    /// - Returns: indices of the chunks that are still taken.
    mutating func resolveHeld(_ mapping: Mapping, count: Int, _ stamps: StampJudge) -> Set<Int> {
        var found: [HeldOrdinals.Key: [(index: Int, chunk: HeldChunk)]] = [:]
        for index in 0..<count {
            let chunk = HeldChunk(mapping.base + index * HeldChunk.bytes)
            guard chunk.isUsed else { continue }
            chunk.settle(stamps.isCommitted)
            found[HeldOrdinals.Key(opening: chunk.opening, tree: chunk.tree), default: []].append(
                (index, chunk))
        }
        var taken: Set<Int> = []
        var trees: [(key: HeldOrdinals.Key, tree: RecoveredTree)] = []
        for (key, members) in found {
            let sorted = members.sorted { $0.chunk.order < $1.chunk.order }
            guard let head = sorted.first, head.chunk.order == 0, !head.chunk.isSilenced,
                sorted.allSatisfy({ $0.chunk.head == UInt32(head.index) })
            else {
                // The head last: without it the others are of no tree.
                for member in sorted.reversed() {
                    member.chunk.publish(SlotLayout.free, at: HeldChunk.Offset.state)
                }
                continue
            }
            taken.formUnion(sorted.map(\.index))
            trees.append((key, RecoveredTree(chunks: sorted.map(\.chunk))))
        }
        heldTrees = trees.sorted { ($0.key.opening, $0.key.tree) < ($1.key.opening, $1.key.tree) }.map(\.tree)
        return taken
    }
}

/// Whether what a slot or a chunk was stamped with came to be: a record of a stream, or a held event.
struct StampJudge {
    let journal: JournalID?
    let lastNumbers: [JournalStream: UInt64]
    let held: HeldOrdinals

    func isCommitted(opening: UInt64, shard: UInt32, number: UInt64) -> Bool {
        if shard == HeldChunk.heldShard { return held.contains(stamp: number, opening: opening) }
        guard let journal else { return false }
        return lastNumbers[JournalStream(journal: journal, opening: opening, shard: shard)].map {
            number <= $0
        }
            ?? false
    }
}
