internal import SkeinJournal
internal import SkeinPlatform
internal import SkeinWire
internal import Synchronization

/// What is held of one tree, or of the part of it below a context that has a ``Keep`` of its own, and what became of it.
///
/// | state | what closes below the root |
/// |---|---|
/// | open | is held |
/// | letting go | is held, behind what one thread is handing on in order |
/// | let go | goes at once |
/// | silent | is counted as held; while it lingers, held |
/// | passed on | is the outer tree's |
///
/// Sendable: constant, an atomic, or under the lock.
final class HeldTree: @unchecked Sendable {
    enum State: UInt8 {
        case open, lettingGo, letGo, silent, passedOn
    }

    let keep: Keep
    let hot: HotCorePointer
    let store: HeldStore
    let trace: TraceID
    let givenID: [UInt8]?
    let rootSpan: UInt64
    /// What the rates of its events are multiplied by when it is let go.
    let rateFactor: Double
    let outer: HeldTree?
    /// Whether it, or one around it, is recorded only because of its keep.
    let isOfSampledOut: Bool
    let isSampledOut: Bool
    /// Where its events go. Set before anybody else has the tree.
    var shard = 0

    private let arena: HeldArena?
    private let number: UInt64
    private let lock = SpinLock()
    private let stateWord = Atomic<UInt8>(State.open.rawValue)
    private let hasAnnounced = Atomic<Bool>(false)
    // Under the lock, which is why their accesses need no check of their own.
    /// The first is the head, which stays to the end; those behind it go when they are empty.
    @exclusivity(unchecked) private var chunks: [HeldChunk] = []
    @exclusivity(unchecked) private var nextOrder = 0
    /// Events that were ever put into a chunk.
    @exclusivity(unchecked) private var ordinal: UInt64 = 0
    @exclusivity(unchecked) private var count = 0
    @exclusivity(unchecked) private var bytes = 0
    /// Events that are in memory of their own.
    @exclusivity(unchecked) private var aside = 0
    @exclusivity(unchecked) private var lost = 0
    @exclusivity(unchecked) private var lingers = false

    init(
        _ keep: Keep, _ hot: HotCorePointer, _ store: HeldStore, trace: TraceID, givenID: [UInt8]?,
        rootSpan: UInt64, rateFactor: Double, isSampledOut: Bool, outer: HeldTree?
    ) {
        self.keep = keep.bounded
        self.hot = hot
        self.store = store
        self.trace = trace
        self.givenID = givenID
        self.rootSpan = rootSpan
        self.rateFactor = rateFactor
        self.isSampledOut = isSampledOut
        self.outer = outer
        isOfSampledOut = isSampledOut || (outer?.isOfSampledOut ?? false)
        arena = store.arena
        number = arena?.nextTree() ?? 0
    }

    deinit {
        // Only of a pipeline that ended meanwhile is anything left.
        free()
    }

    var state: State { State(rawValue: stateWord.load(ordering: .acquiring)) ?? .silent }
    private func set(_ state: State) { stateWord.store(state.rawValue, ordering: .releasing) }

    /// Whether nothing will be held in it any more, and nobody can ask for it.
    var isOver: Bool {
        lock.withLock { state == .letGo || state == .passedOn || state == .silent && !lingers }
    }

    // MARK: Holding

    /// Keeps an event, unless events of this tree go elsewhere by now.
    /// - Parameters:
    ///   - bound: bytes that `write` needs at most.
    ///   - slot: of the context that the event is, or the chunk that it comes from: stamped before the event is held, so that a
    ///     kill neither loses nor doubles it.
    ///   - write: writes the event, and answers its bytes.
    func hold(
        arrival: Int64, bound: Int, slot: UnsafeMutableRawPointer?, _ write: (UnsafeMutableRawPointer) -> Int
    ) -> Bool {
        lock.lock()
        defer { lock.unlock() }
        switch state {
        case .letGo, .passedOn: return false
        case .silent where !lingers:
            hot.count(.held)
            return true
        default: break
        }
        store.heldNow.add(1, ordering: .relaxed)
        if bound <= HeldChunk.maximumEvent {
            guard let chunk = room(for: bound) else {
                lose(1)
                return true
            }
            stamp(slot)
            bytes &+= chunk.append(arrival: arrival, capacity: bound, write)
        } else {
            holdLarge(arrival, bound, slot, write)
        }
        count &+= 1
        while count > keep.capacity || bytes > keep.bytes && count > 0 {
            if !loseOldest() { break }
        }
        return true
    }

    /// Encoded aside; and what no chunk can take stays there, for this process alone.
    @inline(never)
    private func holdLarge(
        _ arrival: Int64, _ bound: Int, _ slot: UnsafeMutableRawPointer?,
        _ write: (UnsafeMutableRawPointer) -> Int
    ) {
        let block = UnsafeMutableRawPointer.allocate(byteCount: bound, alignment: 8)
        let size = write(block)
        if size <= HeldChunk.maximumEvent, let chunk = room(for: size) {
            stamp(slot)
            bytes &+= chunk.append(arrival: arrival, capacity: size) {
                $0.copyMemory(from: block, byteCount: size)
                return size
            }
            return block.deallocate()
        }
        guard size > HeldChunk.maximumEvent, size <= keep.bytes, let chunk = room(for: 16) else {
            block.deallocate()
            count &-= 1
            return lose(1)
        }
        stamp(slot)
        _ = chunk.append(arrival: arrival, capacity: 16, isElsewhere: true) {
            $0.storeBytes(of: UInt(bitPattern: block), as: UInt.self)
            $0.storeBytes(of: size, toByteOffset: 8, as: Int.self)
            return 16
        }
        aside += 1
        bytes &+= size
    }

    @inline(__always)
    private func stamp(_ slot: UnsafeMutableRawPointer?) {
        if let slot, let arena {
            HeldChunk.stamp(slot, tree: number, opening: arena.opening, ordinal: ordinal)
        }
        ordinal &+= 1
    }

    /// A chunk that has room; where none is free the tree's own oldest gives way.
    @inline(__always)
    private func room(for size: Int) -> HeldChunk? {
        if let last = chunks.last, last.room >= size { return last }
        return nextChunk()
    }

    @inline(never)
    private func nextChunk() -> HeldChunk? {
        guard let arena else { return nil }
        if let claimed = arena.claim() { return append(claimed, arena) }
        store.tellShort()
        guard let head = chunks.first else { return nil }
        if chunks.count == 1 {
            while loseOldest() {}
            head.removeAll(ordinal: ordinal)
            return head
        }
        let victim = chunks[1]
        while head.oldest != nil { _ = loseOldest() }
        while victim.oldest != nil { _ = loseOldest() }
        chunks.removeAll { $0.base == victim.base }
        head.tellPassed(ordinal)
        return append(victim, arena)
    }

    private func append(_ chunk: HeldChunk, _ arena: HeldArena) -> HeldChunk {
        chunk.begin(
            tree: number, opening: arena.opening, order: nextOrder,
            head: arena.index(of: chunks.first ?? chunk), rateFactor: rateFactor, ordinal: ordinal)
        nextOrder += 1
        chunks.append(chunk)
        return chunk
    }

    // MARK: The oldest

    /// The chunk that has the oldest event; those before it that are empty go, but for the head.
    private func oldest() -> (chunk: HeldChunk, event: HeldChunk.Event)? {
        guard let head = chunks.first else { return nil }
        if let event = head.oldest { return (head, event) }
        while chunks.count > 1 {
            let chunk = chunks[1]
            if let event = chunk.oldest { return (chunk, event) }
            chunks.remove(at: 1)
            head.tellPassed(ordinal)
            arena?.release(chunk)
        }
        return nil
    }

    private func loseOldest() -> Bool {
        guard let (chunk, event) = oldest() else { return false }
        forget(event)
        chunk.pass(event)
        lose(1)
        return true
    }

    /// Takes an event out of the sums, and gives back what it has outside of its chunk.
    private func forget(_ event: HeldChunk.Event) {
        count &-= 1
        bytes &-= Self.withBytes(of: event, { $0.count })
        guard event.isElsewhere else { return }
        aside -= 1
        Self.block(event)?.deallocate()
    }

    private func lose(_ events: Int) {
        lost += events
        chunks.first?.lost = lost
    }

    private static func block(_ event: HeldChunk.Event) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: event.bytes.load(as: UInt.self))
    }

    private static func withBytes<Result>(
        of event: HeldChunk.Event, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        guard event.isElsewhere else { return body(UnsafeRawBufferPointer(event.bytes)) }
        return body(
            UnsafeRawBufferPointer(
                start: block(event), count: event.bytes.load(fromByteOffset: 8, as: Int.self)))
    }

    /// Gives everything back, the head last.
    private func free() {
        while aside > 0, let (chunk, event) = oldest() {
            forget(event)
            chunk.pass(event)
        }
        for chunk in chunks.reversed() { arena?.release(chunk) }
        chunks = []
        count = 0
        bytes = 0
    }

    // MARK: Verdicts

    /// Hands everything on, in order; what closes meanwhile goes behind it.
    /// - Parameter isAsked: another service asked for it, so that nobody need be told.
    func letGo(isAsked: Bool = false) {
        lock.lock()
        guard state == .open || state == .silent && lingers else { return lock.unlock() }
        if state == .silent { chunks.first?.unsilence() }
        set(.lettingGo)
        lock.unlock()
        if !isAsked { announce() }
        while handOnOldest() {}
    }

    /// Whether there was one.
    private func handOnOldest() -> Bool {
        lock.lock()
        guard let (chunk, event) = oldest() else {
            let lost = lost
            self.lost = 0
            free()
            set(.letGo)
            lock.unlock()
            store.heldNow.subtract(lost, ordering: .relaxed)
            for _ in 0..<lost { hot.count(.heldFull) }
            return false
        }
        guard hot.pointee.shardCount > 0 else {
            // A recorder may do anything: not under the lock.
            let copy = Self.withBytes(of: event) { Array($0) }
            forget(event)
            chunk.pass(event)
            lock.unlock()
            store.heldNow.subtract(1, ordering: .relaxed)
            copy.withUnsafeBytes { event in
                HeldRate.multiplied(event, by: rateFactor) { event in
                    hot.count(.closed)
                    hot.withOwner { $0.recorder?.record(event) }
                }
            }
            return true
        }
        let isTaken = Self.withBytes(of: event) { bytes in
            HeldRate.multiplied(bytes, by: rateFactor) { bytes in
                chunk.letGo(event, bytes, to: hot.pointee.shards[shard]._withUnsafeGuaranteedRef { $0 })
            }
        }
        forget(event)
        if !isTaken { chunk.pass(event) }
        lock.unlock()
        store.heldNow.subtract(1, ordering: .relaxed)
        if !isTaken { hot.count(hot.isOpen ? .journalFull : .shutDown) }
        hot.pointee.notify?._withUnsafeGuaranteedRef { $0.notify() }
        return true
    }

    /// This tree and those around it: somebody wants to see the detail.
    func letAllGo() {
        outer?.letAllGo()
        letGo()
    }

    /// The root ended well.
    func silence() {
        let mayLinger = keep.linger > .zero && store.isShared
        lock.lock()
        guard state == .open else { return lock.unlock() }
        chunks.first?.silence()
        lingers = mayLinger
        set(.silent)
        lock.unlock()
        if mayLinger, store.linger(self) { return }
        expire()
        store.unregister(self)
    }

    /// Nobody asked for it.
    func expire() {
        lock.lock()
        guard state == .silent else { return lock.unlock() }
        lingers = false
        let gone = count + lost
        lost = 0
        free()
        lock.unlock()
        guard gone > 0 else { return }
        store.heldNow.subtract(gone, ordering: .relaxed)
        hot.count(.held, by: UInt64(gone))
    }

    /// The root ended well inside another kept tree, which may still end otherwise: what was held is held there.
    func passOn(to outer: HeldTree) {
        lock.lock()
        guard state == .open else { return lock.unlock() }
        set(.passedOn)
        var moved = 0
        while let (chunk, event) = oldest() {
            Self.withBytes(of: event) { bytes in
                chunk.willMove(event)
                let isHeld = outer.hold(arrival: event.arrival, bound: bytes.count, slot: chunk.base) {
                    target in
                    if let base = bytes.baseAddress { target.copyMemory(from: base, byteCount: bytes.count) }
                    return bytes.count
                }
                if !isHeld { outer.handOn(Array(bytes), arrival: event.arrival) }
            }
            forget(event)
            chunk.pass(event)
            moved += 1
        }
        let lost = lost
        self.lost = 0
        free()
        lock.unlock()
        store.heldNow.subtract(moved, ordering: .relaxed)
        outer.adopt(lost: lost)
    }

    private func adopt(lost: Int) {
        guard lost > 0 else { return }
        lock.lock()
        let isOpen = state == .open || state == .lettingGo || state == .silent && lingers
        if isOpen { lose(lost) }
        lock.unlock()
        guard !isOpen else { return }
        store.heldNow.subtract(lost, ordering: .relaxed)
        for _ in 0..<lost { hot.count(state == .silent ? .held : .heldFull) }
    }

    /// An event that was held elsewhere, and goes at once.
    private func handOn(_ event: [UInt8], arrival: Int64) {
        event.withUnsafeBytes { bytes in
            HeldRate.multiplied(bytes, by: rateFactor) { bytes in
                guard hot.pointee.shardCount > 0 else {
                    hot.count(.closed)
                    return hot.withOwner { $0.recorder?.record(bytes) ?? () }
                }
                let number = hot.pointee.shards[shard]._withUnsafeGuaranteedRef {
                    $0.append(kind: .event, flags: 0, arrival: arrival, capacity: bytes.count, slot: nil) {
                        if let base = bytes.baseAddress { $0.copyMemory(from: base, byteCount: bytes.count) }
                        return bytes.count
                    }
                }
                if number == 0 { hot.count(hot.isOpen ? .journalFull : .shutDown) }
            }
        }
    }

    /// Tells other services that something went wrong in the tree: once, and only if it was configured.
    private func announce() {
        guard store.isShared, !hasAnnounced.exchange(true, ordering: .relaxed) else { return }
        let id = givenID.map { String(decoding: $0, as: UTF8.self) } ?? trace.description
        let now = hot.now().unix
        let event = hot.withOwner {
            ReleaseEvent.document(
                id: id, trace: trace, parent: rootSpan, time: now, host: $0.host, pid: $0.pid,
                service: $0.service)
        }
        handOn(event, arrival: Int64(now * 1e9))
        hot.pointee.notify?._withUnsafeGuaranteedRef { $0.notify() }
    }
}
