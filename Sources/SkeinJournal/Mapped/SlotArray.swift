import SkeinPlatform
import Synchronization

/// The slots of open contexts. Claimed and released rarely: the SDK keeps those it has for its next contexts.
final class SlotArray: Sendable {
    let mapping: Mapping
    let count: Int
    private let free: Monitor<[Int32]>

    /// - Parameter taken: the slots that a dead owner left open.
    init(mapping: Mapping, count: Int, taken: Set<Int>) {
        self.mapping = mapping
        self.count = count
        // The lowest first, so that what was never used stays untouched.
        free = Monitor((0..<count).reversed().compactMap { taken.contains($0) ? nil : Int32($0) })
    }

    func pointer(_ index: Int) -> UnsafeMutableRawPointer { mapping.base + index * SlotLayout.bytes }

    func claim() -> UnsafeMutableRawPointer? {
        guard let index = free.withLock({ $0.popLast() }) else { return nil }
        let slot = pointer(Int(index))
        slot.initializeMemory(as: UInt8.self, repeating: 0, count: SlotLayout.clearedBytes)
        return slot
    }

    func release(_ slot: UnsafeMutableRawPointer) {
        let distance = slot - mapping.base
        precondition(
            distance >= 0 && distance < count * SlotLayout.bytes && distance % SlotLayout.bytes == 0,
            "released a slot that is none of this journal's")
        slot.assumingMemoryBound(to: Atomic<UInt32>.self).pointee.store(SlotLayout.free, ordering: .releasing)
        free.withLock { $0.append(Int32(distance / SlotLayout.bytes)) }
    }
}
