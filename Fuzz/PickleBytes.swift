import SkeinBSON
import SkeinPickle
import SkeinWire

/// The pickle reader over any bytes, and what is made of what it reads. Traps if a promise breaks: the fuzzer reports it as a crash.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPickleBytes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // Exactly as many bytes as there are, so that the sanitizer sees one too far.
    let bytes = Array(UnsafeRawBufferPointer(start: start, count: count))
    var limits = PickleReader.Limits()
    limits.items = 10_000
    limits.outputBytes = 100_000
    let read: PickleReader.Result
    do throws(PickleError) {
        read = try PickleReader(limits: limits).read(bytes)
    } catch {
        precondition(error.offset <= count, "a place outside of the pickle")
        return 0
    }
    var document = BSONDocument()
    precondition(document.append("v", read.value), "read, but not BSON")
    precondition(document.bytes.count <= limits.outputBytes + 8, "more than was allowed")
    precondition(document.withView { BSONValidator.isValid($0.bytes) }, "read, but not valid")
    guard case .document(let attributes) = read.value else { return 0 }
    checkRecord(attributes)
    let again = try? PickleReader().read(PickleWriter.encode(attributes))
    precondition(again != nil, "written, but not read")
    return 0
}

/// What a log record becomes is an event.
private func checkRecord(_ attributes: BSONDocument) {
    for kind in ["L", "P"] {
        guard let event = try? ForeignRecord(system: "P", kind: kind).event(attributes, arrival: 0) else {
            continue
        }
        let reason = event.withUnsafeBytes { bytes -> RejectReason? in
            var envelope = EventEnvelope()
            return EventCheck.check(bytes, into: &envelope)
        }
        precondition(reason == nil, "a record that is no event")
    }
}
