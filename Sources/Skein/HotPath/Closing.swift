internal import SkeinBSON
internal import SkeinJournal
internal import SkeinPlatform
internal import SkeinWire
internal import Synchronization

// How a context ends: its event is written straight into the journal's segment, under the shard's lock for the length of a
// copy; its slot is free again; the object goes back to the thread's pool.

/// Why a context ended, if not in the usual way.
@usableFromInline
struct EndingError: Sendable {
    @usableFromInline let type: String
    @usableFromInline let message: String

    @usableFromInline
    init(_ error: any Error) {
        type = String(describing: Swift.type(of: error))
        message = String(describing: error)
    }

    init(type: String, message: String) {
        self.type = type
        self.message = message
    }

    static let unfinished = EndingError(
        type: "unfinished", message: "the context was released without finish()")
}

extension Context {
    /// Ends a context that `begin` made, and gives the object back.
    @usableFromInline
    static func end(_ opened: Opened, _ error: (any Error)?) {
        let state = opened.context._withUnsafeGuaranteedRef { $0.state }
        if let error { close(state, error: EndingError(error)) } else { close(state) }
        recycle(opened.context, state)
    }

    /// Into the thread's pool if nobody else holds it; else it is freed by whoever does.
    @inline(__always)
    private static func recycle(
        _ unmanaged: Unmanaged<Context>, _ state: UnsafeMutablePointer<ContextState>
    ) {
        // Looked at where it stands: a reference taken out would be counted, and that is an atomic exchange.
        var unmanaged = unmanaged
        let isUnique = withUnsafeMutablePointer(to: &unmanaged) {
            $0.withMemoryRebound(to: Context.self, capacity: 1) { isKnownUniquelyReferenced(&$0.pointee) }
        }
        guard isUnique, let core = state.pointee.core else {
            state.adoptParent()
            return unmanaged.release()
        }
        if state.pointee.ownsParent || state.pointee.inherited != nil || state.pointee.grown != nil {
            unmanaged._withUnsafeGuaranteedRef { $0.clear() }
        }
        let thread = ThreadState.current(core)
        if thread.pointee.poolOwner != core.pointee.identity {
            guard core.isOpen else { return unmanaged.release() }
            thread.drainPool()
            thread.pointee.poolOwner = core.pointee.identity
        }
        guard thread.pointee.poolCount < ThreadState.poolCapacity, !state.log.pointee.isOversized
        else {
            return unmanaged.release()
        }
        thread.pointee.pool[thread.pointee.poolCount] = unmanaged
        thread.pointee.poolCount += 1
    }

    /// Turns the fields into an event and hands it over. The second call is counted.
    func close() { Self.close(state) }

    @inline(__always)
    static func close(_ state: UnsafeMutablePointer<ContextState>) {
        guard let (core, end, hold) = stop(state) else { return }
        let body = state.log.pointee.bodyBound
        let fixed = state.pointee.descriptor._withUnsafeGuaranteedRef { $0.fixedBytes }
        if state.pointee.inherited == nil, body <= 16 << 10, state.log.pointee.count <= 64,
            core.pointee.shardCount > 0
        {
            let number = append(state, core, capacity: fixed + body, end: end) { target in
                EventWriter.write(state, end: end, error: nil, into: target)
            }
            if number == 0 { dropped(core, bytes: fixed + body) }
        } else {
            handSlowly(state, core, end: end, nil, bound: fixed + body)
        }
        leave(state, hold)
    }

    /// As ``close()``, for a context that ended with an error.
    func close(error: EndingError) { Self.close(state, error: error) }

    @inline(never)
    private static func close(_ state: UnsafeMutablePointer<ContextState>, error: EndingError) {
        guard let (core, end, hold) = stop(state) else { return }
        let fixed = state.pointee.descriptor._withUnsafeGuaranteedRef { $0.fixedBytes }
        handSlowly(state, core, end: end, error, bound: fixed + state.log.pointee.bodyBound)
        leave(state, hold)
    }

    /// Takes the lock and the time, if there is anything to end.
    @inline(__always)
    private static func stop(
        _ state: UnsafeMutablePointer<ContextState>
    ) -> (core: HotCorePointer, end: Double, hold: BiasedLock.Hold)? {
        guard state.pointee.isSampled, let core = state.pointee.core else { return nil }
        let hold = state.acquire()
        guard state.pointee.isOpen else {
            state.release(hold)
            core.count(.finishedTwice)
            return nil
        }
        state.pointee.isOpen = false
        state.pointee.status.store(2, ordering: .relaxed)
        let elapsed = state.pointee.isRecord ? 0 : core.seconds(since: state.pointee.startTicks)
        return (core, state.pointee.start + elapsed, hold)
    }

    @inline(__always)
    private static func leave(_ state: UnsafeMutablePointer<ContextState>, _ hold: BiasedLock.Hold) {
        if state.pointee.homeIsSlot { SlotHead(state.pointee.home).state(SlotLayout.stateFree) }
        if state.pointee.grown != nil { dropGrown(state) }
        state.release(hold)
    }

    @inline(__always)
    private static func append(
        _ state: UnsafeMutablePointer<ContextState>, _ core: HotCorePointer, capacity: Int, end: Double,
        _ write: (UnsafeMutableRawPointer) -> Int
    ) -> UInt64 {
        let slot = state.pointee.homeIsSlot && state.pointee.grown == nil ? state.pointee.home : nil
        let number = core.pointee.shards[state.pointee.shard]._withUnsafeGuaranteedRef {
            $0.append(
                kind: .event, flags: 0, arrival: Int64(end * 1e9), capacity: capacity, slot: slot, write)
        }
        core.pointee.notify?._withUnsafeGuaranteedRef { $0.notify() }
        return number
    }

    /// Large, nested, failed or otherwise unusual: encoded aside, so that nobody waits for it at the shard.
    @inline(never)
    private static func handSlowly(
        _ state: UnsafeMutablePointer<ContextState>, _ core: HotCorePointer, end: Double,
        _ error: EndingError?, bound: Int
    ) {
        let given = state.pointee.inherited?._withUnsafeGuaranteedRef { $0.givenID?.count ?? 0 } ?? 0
        let inherited = given + 64
        let limit = EventWriter.errorTextBytes
        let errorBytes =
            error.map { min($0.type.utf8.count, limit) + min($0.message.utf8.count, limit) + 64 } ?? 0
        let ending = HeldTree.Ending(
            state: state, end: end, error: error, bound: bound + inherited + errorBytes + 64)
        guard let tree = state.pointee.inherited?._withUnsafeGuaranteedRef({ $0.keep }) else {
            return handOver(ending)
        }
        if tree.hot == core {
            tree.close(ending)
        } else if tree.isOfSampledOut {
            // In the child of a fork the parent's trees are not held.
            core.count(.unsampled)
        } else {
            handOver(ending)
        }
    }

    /// At once, encoded aside.
    static func handOver(_ ending: HeldTree.Ending) {
        let state = ending.state
        guard let core = state.pointee.core else { return }
        withUnsafeTemporaryAllocation(byteCount: ending.bound, alignment: 8) { buffer in
            guard let base = buffer.baseAddress else { return }
            let size = EventWriter.write(state, end: ending.end, error: ending.error, into: base)
            let event = UnsafeRawBufferPointer(start: base, count: size)
            if core.pointee.shardCount == 0 {
                core.count(.closed)
                core.withOwner { $0.recorder?.record(event) }
                return
            }
            let number = append(state, core, capacity: size, end: ending.end) { target in
                target.copyMemory(from: base, byteCount: size)
                return size
            }
            if number == 0 { dropped(core, bytes: size) }
        }
    }

    @inline(never)
    private static func dropped(_ core: HotCorePointer, bytes: Int) {
        if !core.isOpen {
            core.count(.shutDown)
        } else if case let largest = core.pointee.shards[0]._withUnsafeGuaranteedRef({ $0.maximumPayload }),
            bytes > largest
        {
            core.count(.tooLarge)
        } else {
            core.count(.journalFull)
        }
    }
}

/// Writes event documents: the envelope's bytes are ready in the descriptor, the body's in the field log.
enum EventWriter {
    /// Bytes of an error's type or message; longer ones are cut.
    static let errorTextBytes = 65_536

    @inline(__always)
    static func write(
        _ state: UnsafeMutablePointer<ContextState>, end: Double, error: EndingError?,
        into target: UnsafeMutableRawPointer
    ) -> Int {
        var pointer = target + 4
        var givenID: [UInt8]? = nil
        var isDerived = false
        if let inherited = state.pointee.inherited {
            inherited._withUnsafeGuaranteedRef {
                givenID = $0.givenID
                isDerived = $0.isDerived
            }
        }
        if let givenID {
            var writer = BSONRawWriter(pointer)
            givenID.withUnsafeBytes { writer.string(key: Self.key("id"), $0) }
            pointer = writer.pointer
        } else {
            // 02 'i' 'd' 00 | 21 00 00 00 | 32 hex | 00
            pointer.storeBytes(of: UInt64(0x0000_0021_0064_6902).littleEndian, as: UInt64.self)
            Hex.write(state.pointee.trace.high, to: pointer + 8)
            Hex.write(state.pointee.trace.low, to: pointer + 24)
            pointer.storeBytes(of: 0, toByteOffset: 40, as: UInt8.self)
            pointer += 41
        }
        let (prefix, suffix) = state.pointee.descriptor._withUnsafeGuaranteedRef { ($0.prefix, $0.suffix) }
        if let base = prefix.baseAddress { FieldLog.copy(base, prefix.count, to: pointer) }
        pointer += prefix.count
        pointer.storeBytes(of: state.pointee.start.bitPattern.littleEndian, as: UInt64.self)
        // 01 'e' 'n' 'd' 00
        pointer.storeBytes(of: UInt32(0x646E_6501).littleEndian, toByteOffset: 8, as: UInt32.self)
        pointer.storeBytes(of: 0, toByteOffset: 12, as: UInt8.self)
        pointer.storeBytes(of: end.bitPattern.littleEndian, toByteOffset: 13, as: UInt64.self)
        // 03 'b' 'o' 'd' 'y' 00
        pointer.storeBytes(of: UInt32(0x646F_6203).littleEndian, toByteOffset: 21, as: UInt32.self)
        pointer.storeBytes(of: UInt16(0x0079).littleEndian, toByteOffset: 25, as: UInt16.self)
        pointer += 27
        pointer += state.log.pointee.encodeBody(into: pointer)
        // 02 's' 'p' 'a' 'n' 00 | 11 00 00 00 | 16 hex | 00
        pointer.storeBytes(of: UInt64(0x0011_006E_6170_7302).littleEndian, as: UInt64.self)
        pointer.storeBytes(of: 0, toByteOffset: 8, as: UInt16.self)
        Hex.write(state.pointee.span, to: pointer + 10)
        pointer.storeBytes(of: 0, toByteOffset: 26, as: UInt8.self)
        pointer += 27
        if state.pointee.parentSpan != 0 {
            // 02 'p' 'a' 'r' 'e' 'n' 't' 00 | 11 00 00 00 | 16 hex | 00
            pointer.storeBytes(of: UInt64(0x0074_6E65_7261_7002).littleEndian, as: UInt64.self)
            pointer.storeBytes(of: UInt32(17).littleEndian, toByteOffset: 8, as: UInt32.self)
            Hex.write(state.pointee.parentSpan, to: pointer + 12)
            pointer.storeBytes(of: 0, toByteOffset: 28, as: UInt8.self)
            pointer += 29
        }
        var writer = BSONRawWriter(pointer)
        if isDerived {
            writer.header(.string, key: Self.key("trace"))
            writer.pointer.storeBytes(of: UInt32(33).littleEndian, as: UInt32.self)
            Hex.write(state.pointee.trace.high, to: writer.pointer + 4)
            Hex.write(state.pointee.trace.low, to: writer.pointer + 20)
            writer.pointer.storeBytes(of: 0, toByteOffset: 36, as: UInt8.self)
            writer.pointer += 37
        }
        if suffix.count > 0, let base = suffix.baseAddress {
            FieldLog.copy(base, suffix.count, to: writer.pointer)
            writer.pointer += suffix.count
        }
        if state.pointee.rate < 1 { writer.double(key: Self.key("rate"), state.pointee.rate) }
        if let error { Self.write(error, &writer) }
        if state.pointee.isRecord { writer.int32(key: Self.key("level"), state.pointee.level) }
        writer.pointer.storeBytes(of: 0, as: UInt8.self)
        let size = writer.pointer + 1 - target
        target.storeBytes(of: Int32(truncatingIfNeeded: size).littleEndian, as: Int32.self)
        return size
    }

    @inline(never)
    private static func write(_ error: EndingError, _ writer: inout BSONRawWriter) {
        let start = writer.beginDocument(key: key("error"))
        text(error.type, "type", &writer)
        text(error.message, "message", &writer)
        writer.endDocument(start)
    }

    private static func text(_ text: String, _ name: StaticString, _ writer: inout BSONRawWriter) {
        var text = text
        text.withUTF8 { utf8 in
            let count = Context.characterBorder(utf8, below: errorTextBytes)
            writer.string(
                key: key(name), UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(utf8)[..<count]))
        }
    }

    @inline(__always)
    private static func key(_ literal: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
    }
}
