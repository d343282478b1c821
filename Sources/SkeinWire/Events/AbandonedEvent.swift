internal import SkeinBSON
import SkeinPlatform

/// Makes an event of a context that was open when its process died: what its slot holds, as
/// `error: {type: "abandoned"}`, ended at the process's last sign of life.
public enum AbandonedEvent {
    /// The event of one slot, or nil if the slot is free or makes no sense.
    ///
    /// The bytes are another process's: nothing of them is trusted beyond what fits.
    /// - Parameters:
    ///   - slot: 4 KiB as they were found.
    ///   - lastSignOfLife: Unix nanoseconds; the end, unless the context began later.
    public static func document(
        slot: UnsafeRawBufferPointer, lastSignOfLife: Int64, host: String, service: String?
    ) -> [UInt8]? {
        guard slot.count == SlotLayout.size, let base = slot.baseAddress else { return nil }
        func load<Value: BitwiseCopyable>(_ offset: Int, as type: Value.Type) -> Value {
            base.loadUnaligned(fromByteOffset: offset, as: type)
        }
        let state = UInt32(littleEndian: load(SlotLayout.state, as: UInt32.self))
        guard state == SlotLayout.stateOpen || state == SlotLayout.stateClosing else { return nil }
        let typeLength = Int(load(SlotLayout.typeLength, as: UInt16.self))
        let idLength = Int(load(SlotLayout.idLength, as: UInt16.self))
        guard typeLength <= EventLimits.typeBytes, idLength <= EventLimits.idBytes else { return nil }
        let type = UnsafeRawBufferPointer(rebasing: slot[SlotLayout.type..<(SlotLayout.type + typeLength)])
        let given = UnsafeRawBufferPointer(
            rebasing: slot[SlotLayout.givenID..<(SlotLayout.givenID + idLength)])
        let start = load(SlotLayout.start, as: Double.self)
        guard EventType.isValid(type), UTF8Validation.isValid(type), UTF8Validation.isValid(given),
            start.isFinite
        else { return nil }
        let trace = TraceID(
            high: UInt64(bigEndian: load(SlotLayout.traceID, as: UInt64.self)),
            low: UInt64(bigEndian: load(SlotLayout.traceID + 8, as: UInt64.self)))
        let span = load(SlotLayout.span, as: UInt64.self)
        let parent = load(SlotLayout.parentSpan, as: UInt64.self)
        let rate = load(SlotLayout.rate, as: Double.self)
        let committed = Int(UInt32(littleEndian: load(SlotLayout.committed, as: UInt32.self)))

        var builder = BSONBuilder()
        builder.append(
            "id", .string(given.isEmpty ? trace.description : String(decoding: given, as: UTF8.self)))
        builder.append("type", .string(String(decoding: type, as: UTF8.self)))
        builder.append("host", .string(host))
        builder.append("pid", .int32(load(SlotLayout.pid, as: Int32.self)))
        builder.append("start", .double(start))
        builder.append("end", .double(max(start, Double(lastSignOfLife) / 1e9)))
        builder.append("body", .document(body(slot, committed: committed)))
        builder.append("span", .string(Hex.string(span)))
        if parent != 0 { builder.append("parent", .string(Hex.string(parent))) }
        if !given.isEmpty { builder.append("trace", .string(trace.description)) }
        if let service { builder.append("service", .string(service)) }
        if rate > 0, rate < 1 { builder.append("rate", .double(rate)) }
        builder.append(
            "error",
            .document(["type": "abandoned", "message": "the process ended while this context was open"]))
        return builder.finish().bytes
    }

    /// The fields so far; those whose values turn out not to be BSON are left out.
    private static func body(_ slot: UnsafeRawBufferPointer, committed: Int) -> BSONDocument {
        let block = UnsafeMutableRawPointer.allocate(byteCount: SlotLayout.size, alignment: 8)
        defer { block.deallocate() }
        UnsafeMutableRawBufferPointer(start: block, count: SlotLayout.size).copyMemory(from: slot)
        var log = FieldLog(block: block, capacity: SlotLayout.size - SlotLayout.fields, limits: EventLimits())
        defer { log.destroy() }
        _ = log.recover(committed: committed)
        let bytes = [UInt8](unsafeUninitializedCapacity: log.bodyBound) { buffer, count in
            if let target = buffer.baseAddress { count = log.encodeBody(into: target) }
        }
        return (try? BSONDocument(validating: bytes)) ?? BSONDocument()
    }
}
