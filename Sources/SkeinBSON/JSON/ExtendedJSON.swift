internal import CSkeinBSON

/// MongoDB's Extended JSON, version 2, both ways; written by libbson.
///
/// | | canonical | relaxed |
/// |---|---|---|
/// | int32 7 | `{ "$numberInt" : "7" }` | `7` |
/// | int64 7 | `{ "$numberLong" : "7" }` | `7` |
/// | double 7 | `{ "$numberDouble" : "7.0" }` | `7.0` |
/// | datetime | `{ "$date" : { "$numberLong" : "0" } }` | `{ "$date" : "1970-01-01T00:00:00Z" }` |
///
/// Canonical brings every type back as it was (a NaN loses its payload bits); relaxed is for people, and brings a whole
/// number back as int32 where it fits. About 5 µs for a small event (300 bytes); allocates. Any thread.
public enum ExtendedJSON {
    /// Which of the two spellings: canonical, which keeps every type, or relaxed, for people.
    public enum Mode: Sendable, Hashable, CaseIterable {
        /// Canonical keeps the type of every value; relaxed writes numbers and dates as people do.
        case canonical, relaxed
    }

    /// What encode and decode take at most: beyond it libbson's 32-bit lengths would be in danger.
    public static let maximumBytes = 64 << 20

    /// The document as one line of JSON.
    ///
    /// - Throws: what ``BSONValidator`` finds, since libbson sees only valid bytes; `tooLarge` over
    ///   ``maximumBytes``.
    public static func encode(_ document: BSONDocument, _ mode: Mode) throws(BSONError) -> String {
        try document.withView { view throws(BSONError) in try encode(view, mode) }
    }

    /// The document as one line of JSON.
    public static func encode(_ view: BSONView, _ mode: Mode) throws(BSONError) -> String {
        guard view.bytes.count <= maximumBytes else {
            throw BSONError(
                code: .tooLarge,
                message:
                    "writing JSON: a document of \(view.bytes.count) bytes; at most \(maximumBytes) are taken"
            )
        }
        try BSONValidator.validate(view.bytes)
        var length = 0
        guard
            let json = skein_bson_to_json(
                view.bytes.baseAddress, view.bytes.count, mode == .canonical, &length)
        else {
            throw BSONError(
                code: .badValue, message: "writing JSON: libbson \(libraryVersion) refused a valid document")
        }
        defer { skein_bson_free(json) }
        return String(decoding: UnsafeRawBufferPointer(start: json, count: length), as: UTF8.self)
    }

    /// One value as JSON: `7`, `"text"`, `{ "$date" : … }`.
    public static func encode(_ value: BSONValue, _ mode: Mode) throws(BSONError) -> String {
        var document = BSONDocument()
        guard document.append("", value) else {
            throw BSONError(
                code: .badValue,
                message: "writing JSON: a value that BSON cannot hold (a NUL in a regular expression?)")
        }
        // `{ "" : value }`: what stands between the first colon and the last brace.
        let json = try encode(document, mode)
        guard let colon = json.firstIndex(of: ":"), let brace = json.lastIndex(of: "}") else { return json }
        var inner = json[json.index(after: colon)..<brace]
        while inner.first == " " { inner.removeFirst() }
        while inner.last == " " { inner.removeLast() }
        return String(inner)
    }

    /// Reads one JSON object, either mode or a mixture, and the older spellings of binaries, regular expressions and dates.
    ///
    /// Of plain numbers a whole one is an int32 if it fits, else an int64 if it fits, else a double. An object whose first key
    /// is that of a typed value (`$date`) must be one. White space around the object is taken, anything else is not.
    ///
    /// - Throws: `invalidJSON` with the place, `tooDeep` over 100 documents in each other, `tooLarge` over
    ///   ``maximumBytes``.
    public static func decode(_ json: String) throws(BSONError) -> BSONDocument {
        var json = json
        return try json.withUTF8 { utf8 -> Result<BSONDocument, BSONError> in
            Result { () throws(BSONError) in try decode(utf8: UnsafeRawBufferPointer(utf8)) }
        }.get()
    }

    /// Reads one JSON object out of bytes that may be anything.
    ///
    /// - Throws: as `decode(_:)`, and `invalidUTF8`.
    public static func decode(utf8: UnsafeRawBufferPointer) throws(BSONError) -> BSONDocument {
        guard utf8.count <= maximumBytes else {
            throw BSONError(
                code: .tooLarge,
                message: "reading JSON: a text of \(utf8.count) bytes; at most \(maximumBytes) are taken")
        }
        guard UTF8Validation.isValid(utf8) else {
            throw BSONError(code: .invalidUTF8, message: "reading JSON: the text is not UTF-8")
        }
        var reader = JSONReader(utf8)
        return try reader.document()
    }

    /// The version of the libbson that is linked, `1.23.1`.
    public static var libraryVersion: String { String(cString: bson_get_version()) }
}
