internal import SkeinBSON
internal import SkeinJournal
internal import SkeinPlatform
internal import SkeinWire
internal import Synchronization

// Sendable: immutable after init, but for atomics and what `descriptors` guards.
/// The engine of a pipeline: what contexts need while they open, record and close.
final class PipelineCore: @unchecked Sendable {
    let time: EventTime
    let limits: EventLimits
    let host: String
    let pid: Int32
    let service: String?
    let ids: (any EventIDSource)?
    let privacyKey = (KernelRandom.word(), KernelRandom.word())

    /// The fast way: contexts append to its shards themselves.
    let shipping: ShippingRecorder?
    let shards: [MappedShard]
    /// Any other recorder.
    let recorder: (any EventRecorder)?

    /// What is held back.
    let held: HeldStore
    /// Whether types have a keep.
    let keepsTypes: Bool

    /// What the hot path uses of this.
    let hot: HotCorePointer

    private let counters: UnsafeMutablePointer<Atomic<UInt64>>
    private let ownsCounters: Bool
    /// What the counters were at the start: those of a spool go on from one process to the next.
    private let countersAtStart: [UInt64]
    private let heapBytes = Atomic<Int>(0)
    private let heapLimit: Int
    private let descriptors = Monitor<[String: TypeDescriptor]>([:])
    private let warn: @Sendable (String) -> Void
    private let configuration: EventPipeline.Configuration

    static let noDescriptor = TypeDescriptor(type: [], host: "", pid: 0, service: nil)
    private static let maximumDescriptors = 4_096

    init(_ configuration: EventPipeline.Configuration, recorder: any EventRecorder) {
        self.configuration = configuration
        limits = configuration.limits
        host = configuration.host ?? HostName.current
        pid = getpid()
        service = configuration.service
        ids = configuration.ids
        time = EventTime(clock: configuration.clock)
        heapLimit = configuration.openContextBytes
        warn = configuration.onWarning
        shipping = recorder as? ShippingRecorder
        self.recorder = shipping == nil ? recorder : nil
        shards = shipping?.journal.shards ?? []
        held = HeldStore(journal: shipping?.journal, configuration)
        keepsTypes = !configuration.keep.isEmpty
        if let journal = shipping?.journal {
            counters = journal.counter(0)
            ownsCounters = false
            countersAtStart = journal.recovered.owner?.counters ?? []
        } else {
            counters = .allocate(capacity: PipelineCounter.allCases.count)
            for index in 0..<PipelineCounter.allCases.count { (counters + index).initialize(to: Atomic(0)) }
            ownsCounters = true
            countersAtStart = []
        }
        let openFlag = UnsafeMutablePointer<Atomic<Bool>>.allocate(capacity: 1)
        openFlag.initialize(to: Atomic(true))
        let fork = UnsafeMutablePointer<Atomic<UInt>>.allocate(capacity: 1)
        fork.initialize(to: Atomic(ForkGuard.State.none))
        let shardPointers = UnsafeMutablePointer<Unmanaged<MappedShard>>.allocate(
            capacity: max(1, shards.count))
        for (index, shard) in shards.enumerated() {
            (shardPointers + index).initialize(to: Unmanaged.passUnretained(shard))
        }
        hot = .allocate(capacity: 1)
        hot.initialize(
            to: HotCore(
                owner: Unmanaged.passUnretained(self),
                identity: nextIdentity.add(1, ordering: .relaxed).newValue,
                time: Unmanaged.passUnretained(time), shards: shardPointers, shardCount: shards.count,
                counters: counters, isOpen: openFlag, fork: fork, pid: pid, givesIDs: ids != nil,
                countsCycles: time.usesCounter, threadKey: ThreadState.key,
                biasesLocks: AsymmetricFence.isAvailable,
                notify: shipping.map { Unmanaged.passUnretained($0) }))
        ForkGuard.cores.add(hot)
        shipping?.held.add(held)
    }

    deinit {
        held.close()
        shipping?.held.remove(held)
        ForkGuard.cores.remove(hot)
        hot.pointee.fork.deallocate()
        if ownsCounters { counters.deallocate() }
        hot.pointee.isOpen.deallocate()
        hot.pointee.shards.deallocate()
        hot.deallocate()
    }

    /// Whether new contexts record.
    var isOpen: Bool {
        get { hot.isOpen }
        set { hot.pointee.isOpen.pointee.store(newValue, ordering: .relaxed) }
    }

    /// In the child of a fork: what goes on in its place, on anonymous memory. Nil if it ships nothing, or cannot be had.
    func successorAfterFork() -> PipelineCore? {
        guard let shipping, let recorder = shipping.successorAfterFork() else { return nil }
        return PipelineCore(configuration, recorder: recorder)
    }

    /// The core that records: itself, or in the child of a fork what goes on in its place.
    var acting: PipelineCore {
        hot.live.map { $0.withOwner { $0 } } ?? self
    }

    // MARK: Counting

    @inline(__always)
    func count(_ counter: PipelineCounter, _ amount: UInt64 = 1) {
        (counters + counter.index).pointee.wrappingAdd(amount, ordering: .relaxed)
    }

    func counted(_ counter: PipelineCounter) -> UInt64 {
        let count = (counters + counter.index).pointee.load(ordering: .relaxed)
        guard countersAtStart.indices.contains(counter.index) else { return count }
        return count &- min(count, countersAtStart[counter.index])
    }

    // MARK: Memory

    func claimSlot() -> UnsafeMutableRawPointer? {
        shipping?.journal.claimSlot()
    }

    func releaseSlot(_ slot: UnsafeMutableRawPointer) {
        shipping?.journal.releaseSlot(slot)
    }

    /// Asks for heap memory of an open context, within the cap.
    func take(bytes: Int) -> Bool {
        let before = heapBytes.add(bytes, ordering: .relaxed).oldValue
        if before + bytes <= heapLimit { return true }
        heapBytes.subtract(bytes, ordering: .relaxed)
        return false
    }

    func freed(bytes: Int) {
        heapBytes.subtract(bytes, ordering: .relaxed)
    }

    var openContextBytes: Int { heapBytes.load(ordering: .relaxed) }

    // MARK: Types

    /// The descriptor of a type, made if it is new. Beyond 4,096 types (computed ones, no doubt) the rest is
    /// recorded as type `_other` and counted as invalid, so that memory stays bounded.
    func descriptor(_ type: String) -> Unmanaged<TypeDescriptor> {
        descriptors.withLock { known in
            if let found = known[type] { return Unmanaged.passUnretained(found) }
            let made = make(type)
            if known.count < Self.maximumDescriptors {
                known[type] = made
                return Unmanaged.passUnretained(made)
            }
            count(.invalidTypes)
            let other = known["_other"] ?? make("_other")
            known["_other"] = other
            return Unmanaged.passUnretained(other)
        }
    }

    private func make(_ type: String) -> TypeDescriptor {
        TypeDescriptor(
            type: Array(type.utf8), host: host, pid: pid, service: service, keep: configuration.keep[type])
    }

    /// A type without what a type must not have; counted if something had to go.
    func cleaned(_ type: String) -> String {
        if Array(type.utf8).withUnsafeBytes({ EventType.isValid($0) }) { return type }
        count(.invalidTypes)
        var cleaned = String(
            String.UnicodeScalarView(
                type.unicodeScalars.map { $0.value < 0x20 || $0 == "/" || $0.value == 0x7F ? "_" : $0 }))
        while cleaned.hasPrefix(".") { cleaned.removeFirst() }
        while cleaned.utf8.count > EventLimits.typeBytes { cleaned.removeLast() }
        return cleaned.isEmpty ? "_" : cleaned
    }
}

/// The machine's name, asked once.
package enum HostName {
    package static let current: String = {
        let name = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer -> String? in
            guard let base = buffer.baseAddress, gethostname(base, 255) == 0 else { return nil }
            buffer[255] = 0
            return String(cString: base)
        }
        return name.flatMap { $0.isEmpty ? nil : $0 } ?? "unknown"
    }()
}

private let nextIdentity = Atomic<UInt>(0)
