import SkeinBSON
import SkeinFilter
import SkeinPlatform

/// Makes the body of an event of a line.
struct LineFormat {
    enum Kind {
        /// `{line: text}`
        case text
        /// The line is a JSON object, which becomes the body.
        case json
        /// The named groups become fields.
        case pattern(LinePattern)
    }

    let kind: Kind
    /// Names of groups whose text stays text, whatever it looks like.
    let texts: Set<String>

    /// What came of a line.
    enum Outcome {
        /// It is as it should be.
        case taken
        /// It stands in `line` as a whole, beside `unmatched: true`.
        case unmatched
    }

    /// Writes the fields of a line into a body.
    func write(_ line: LineSplitter.Line, into body: inout BSONBuilder) -> Outcome {
        let outcome = fields(line, &body)
        if line.length > line.bytes.count + 2 {
            body.append("length", int64: Int64(line.length))
        }
        return outcome
    }

    private func fields(_ line: LineSplitter.Line, _ body: inout BSONBuilder) -> Outcome {
        switch kind {
        case .text:
            body.append("line", string: Self.text(line.bytes))
            return .taken
        case .json:
            guard let document = Self.object(line.bytes) else { return unmatched(line, &body) }
            for (key, value) in document { body.append(key, value) }
            return .taken
        case .pattern(let pattern):
            var found: [(path: [String], value: BSONValue)] = []
            let outcome = pattern.match(line.bytes) { index, text in
                let name = pattern.names[index]
                found.append(
                    (
                        name.split(separator: "__", omittingEmptySubsequences: false).map(String.init),
                        texts.contains(name) ? .string(Self.text(text)) : Self.value(text)
                    ))
            }
            guard outcome == .match else { return unmatched(line, &body) }
            append(found[...], depth: 0, &body)
            return .taken
        }
    }

    private func unmatched(_ line: LineSplitter.Line, _ body: inout BSONBuilder) -> Outcome {
        body.append("line", string: Self.text(line.bytes))
        body.append("unmatched", bool: true)
        return .unmatched
    }

    /// `a__b` is field `b` of the document `a`.
    private func append(
        _ fields: ArraySlice<(path: [String], value: BSONValue)>, depth: Int, _ body: inout BSONBuilder
    ) {
        var done: Set<String> = []
        for field in fields {
            let key = field.path[depth]
            guard field.path.count > depth + 1 else {
                if done.insert(key).inserted { body.append(key, field.value) }
                continue
            }
            guard done.insert(key).inserted else { continue }
            let own = fields.filter { $0.path.count > depth + 1 && $0.path[depth] == key }
            body.appendDocument(key) { append(own[...], depth: depth + 1, &$0) }
        }
    }

    private static func object(_ bytes: UnsafeRawBufferPointer) -> BSONDocument? {
        // Its reader is libbson's, whose depth is bounded; a line that was cut is no JSON any more.
        guard let first = bytes.first(where: { $0 != 0x20 && $0 != 0x09 }), first == UInt8(ascii: "{") else {
            return nil
        }
        return try? ExtendedJSON.decode(utf8: bytes)
    }

    /// What is not UTF-8 is replaced by U+FFFD.
    static func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

    /// A number if the text is one as JSON writes it, and nothing else: so `007` and `1.2.3` stay text. Whole ones that
    /// fit are int64, the others double.
    static func value(_ bytes: UnsafeRawBufferPointer) -> BSONValue {
        let text = Self.text(bytes)
        guard isNumber(bytes) else { return .string(text) }
        if let whole = Int64(text) { return .int64(whole) }
        guard let number = Double(text), number.isFinite else { return .string(text) }
        return .double(number)
    }

    private static func isNumber(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes[...]
        func digits() -> Int {
            let count = rest.prefix { (0x30...0x39).contains($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        guard rest.count <= 40 else { return false }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let hasLeadingZero = rest.first == UInt8(ascii: "0")
        let whole = digits()
        guard whole == 1 || (whole > 1 && !hasLeadingZero) else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard digits() > 0 else { return false }
        }
        if let letter = rest.first, letter == UInt8(ascii: "e") || letter == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
                rest = rest.dropFirst()
            }
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}
