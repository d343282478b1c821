import SkeinBSON

/// The reader, the validator, owned documents and both JSON directions over any bytes. Traps if a promise breaks: the
/// fuzzer reports it as a crash.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzBSONBytes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    let isValid = BSONValidator.isValid(bytes)

    // The borrowed reader takes anything.
    var rest = bytes
    while let view = BSONView(prefixOf: rest) {
        walk(view, depth: 0)
        _ = view.first("type")?.text
        _ = view.first("id")?.integer
        _ = view.find(path: "body.a.0.b")?.number
        rest = UnsafeRawBufferPointer(rebasing: rest[view.bytes.count...])
    }
    _ = UTF8Validation.isValid(bytes)

    // Documents that nobody validated must stay harmless.
    var rubbish = BSONDocument(unchecked: Array(bytes))
    _ = rubbish.keys
    _ = rubbish[path: "a.b"]
    for (key, value) in rubbish {
        rubbish[key] = nil
        rubbish[key] = value
    }
    rubbish["a"] = ["b": 1]
    _ = try? BSONDecoder().decode([String: BSONValue].self, from: rubbish)

    guard isValid, let document = try? BSONDocument(validating: bytes) else {
        precondition(!isValid, "isValid and validate disagree")
        return 0
    }
    // What is valid is read to the end, and rebuilt to the same bytes.
    var count = 0
    var builder = BSONBuilder()
    document.withView { view in
        var elements = view.makeElements()
        do {
            while let element = try elements.next() {
                count += 1
                _ = try element.bsonValue()
                builder.append(element)
            }
        } catch {
            preconditionFailure("valid, but not read: \(error)")
        }
    }
    precondition(builder.finish() == document, "rebuilt by elements, it differs")
    precondition(document.count == count)
    precondition(
        BSONDocument(document.map { ($0.key, $0.value) }) == document, "rebuilt by values, it differs")

    // JSON: what comes back may differ from what went in (NaNs, options out of order), but not a second time.
    for mode in ExtendedJSON.Mode.allCases {
        guard let json = try? ExtendedJSON.encode(document, mode) else {
            preconditionFailure("valid, but not written as JSON")
        }
        guard let back = try? ExtendedJSON.decode(json) else { continue }
        precondition(back.withView { BSONValidator.isValid($0.bytes) })
        guard let again = try? ExtendedJSON.encode(back, mode) else {
            preconditionFailure("read, but not written")
        }
        if let third = try? ExtendedJSON.decode(again) {
            precondition(third == back, "JSON and back does not settle")
        }
    }
    return 0
}

/// Touches every accessor of every element.
private func walk(_ view: BSONView, depth: Int) {
    var elements = view.makeElements()
    do {
        while let element = try elements.next() {
            _ = element.keyString
            _ = element.text
            _ = element.number
            _ = element.integer
            _ = element.bool
            _ = element.datetime
            _ = element.binary?.bytes.last
            _ = try? element.bsonValue()
            if let inner = element.document, depth < 20 { walk(inner, depth: depth + 1) }
        }
    } catch {
        precondition(error.offset >= 0 && error.offset <= view.bytes.count)
    }
}
