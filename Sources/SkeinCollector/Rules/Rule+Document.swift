import SkeinBSON

// A rule as it is kept on disk, beside what was begun under it.
extension Rule {
    var document: BSONDocument {
        var document = BSONDocument()
        func texts(_ texts: [String]) -> BSONValue { .array(.array(texts.map { .string($0) })) }
        if let name { document.append("name", .string(name)) }
        if let match { document.append("match", .string(match)) }
        if isDropping { document.append("drop", true) }
        if let rate { document.append("rate", .double(rate)) }
        if !remove.isEmpty { document.append("remove", texts(remove)) }
        if !redact.isEmpty {
            let parts = redact.map { redaction -> BSONValue in
                var part: BSONDocument = ["keys": texts(redaction.keys)]
                switch redaction.method {
                case .mask(let text): part.append("mask", .string(text))
                case .hash: part.append("with", "hash")
                case .remove: part.append("with", "remove")
                }
                return .document(part)
            }
            document.append("redact", .array(.array(parts)))
        }
        if !add.isEmpty {
            document.append(
                "add",
                .array(
                    .array(add.map { .document(["path": .string($0.path), "value": $0.value]) })))
        }
        if let hold {
            document.append(
                "hold",
                [
                    "by": .string(hold.by), "until": .string(hold.until),
                    "ms": .int64(Int64(hold.window.wholeMilliseconds)),
                    "capacity": .int64(Int64(hold.capacity)),
                ])
        }
        document.append("to", texts(to))
        return document
    }

    init?(_ document: BSONDocument) {
        func texts(_ value: BSONValue?) -> [String] { value?.arrayValues?.compactMap(\.stringValue) ?? [] }
        guard document["to"]?.arrayValues != nil else { return nil }
        self.init(match: document["match"]?.stringValue, to: texts(document["to"]))
        name = document["name"]?.stringValue
        isDropping = document["drop"] == true
        if case .double(let rate)? = document["rate"] { self.rate = rate }
        if let part = document["hold"]?.documentValue, let by = part["by"]?.stringValue,
            let until = part["until"]?.stringValue, let time = part["ms"]?.intValue,
            let capacity = part["capacity"]?.intValue
        {
            hold = Hold(
                by: by, until: until, window: .milliseconds(time), capacity: Int(clamping: capacity))
        }
        remove = texts(document["remove"])
        redact = (document["redact"]?.arrayValues ?? []).compactMap { value in
            guard let part = value.documentValue else { return nil }
            let method: Redaction.Method =
                part["mask"]?.stringValue.map { .mask($0) }
                ?? (part["with"]?.stringValue == "hash" ? .hash : .remove)
            return Redaction(keys: texts(part["keys"]), by: method)
        }
        add = (document["add"]?.arrayValues ?? []).compactMap { value in
            guard let part = value.documentValue, let path = part["path"]?.stringValue,
                let value = part["value"]
            else { return nil }
            return Addition(path, value)
        }
    }
}
