import SkeinBSON

/// The Extended JSON reader over any text. Traps if a promise breaks: the fuzzer reports it as a crash.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzBSONText(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let text = UnsafeRawBufferPointer(start: start, count: count)
    precondition(
        UTF8Validation.isValid(text) == (String(validating: text, as: UTF8.self) != nil),
        "UTF-8 is judged otherwise")
    _ = BSONDecimal128(String(decoding: text, as: UTF8.self))?.description
    _ = BSONObjectID(hex: String(decoding: text, as: UTF8.self))

    guard let document = try? ExtendedJSON.decode(utf8: text) else { return 0 }
    precondition(document.withView { BSONValidator.isValid($0.bytes) }, "read, but not valid")
    for mode in ExtendedJSON.Mode.allCases {
        guard let json = try? ExtendedJSON.encode(document, mode) else {
            preconditionFailure("read, but not written")
        }
        guard let back = try? ExtendedJSON.decode(json), let again = try? ExtendedJSON.encode(back, mode)
        else { continue }
        precondition(again == json, "JSON and back does not settle")
    }
    return 0
}
