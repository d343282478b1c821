import SkeinBSON
import SkeinWire

/// The reader of plain JSON over any bytes, and the event that is made of what it reads. Traps if a promise breaks: the fuzzer reports
/// it as a crash.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRecordJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeRawBufferPointer(start: start, count: count))
    let read = bytes.withUnsafeBytes {
        try? PlainJSON.decode(utf8: $0, maximumDepth: 64, maximumBytes: 100_000)
    }
    guard let read else { return 0 }
    precondition(read.bytes.count <= 100_000, "more than was allowed")
    precondition(read.withView { BSONValidator.isValid($0.bytes) }, "read, but not valid")
    for kind in ["L", "P"] {
        guard let event = try? ForeignRecord(system: "P", kind: kind).event(read, arrival: 0) else {
            continue
        }
        let reason = event.withUnsafeBytes { bytes -> RejectReason? in
            var envelope = EventEnvelope()
            return EventCheck.check(bytes, into: &envelope)
        }
        precondition(reason == nil, "a record that is no event")
    }
    // Written and read again it settles: a decimal is text from then on.
    guard let once = try? PlainJSON.decode(PlainJSON.encode(read)) else {
        preconditionFailure("written, but not read")
    }
    precondition((try? PlainJSON.decode(PlainJSON.encode(once))) == once, "JSON and back does not settle")
    return 0
}
