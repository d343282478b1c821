import SkeinBSON
import SkeinFilter

/// The parser of the filter language over any text, and what it takes over any bytes. Traps if a promise breaks: the fuzzer reports
/// it as a crash.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFilterText(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: start, count: count)
    let end = input.firstIndex(of: 0) ?? count
    let text = String(decoding: input[..<end], as: UTF8.self)
    let filter: EventFilter
    do throws(FilterError) {
        filter = try EventFilter(text)
    } catch {
        precondition(
            error.column >= 1 && error.column <= text.unicodeScalars.count + 1, "a column outside of the text"
        )
        precondition(error.diagram.utf8.last == UInt8(ascii: "^"), "no caret")
        return 0
    }
    precondition((try? EventFilter(text)) != nil, "taken once, and then no more")
    let own: BSONDocument = [
        "id": "1", "type": "a.b", "start": .double(1), "end": .double(2.5), "level": .int32(40),
        "body": [
            "a": .array(.array([.int32(1), ["b": "text"], .null])), "b": .datetime(1),
            "c": ["d": .bool(true)],
        ],
    ]
    _ = own.withView { filter.matches($0) }
    guard end < count else { return 0 }
    // Exactly as many bytes as there are, so that the sanitizer sees one too far.
    let bytes = Array(input[(end + 1)...])
    bytes.withUnsafeBytes { bytes in
        guard let view = BSONView(prefixOf: bytes) else { return }
        let first = filter.matches(view)
        precondition(filter.matches(view) == first, "two answers")
        precondition(!(filter.passesOver(view) && first), "matches, and is passed over")
    }
    return 0
}
