import SkeinBSON
public import SkeinJournal
import SkeinPlatform
public import SkeinWire
import Synchronization

/// Makes events of what a dead process left open in its journal: one for each context (`error: {type: "abandoned"}`), and one of
/// type `skein.process` for the process itself, if it did not close the journal. What it held back of trees whose root had not
/// ended goes before them, in order: the death is the error that it was held for.
///
/// Each is appended with its slot, so that a kill at any instant neither loses nor doubles it; the next recovery goes on.
/// A ``Shipper`` that is given one does it on its own thread, so that nobody waits for it: about 5 µs a context. When the journal
/// is full, the rest waits until something was acknowledged.
///
/// **Threads**: ``proceed()`` is for one thread at a time; the rest is for any.
public final class JournalRecovery: Sendable {
    private let journal: MappedJournal
    private let host: String
    private let next = Atomic<Int>(0)
    private let nextTree = Atomic<Int>(0)
    private let letGoCount = Atomic<Int>(0)
    private let abandonedCount = Atomic<Int>(0)
    private let unreadableCount = Atomic<Int>(0)
    private let isFinished: Atomic<Bool>

    /// - Parameters:
    ///   - journal: as it was opened. Nobody else releases what ``RecoveredJournal/openSlots`` names.
    ///   - host: the machine's name, for journals that do not say it.
    public init(_ journal: MappedJournal, host: String) {
        self.journal = journal
        self.host = host
        isFinished = Atomic(
            journal.recovered.openSlots.isEmpty && journal.recovered.heldTrees.isEmpty
                && journal.deadOwnerSlot == nil)
    }

    /// Events made of contexts that were open.
    public var abandoned: Int { abandonedCount.load(ordering: .relaxed) }

    /// Held events that were let go.
    public var letGo: Int { letGoCount.load(ordering: .relaxed) }

    /// Slots and held events that made no sense, and were given up.
    public var unreadable: Int { unreadableCount.load(ordering: .relaxed) }

    /// Whether nothing is left to do.
    public var isDone: Bool { isFinished.load(ordering: .acquiring) }

    /// What the process had counted that left the journal; of all processes before this one.
    public var earlier: ProcessLedger {
        ProcessLedger(
            records: journal.recovered.earlierRecords, counters: journal.recovered.owner?.counters ?? [])
    }

    /// Does what is left, as far as the journal has room.
    /// - Returns: whether nothing is left.
    @discardableResult
    public func proceed() -> Bool {
        if isDone { return true }
        guard reportOwner(), letHeldGo() else { return false }
        let slots = journal.recovered.openSlots
        let owner = journal.recovered.owner
        while case let index = next.load(ordering: .relaxed), index < slots.count {
            let slot = slots[index].slot
            let document = AbandonedEvent.document(
                slot: UnsafeRawBufferPointer(start: slot, count: SkeinWire.SlotLayout.size),
                lastSignOfLife: owner?.lastSignOfLife ?? 0, host: named(owner?.host),
                service: owner.flatMap { $0.service.isEmpty ? nil : $0.service })
            if let document, document.count <= journal.shards[0].maximumPayload {
                guard append(document, slot) else { return false }
                abandonedCount.add(1, ordering: .relaxed)
            } else {
                unreadableCount.add(1, ordering: .relaxed)
            }
            journal.releaseSlot(slot)
            next.store(index + 1, ordering: .relaxed)
        }
        isFinished.store(true, ordering: .releasing)
        return true
    }

    /// Each event with its chunk's stamp, each tree's head last: a kill at any instant neither loses nor doubles one.
    private func letHeldGo() -> Bool {
        let trees = journal.recovered.heldTrees
        guard let arena = journal.heldArena else { return true }
        while case let index = nextTree.load(ordering: .relaxed), index < trees.count {
            let chunks = trees[index].chunks
            for chunk in chunks {
                while let event = chunk.oldest {
                    // What another process left: nothing of it is trusted.
                    guard !event.isElsewhere, BSONValidator.isValid(UnsafeRawBufferPointer(event.bytes))
                    else {
                        unreadableCount.add(1, ordering: .relaxed)
                        chunk.pass(event)
                        continue
                    }
                    let isTaken = HeldRate.multiplied(
                        UnsafeRawBufferPointer(event.bytes), by: chunks[0].rateFactor
                    ) { chunk.letGo(event, $0, to: journal.shards[0]) }
                    guard isTaken else { return false }
                    letGoCount.add(1, ordering: .relaxed)
                }
            }
            for chunk in chunks.reversed() { arena.release(chunk) }
            nextTree.store(index + 1, ordering: .relaxed)
        }
        return true
    }

    private func reportOwner() -> Bool {
        guard let slot = journal.deadOwnerSlot, let owner = journal.recovered.owner else { return true }
        let document = ProcessEvent.document(
            ProcessEvent.Process(
                pid: owner.pid, host: named(owner.host),
                service: owner.service.isEmpty ? nil : owner.service, opened: owner.opened,
                lastSignOfLife: owner.lastSignOfLife,
                ledger: ProcessLedger(records: owner.records, counters: owner.counted),
                openContexts: journal.recovered.openSlots.count))
        guard append(document, slot) else { return false }
        journal.deadOwnerIsReported()
        return true
    }

    private func named(_ host: String?) -> String {
        guard let host, !host.isEmpty else { return self.host }
        return host
    }

    private func append(_ document: [UInt8], _ slot: UnsafeMutableRawPointer) -> Bool {
        document.withUnsafeBytes { bytes in
            journal.shards[0].append(
                kind: .event, flags: 0, arrival: SystemClock.wallNanoseconds(), capacity: bytes.count,
                slot: slot
            ) { target in
                if let base = bytes.baseAddress { target.copyMemory(from: base, byteCount: bytes.count) }
                return bytes.count
            } != 0
        }
    }
}
