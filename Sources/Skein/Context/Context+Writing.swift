public import SkeinBSON
internal import SkeinPlatform
internal import SkeinWire
internal import Synchronization

// Every write takes the same way: is it recording? lock; write into the log; grow and try again if it was full; unlock;
// count what was dropped.

extension Context {
    @inline(__always)
    private func write(_ attempt: (inout FieldLog) -> FieldLog.Outcome, need: Int) {
        let state = state
        let hold = state.acquire()
        guard state.pointee.isOpen else {
            let sampled = state.pointee.isSampled
            state.release(hold)
            if sampled { state.pointee.core?.count(.writesAfterClose) }
            return
        }
        var outcome = attempt(&state.log.pointee)
        if outcome == .full { outcome = growAndRetry(attempt, need: need) }
        state.release(hold)
        if outcome != .stored { state.pointee.core?.count(.fieldsDropped) }
    }

    @inline(never)
    private func growAndRetry(
        _ attempt: (inout FieldLog) -> FieldLog.Outcome, need: Int
    ) -> FieldLog.Outcome {
        var outcome = FieldLog.Outcome.full
        while outcome == .full {
            guard grow(need: need) else { return .tooManyFields }
            outcome = attempt(&state.log.pointee)
        }
        return outcome
    }

    /// Moves the fields to a block with room for `need` more bytes. The slot is given up: what is open in the heap is not
    /// seen by who recovers a spool.
    private func grow(need: Int) -> Bool {
        guard let core else { return false }
        let used = state.log.pointee.byteCount
        let limit = core.limits.eventBytes
        let wanted = used + need + 1_024
        let capacity = min(max(wanted * 2, 16 << 10), limit + 4_096)
        guard capacity > state.log.pointee.blockBytes - SlotLayout.fields, used + need <= limit,
            core.take(bytes: capacity + SlotLayout.fields)
        else { return false }
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: capacity + SlotLayout.fields, alignment: 64)
        block.initializeMemory(as: UInt8.self, repeating: 0, count: SlotLayout.fields)
        let oldBytes = state.log.pointee.blockBytes
        state.log.pointee.grow(to: block, capacity: capacity)
        if let old = state.pointee.grown {
            core.freed(bytes: oldBytes)
            old.deallocate()
        } else {
            core.count(.unslotted)
            if state.pointee.homeIsSlot { SlotHead(state.pointee.home).state(SlotLayout.stateFree) }
        }
        state.pointee.grown = block
        return true
    }

    @usableFromInline
    func writeScalar(
        _ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, type: UInt8, bits: UInt64, size: Int
    ) {
        let state = state
        if literal, state.pointee.lock.acquireAsOwner() {
            if state.pointee.isOpen, let value = state.log.pointee.expected(key, keyLength, size: 8) {
                // Eight bytes are there, whatever the size; what the value does not need, the next element overwrites.
                value.storeBytes(of: bits.littleEndian, as: UInt64.self)
                state.log.pointee.commitExpected(key, keyLength, type: type, size: size)
                return state.release(.asOwner)
            }
            state.release(.asOwner)
        }
        writeScalarSlowly(key, keyLength, literal: literal, type: type, bits: bits, size: size)
    }

    // Functions of their own, so that the short way needs no stack.
    @inline(never)
    private func writeScalarSlowly(
        _ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, type: UInt8, bits: UInt64, size: Int
    ) {
        write(
            { $0.setScalar(key, keyLength, literal: literal, type: type, bits: bits, size: size) },
            need: keyLength + 16)
    }

    @inline(never)
    private func writeStringSlowly(
        _ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, _ text: UnsafeBufferPointer<UInt8>
    ) {
        var count = text.count
        let limit = state.pointee.valueLimit
        if count > limit {
            count = Self.characterBorder(text, below: limit)
            trimmed(key, keyLength, original: text.count)
        }
        let base = UnsafeRawPointer(text.baseAddress)
        write({ $0.setString(key, keyLength, literal: literal, base, count) }, need: keyLength + count + 8)
    }

    @usableFromInline
    func writeString(
        _ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, _ text: UnsafeBufferPointer<UInt8>
    ) {
        let state = state
        let count = text.count
        if literal, count <= state.pointee.valueLimit, let base = UnsafeRawPointer(text.baseAddress),
            state.pointee.lock.acquireAsOwner()
        {
            if state.pointee.isOpen, let value = state.log.pointee.expected(key, keyLength, size: count &+ 5)
            {
                value.storeBytes(of: Int32(truncatingIfNeeded: count &+ 1).littleEndian, as: Int32.self)
                FieldLog.copy(base, count, to: value + 4)
                value.storeBytes(of: 0, toByteOffset: 4 &+ count, as: UInt8.self)
                state.log.pointee.commitExpected(
                    key, keyLength, type: BSONType.string.rawValue, size: count &+ 5)
                return state.release(.asOwner)
            }
            state.release(.asOwner)
        }
        writeStringSlowly(key, keyLength, literal: literal, text)
    }

    func writeBytes(
        _ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, subtype: UInt8,
        _ bytes: UnsafeRawBufferPointer
    ) {
        guard let core else { return }
        let count = min(bytes.count, core.limits.valueBytes)
        if count < bytes.count { trimmed(key, keyLength, original: bytes.count) }
        var value = [UInt8](repeating: 0, count: 4)
        value.reserveCapacity(count + 5)
        withUnsafeBytes(of: Int32(count).littleEndian) { value.replaceSubrange(0..<4, with: $0) }
        value.append(subtype)
        value.append(contentsOf: bytes.prefix(count))
        value.withUnsafeBytes { raw in
            write(
                { $0.setRaw(key, keyLength, literal: literal, type: BSONType.binary.rawValue, raw) },
                need: keyLength + raw.count + 8)
        }
    }

    func writeValue(_ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, _ value: BSONValue) {
        guard let core else { return }
        switch value {
        case .string(var text):
            text.withUTF8 { writeString(key, keyLength, literal: literal, $0) }
            return
        case .binary(let binary) where binary.bytes.count > core.limits.valueBytes:
            binary.bytes.withUnsafeBytes {
                writeBytes(key, keyLength, literal: literal, subtype: binary.subtype, $0)
            }
            return
        case .document(let document), .array(let document):
            guard BodyLimits.allows(document, limits: core.limits) else {
                core.count(.fieldsDropped)
                return
            }
        default: break
        }
        let encoded = EncodedValue(value)
        encoded.withBytes { raw in
            write(
                { $0.setRaw(key, keyLength, literal: literal, type: encoded.type, raw) },
                need: keyLength + raw.count + 8)
        }
    }

    func writeSum(_ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, integer: Int64, double: Double?) {
        write(
            { $0.add(key, keyLength, literal: literal, integer: integer, double: double) },
            need: keyLength + 16)
    }

    func writeItem(_ key: UnsafeRawPointer, _ keyLength: Int, literal: Bool, _ value: BSONValue) {
        guard let core else { return }
        let encoded = EncodedValue(value)
        let maximum = max(core.limits.valueBytes, 1_024)
        encoded.withBytes { raw in
            write(
                {
                    $0.append(
                        key, keyLength, literal: literal, type: encoded.type, raw, maximumBytes: maximum)
                }, need: keyLength + raw.count + 16 + maximum)
        }
    }

    func removeField(_ key: UnsafeRawPointer, _ keyLength: Int) {
        guard core != nil else { return }
        let hold = state.acquire()
        if state.pointee.isOpen { _ = state.log.pointee.remove(key, keyLength) }
        state.release(hold)
    }

    func readField(_ key: UnsafeRawPointer, _ keyLength: Int) -> BSONValue? {
        guard core != nil else { return nil }
        let hold = state.acquire()
        defer { state.release(hold) }
        guard state.pointee.isOpen else { return nil }
        return state.log.pointee.value(key, keyLength).flatMap {
            EncodedValue.decode(type: $0.type, $0.bytes)
        }
    }

    /// The fields so far, nested as the event will have them.
    public var fields: BSONDocument {
        guard core != nil else { return BSONDocument() }
        let hold = state.acquire()
        defer { state.release(hold) }
        guard state.pointee.isOpen else { return BSONDocument() }
        let bound = state.log.pointee.bodyBound
        let bytes = [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            count = state.log.pointee.encodeBody(into: base)
        }
        return BSONDocument(unchecked: bytes)
    }

    /// Tells in the event that a value was cut: its original length stands at the same path under `_trimmed`.
    private func trimmed(_ key: UnsafeRawPointer, _ keyLength: Int, original: Int) {
        core?.count(.trimmed)
        let hold = state.acquire()
        state.pointee.trimmed += 1
        let told = state.pointee.trimmed <= 16
        state.release(hold)
        guard told else { return }
        let path = Array("_trimmed.".utf8) + Array(UnsafeRawBufferPointer(start: key, count: keyLength))
        path.withUnsafeBytes {
            guard let base = $0.baseAddress else { return }
            writeScalar(
                base, path.count, literal: false, type: BSONType.int64.rawValue, bits: UInt64(original),
                size: 8)
        }
    }

    /// The largest count up to `limit` at which no character is cut (UTF-8 continuation bytes are 10xxxxxx).
    static func characterBorder(_ text: UnsafeBufferPointer<UInt8>, below limit: Int) -> Int {
        var count = min(limit, text.count)
        while count > 0, count < text.count, text[count] & 0xC0 == 0x80 { count -= 1 }
        return count
    }
}

/// A slot's head, for those who change its state.
struct SlotHead {
    let slot: UnsafeMutableRawPointer

    init(_ slot: UnsafeMutableRawPointer) { self.slot = slot }

    @inline(__always)
    func state(_ value: UInt32) {
        slot.assumingMemoryBound(to: Atomic<UInt32>.self).pointee.store(value, ordering: .releasing)
    }
}
