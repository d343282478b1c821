internal import SkeinJournal
internal import SkeinPlatform
internal import Synchronization

/// What happens to pipelines in a child made by fork without exec.
///
/// The child shares the parent's mappings and has none of its threads. In the atfork handler each pipeline closes and forgets
/// its journal (with the lock, which would else outlive the parent), its shipper and its adopter; nothing is allocated, no lock
/// is taken. The first context that the child opens finds its pipeline closed, as any closed one, and only then asks for the
/// ``successor(of:)``: a pipeline on anonymous memory with a stream, a pid and a seed of its own, to the same endpoint.
/// Contexts that were open at the fork are the parent's: in the child they go nowhere, but what is opened below them is of their tree.
enum ForkGuard {
    /// Of `HotCore`s.
    static let cores = ForkRegistry()
    /// Of `ShippingRecorder`s.
    static let recorders = ForkRegistry()
    private static let making = Monitor<Void>(())

    /// What ``HotCore/fork`` says, below any address.
    enum State {
        static let none: UInt = 0
        static let forked: UInt = 1
        static let given: UInt = 2
    }

    private static let installation: Void = {
        _ = (cores, recorders, making, ThreadState.key)
        MappedJournal.expectForks()
        _ = pthread_atfork(nil, nil) { ForkGuard.becomeChild() }
    }()

    static func install() { _ = installation }

    private static func becomeChild() {
        if cores.isOverfull || recorders.isOverfull { EventSystem.active.store(false, ordering: .relaxed) }
        recorders.visit { pointer in
            let recorder = Unmanaged<ShippingRecorder>.fromOpaque(pointer)
            // Never released: its parts have locks that threads of the parent may have held.
            _ = recorder.retain()
            recorder._withUnsafeGuaranteedRef { $0.forgetAfterFork() }
        }
        cores.visit { pointer in
            let core = pointer.assumingMemoryBound(to: HotCore.self)
            _ = core.pointee.owner.retain()
            guard core.isOpen else { return }
            core.pointee.isOpen.pointee.store(false, ordering: .relaxed)
            core.pointee.fork.pointee.store(State.forked, ordering: .relaxed)
        }
        // The forking thread would draw the same ids as its parent.
        if let state = pthread_getspecific(ThreadState.key) {
            state.assumingMemoryBound(to: ThreadState.self).pointee.random = FastRandom()
        }
    }

    /// The pipeline that goes on for a closed one in the child of a fork; nil if it was closed otherwise.
    static func successor(of core: HotCorePointer) -> HotCorePointer? {
        switch core.pointee.fork.pointee.load(ordering: .acquiring) {
        case State.none, State.given: nil
        case State.forked: make(core)
        case let address: HotCorePointer(bitPattern: address)?.live
        }
    }

    private static func make(_ core: HotCorePointer) -> HotCorePointer? {
        let made = making.withLock { _ -> UInt in
            let state = core.pointee.fork.pointee.load(ordering: .acquiring)
            guard state == State.forked else { return state }
            let successor = core.withOwner { $0.successorAfterFork() }
            // Kept for ever, as the process's pipeline is: contexts may be using it.
            let address = successor.map {
                UInt(bitPattern: Unmanaged.passRetained($0)._withUnsafeGuaranteedRef { $0.hot })
            }
            core.pointee.fork.pointee.store(address ?? State.given, ordering: .releasing)
            return address ?? State.given
        }
        return made == State.given ? nil : HotCorePointer(bitPattern: made)?.live
    }
}

/// Addresses that an atfork handler can go through: fixed places, no lock.
final class ForkRegistry: @unchecked Sendable {
    // Sendable: the places are atomics, and constant otherwise.
    private static let capacity = 256
    private let places: UnsafeMutablePointer<Atomic<UInt>>
    private let overfull = Atomic<Bool>(false)

    init() {
        places = .allocate(capacity: Self.capacity)
        for index in 0..<Self.capacity { (places + index).initialize(to: Atomic(0)) }
    }

    deinit { places.deallocate() }

    /// More were alive at once than there are places for.
    var isOverfull: Bool { overfull.load(ordering: .relaxed) }

    func add(_ pointer: UnsafeRawPointer) {
        let address = UInt(bitPattern: pointer)
        for index in 0..<Self.capacity
        where places[index].compareExchange(expected: 0, desired: address, ordering: .releasing).exchanged {
            return
        }
        overfull.store(true, ordering: .relaxed)
    }

    func remove(_ pointer: UnsafeRawPointer) {
        let address = UInt(bitPattern: pointer)
        for index in 0..<Self.capacity
        where places[index].compareExchange(expected: address, desired: 0, ordering: .releasing).exchanged {
            return
        }
    }

    func visit(_ body: (UnsafeMutableRawPointer) -> Void) {
        for index in 0..<Self.capacity {
            let address = places[index].load(ordering: .acquiring)
            if let pointer = UnsafeMutableRawPointer(bitPattern: address) { body(pointer) }
        }
    }
}
